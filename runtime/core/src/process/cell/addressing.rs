//! Names and exported stubs of the process in a cell, and its polls.

use std::pin::Pin;
use std::sync::Arc;

use super::control_block::RunState;
use super::{Cell, EXPORTED, IN_GROUPS, flags};
#[cfg(feature = "inspect")]
use crate::base::Definition;
use crate::base::{Pid, Protocol};
#[cfg(feature = "upgrade")]
use crate::node::HoldRequest;
#[cfg(feature = "inspect")]
use crate::node::ServerRequest;
use crate::node::{Addressable, AnyCell, ChildEntry, Node, Pollable};
#[cfg(feature = "net")]
use crate::node::{RequestError, TakeState};
use crate::observe::WaitingCall;
#[cfg(feature = "net")]
use crate::process::SystemRequest;
#[cfg(feature = "inspect")]
use crate::process::protocol_definition;
use crate::sync::atomic::Ordering;

impl<M: Protocol> Addressable for Cell<M> {
    fn is_alive(&self, number: u64) -> bool {
        let control = self.control();
        control.is_running(number) && !self.is_exiting()
    }

    fn running_number(&self) -> u64 {
        let control = self.control();
        if control.state == RunState::Running && !self.is_in_gap(&control) { control.number } else { 0 }
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
        self.marks.fetch_or(EXPORTED, Ordering::Relaxed);
    }

    fn is_pid_exported(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & EXPORTED != 0
    }

    fn enter_groups(&self, number: u64) -> bool {
        // Under the lock, so that the process either ends later and finds the mark, or is ending.
        let control = self.control();
        let is_running = control.is_running(number) && !self.is_exiting();
        if is_running {
            self.marks.fetch_or(EXPORTED | IN_GROUPS, Ordering::Relaxed);
        }
        is_running
    }

    fn child_id(&self) -> Option<Pid> {
        let slot = self.child_slot.as_ref()?;
        Some(self.node.pid(*slot.number.get_or_init(|| self.node.child_number(&slot.path))))
    }

    fn list_child(self: Arc<Self>) -> Option<Pid> {
        let (slot, id) = self.child_slot.as_ref().zip(self.child_id())?;
        slot.entry.get_or_init(|| {
            let cell: Arc<dyn AnyCell> = Arc::clone(&self) as _;
            ChildEntry::new(id.number(), Arc::downgrade(&cell), &self.node)
        });
        Some(id)
    }

    fn export_child(&self) {
        if let Some(slot) = &self.child_slot {
            slot.is_exported.store(true, Ordering::Relaxed);
        }
    }

    fn is_child_exported(&self) -> bool {
        self.child_slot.as_ref().is_some_and(|slot| slot.is_exported.load(Ordering::Relaxed))
    }

    #[cfg(feature = "net")]
    fn take_state(&self, number: u64, request: TakeState) -> Result<(), RequestError> {
        self.request(number, SystemRequest::TakeState(request))
    }

    #[cfg(feature = "upgrade")]
    fn hold(&self, number: u64, request: HoldRequest) -> Result<(), RequestError> {
        self.request(number, SystemRequest::Hold(request))
    }

    #[cfg(feature = "upgrade")]
    fn is_server(&self) -> bool {
        self.control().kind.server
    }

    #[cfg(feature = "upgrade")]
    fn refuses_restart(&self) -> bool {
        self.control().kind.refuses_restart
    }

    #[cfg(feature = "inspect")]
    fn definition(&self) -> Option<Arc<Definition>> {
        protocol_definition::<M>(&self.node)?.get().ok().cloned()
    }

    #[cfg(feature = "inspect")]
    fn request_server(&self, number: u64, request: ServerRequest) -> Result<(), RequestError> {
        self.request(
            number,
            match request {
                ServerRequest::State(answer) => SystemRequest::FormatState(answer),
                ServerRequest::Suspend(answer) => SystemRequest::Suspend(answer),
                ServerRequest::Resume(answer) => SystemRequest::Resume(answer),
            },
        )
    }
}

impl<M: Protocol> Cell<M> {
    /// Returns whether the process has a registered name.
    pub(crate) fn has_name(&self) -> bool {
        self.control().name().is_some()
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

    fn wait_for_answers(&self, number: u64, sent: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.with_attached(number, |attached| _ = attached.answers_sent.get_or_insert(sent));
        self.flags.set(flags::ANSWERS_WAIT);
    }

    fn set_waiting(&self, number: u64, waiting: WaitingCall) {
        let before = self.with_attached(number, |attached| attached.waiting.replace(waiting));
        // Not under the lock: it may be the last reference to its call.
        drop(before);
    }

    fn clear_waiting(&self, number: u64, call: *const ()) {
        let is_same = |waiting: &mut WaitingCall| std::ptr::addr_eq(waiting.call.as_ptr(), call);
        let before = self.with_attached(number, |attached| attached.waiting.take_if(is_same));
        drop(before);
    }
}
