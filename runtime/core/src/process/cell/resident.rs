//! A cell as its node sees it, which knows nothing of its protocol: what becomes of signals, of bytes and of events.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::control::RunState;
use super::{Cell, flags};
use crate::base::{CallError, CastError, Decoder, NodeEvent, NodeId, Pid, Protocol, System};
use crate::mailbox::{Addressee, Origin, Refused, WaiterId};
use crate::node::{Ancestry, Delivery, Line, Node, Resident};
use crate::observe::{DeadlockCheck, ProcessInfo, ProtocolMetrics, SourceLine, Waiting};
use crate::wire::{Signal, fingerprint};

impl<M: Protocol> Resident for Cell<M> {
    fn node(&self) -> &Node {
        &self.node
    }

    fn signal(&self, number: u64, from: &Pid, signal: Signal) {
        self.handle_signal(number, from, signal);
    }

    fn deliver(&self, number: u64, delivery: Delivery<'_>) -> Result<(), CallError> {
        let mut decoder = Decoder::new(delivery.payload);
        let message = if delivery.variant == Delivery::EVENT {
            let event = M::decode_event(delivery.protocol, &mut decoder);
            event.ok_or_else(|| CallError::Incompatible(format!("`{}` takes no such event", M::NAME).into()))?
        } else if delivery.protocol == fingerprint::<M>() {
            M::decode(delivery.variant as usize, &mut decoder)
        } else {
            return Err(CallError::Incompatible(format!("`{}` differs between the nodes", M::NAME).into()));
        };
        let message = message.map_err(CallError::Decode)?;
        decoder.finish().map_err(CallError::Decode)?;
        match self.send(Addressee::of(number), message, false) {
            Ok(_) => Ok(()),
            Err(Refused::Gone(_)) => Err(CallError::NoProc),
            Err(Refused::Full(_)) => Err(CallError::Full),
        }
    }

    fn event(&self, number: Option<u64>, event: &mut dyn Any) -> Result<Option<WaiterId>, CastError> {
        let event = M::from_system(&mut System::offer_any(event));
        let message =
            event.ok_or_else(|| CastError::Incompatible(format!("`{}` takes no such event", M::NAME).into()))?;
        self.send(number.map_or(Addressee::AnyOwner, Addressee::Process), message, true).map_err(
            |refused| match refused {
                Refused::Gone(_) => CastError::NoProc,
                Refused::Full(_) => CastError::Full,
            },
        )
    }

    fn owner(&self) -> Option<u64> {
        self.queue.owner()
    }

    fn export(&self) {
        Cell::export(self);
    }

    fn export_place(&self) -> Option<String> {
        Cell::export_place(self)
    }

    fn path(&self) -> Option<&Arc<str>> {
        Cell::path(self)
    }

    fn line(self: Arc<Self>) -> Arc<dyn Line> {
        self
    }

    fn is_alive(&self, number: u64) -> bool {
        let control = self.control();
        control.is_running(number) && !self.is_exiting()
    }

    fn is_doomed(&self) -> bool {
        Cell::is_exiting(self)
    }

    fn is_exported(&self) -> bool {
        Cell::is_exported(self)
    }

    fn occupant(&self) -> u64 {
        let control = self.control();
        if control.state == RunState::Running { control.number } else { 0 }
    }

    fn is_place_exported(&self) -> bool {
        Cell::is_place_exported(self)
    }

    fn take_name(&self, number: u64, name: &str) -> Result<(), Option<String>> {
        let mut control = self.control();
        if !control.is_running(number) || self.is_exiting() {
            return Err(None);
        }
        if let Some(name) = control.name() {
            return Err(Some(name.clone()));
        }
        control.cold_or_default().name = Some(name.to_owned());
        Ok(())
    }

    fn drop_name(&self, number: u64) {
        let mut control = self.control();
        if control.number == number
            && let Some(cold) = control.cold_mut()
        {
            cold.name = None;
        }
    }

    fn node_event(&self, number: u64, event: NodeEvent) {
        self.push_system(number, Origin::OWN, event);
    }

    fn disconnect(&self, number: u64, node: &NodeId) {
        let lost = {
            let mut control = self.control();
            if control.number != number {
                return;
            }
            control.cold_mut().map(|cold| cold.relations.disconnect(node)).unwrap_or_default()
        };
        for (from, signal) in lost {
            self.signal(number, &from, signal);
        }
    }

    fn wait(&self, number: u64, waiting: Result<Waiting, *const ()>) {
        let before = self.with_attached(number, |attached| match waiting {
            Ok(waiting) => attached.waiting.replace(waiting),
            Err(call) => attached.waiting.take_if(|waiting| std::ptr::addr_eq(waiting.call.as_ptr(), call)),
        });
        // Not under the lock: it may be the last of its call.
        drop(before);
    }

    fn waiting(&self, number: u64) -> Option<Waiting> {
        let control = self.control();
        let alive = control.is_running(number) && !self.is_exiting();
        control.attached().filter(|_| alive)?.waiting.clone()
    }

    fn glance(&self) -> (&Node, bool) {
        (&self.node, self.flags.get() & (flags::NO_WAKER | flags::EXITING | flags::DEADLOCK_CHECK) != 0)
    }

    fn inquire(&self, number: u64, inquiry: Arc<DeadlockCheck>) {
        self.with_attached_if_running(number, |attached| attached.deadlock_checks.push(inquiry));
        self.flags.set(flags::DEADLOCK_CHECK);
        self.queue.wake();
    }

    fn info(&self, number: u64) -> Option<ProcessInfo> {
        self.process_info(number)
    }

    fn figures(&self) -> Option<ProtocolMetrics> {
        Some(self.metrics())
    }

    fn glimpse(&self) -> Option<(&'static str, Option<SourceLine>)> {
        Some(self.type_and_line())
    }

    fn trace(&self, number: u64, traced: bool) {
        self.set_traced(number, traced);
    }

    fn ancestry(&self) -> Option<Ancestry> {
        let control = self.control();
        Some(Ancestry { parent: control.parent, supervisor: control.kind.supervisor })
    }

    fn protocol(&self) -> &'static str {
        M::NAME
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<M: Protocol> Line for Cell<M> {
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        self.queue.poll_admitted(id, cx).map_err(|()| CastError::NoProc)
    }

    fn withdraw(&self, id: WaiterId) {
        if let Some(message) = self.queue.withdraw(id) {
            self.drop_overflow(message);
        }
    }
}
