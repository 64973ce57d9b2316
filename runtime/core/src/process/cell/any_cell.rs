//! A cell as its node sees it, without its protocol.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::control::RunState;
use super::{Cell, flags};
use crate::base::{CallError, CastError, Decoder, NodeEvent, NodeId, Pid, Protocol, System};
use crate::mailbox::{Addressee, Origin, Refused, WaiterId};
use crate::node::{Addressable, Admission, Ancestry, Delivery, Inspect, MessageTarget, Node, Pollable, SignalTarget};
use crate::observe::{DeadlockCheck, ProcessInfo, ProtocolMetrics, SourceLine, Waiting};
use crate::wire::{Signal, fingerprint};

impl<M: Protocol> SignalTarget for Cell<M> {
    fn signal(&self, number: u64, from: &Pid, signal: Signal) {
        self.handle_signal(number, from, signal);
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
}

impl<M: Protocol> MessageTarget for Cell<M> {
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

    fn deliver_event(&self, number: Option<u64>, event: &mut dyn Any) -> Result<Option<WaiterId>, CastError> {
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

    fn deliver_node_event(&self, number: u64, event: NodeEvent) {
        self.push_system(number, Origin::OWN, event);
    }

    fn mailbox_owner(&self) -> Option<u64> {
        self.queue.owner()
    }

    fn into_admission(self: Arc<Self>) -> Arc<dyn Admission> {
        self
    }

    fn protocol(&self) -> &'static str {
        M::NAME
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<M: Protocol> Addressable for Cell<M> {
    fn is_alive(&self, number: u64) -> bool {
        let control = self.control();
        control.is_running(number) && !self.is_exiting()
    }

    fn running_number(&self) -> u64 {
        let control = self.control();
        if control.state == RunState::Running { control.number } else { 0 }
    }

    fn set_name(&self, number: u64, name: &str) -> Result<(), Option<String>> {
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

    fn clear_name(&self, number: u64) {
        let mut control = self.control();
        if control.number == number
            && let Some(cold) = control.cold_mut()
        {
            cold.name = None;
        }
    }

    fn path(&self) -> Option<&Arc<str>> {
        Cell::path(self)
    }

    fn export_pid(&self) {
        Cell::export(self);
    }

    fn is_pid_exported(&self) -> bool {
        Cell::is_exported(self)
    }

    fn export_path(&self) -> Option<String> {
        Cell::export_place(self)
    }

    fn is_path_exported(&self) -> bool {
        Cell::is_place_exported(self)
    }
}

impl<M: Protocol> Pollable for Cell<M> {
    fn node(&self) -> &Node {
        &self.node
    }

    fn prepare_poll(&self) -> (&Node, bool) {
        (&self.node, self.flags.get() & (flags::NO_WAKER | flags::EXITING | flags::DEADLOCK_CHECK) != 0)
    }

    fn is_exiting(&self) -> bool {
        Cell::is_exiting(self)
    }

    fn set_waiting(&self, number: u64, waiting: Waiting) {
        let before = self.with_attached(number, |attached| attached.waiting.replace(waiting));
        // Not under the lock: it may be the last reference to its call.
        drop(before);
    }

    fn clear_waiting(&self, number: u64, call: *const ()) {
        let is_same = |waiting: &mut Waiting| std::ptr::addr_eq(waiting.call.as_ptr(), call);
        let before = self.with_attached(number, |attached| attached.waiting.take_if(is_same));
        drop(before);
    }
}

impl<M: Protocol> Inspect for Cell<M> {
    fn ancestry(&self) -> Ancestry {
        let control = self.control();
        Ancestry { parent: control.parent, supervisor: control.kind.supervisor }
    }

    fn process_info(&self, number: u64) -> Option<ProcessInfo> {
        Cell::process_info(self, number)
    }

    fn metrics(&self) -> ProtocolMetrics {
        Cell::metrics(self)
    }

    fn type_and_line(&self) -> (&'static str, Option<SourceLine>) {
        Cell::type_and_line(self)
    }

    fn set_traced(&self, number: u64, traced: bool) {
        Cell::set_traced(self, number, traced);
    }

    fn waiting(&self, number: u64) -> Option<Waiting> {
        let control = self.control();
        let alive = control.is_running(number) && !self.is_exiting();
        control.attached().filter(|_| alive)?.waiting.clone()
    }

    fn check_deadlock(&self, number: u64, check: Arc<DeadlockCheck>) {
        self.with_attached_if_running(number, |attached| attached.deadlock_checks.push(check));
        self.flags.set(flags::DEADLOCK_CHECK);
        self.queue.wake();
    }
}

impl<M: Protocol> Admission for Cell<M> {
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        self.queue.poll_admitted(id, cx).map_err(|()| CastError::NoProc)
    }

    fn withdraw(&self, id: WaiterId) {
        if let Some(message) = self.queue.withdraw(id) {
            self.drop_overflow(message);
        }
    }
}
