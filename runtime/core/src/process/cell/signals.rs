//! The signals that the process in a cell receives, and those that it sends: exits, stops, links and monitors.
//!
//! The sender's thread handles a signal, under the lock of the receiver's control block. So the signal has had its effect
//! when the sender goes on, and signals from one process to another keep their order.

use super::control_block::{ControlBlock, RunState};
use super::{Cell, flags};
use crate::base::{Down, Exit, MonitorRef, NodeId, Pid, Protocol};
use crate::mailbox::Origin;
use crate::node::SignalTarget;
#[cfg(all(feature = "upgrade", unix))]
use crate::signal::KeptRelation;
use crate::signal::{Effect, MonitorRoute, Monitored, Receipt, Relations, dispatch};
use crate::sync::MutexGuard;
use crate::wire::{Epoch, Signal};

impl<M: Protocol> SignalTarget for Cell<M> {
    // If the process has ended, a link or monitor is answered with `Exit::NoProc`, and an exit signal is lost.
    fn signal(&self, number: u64, from: &Pid, epoch: Epoch, signal: Signal) {
        let control = self.control();
        if number == 0 {
            self.signal_child(control, from, epoch, signal);
        } else if control.is_occupied_by(number) {
            self.signal_process(control, number, from, epoch, signal);
        } else {
            drop(control);
            self.node.refuse_signal(from, &self.node.pid(number), epoch, signal, Exit::NoProc);
        }
    }

    fn disconnect(&self, number: u64, node: &NodeId, epoch: Epoch) {
        if number == 0 {
            self.disconnect_waiting_watchers(epoch);
        }
        let (number, lost) = {
            let mut control = self.control();
            if number != 0 && control.number != number {
                return;
            }
            let lost = control.cold_mut().map(|cold| cold.relations.disconnect(node, epoch)).unwrap_or_default();
            (control.number, lost)
        };
        for (from, signal) in lost {
            self.signal(number, &from, epoch, signal);
        }
    }

    fn is_related_over(&self, number: u64, epoch: Epoch) -> bool {
        let control = self.control();
        let process = if number == 0 { control.number } else { number };
        let related =
            control.is_occupied_by(process) && control.cold().is_some_and(|cold| cold.relations.has_any_over(epoch));
        related || number == 0 && self.has_waiting_watcher_over(epoch)
    }

    fn relations_over(&self, number: u64, epoch: Epoch) -> usize {
        let control = self.control();
        let process = if number == 0 { control.number } else { number };
        let relations = control.cold().filter(|_| control.is_occupied_by(process));
        let count = relations.map_or(0, |cold| cold.relations.count_over(epoch));
        if number == 0 { count + self.count_waiting_watchers_over(epoch) } else { count }
    }

    #[cfg(all(feature = "upgrade", unix))]
    fn kept_relations(&self, number: u64, epoch: Epoch) -> Vec<KeptRelation> {
        let control = self.control();
        let process = if number == 0 { control.number } else { number };
        let relations = control.cold().filter(|_| control.is_occupied_by(process));
        let mut kept = relations.map(|cold| cold.relations.kept_over(process, epoch)).unwrap_or_default();
        if number == 0 {
            kept.extend(self.kept_waiting_watchers(epoch));
        }
        kept
    }
}

impl<M: Protocol> Cell<M> {
    /// Handles a signal to the process with this number, which occupies the cell.
    pub(super) fn signal_process(
        &self,
        mut control: MutexGuard<'_, ControlBlock>,
        number: u64,
        from: &Pid,
        epoch: Epoch,
        signal: Signal,
    ) {
        let is_local = from.belongs_to(self.node.id());
        let receipt = Receipt {
            from,
            epoch,
            is_own: is_local && from.number() == number,
            is_trapping: control.trap_exit,
            is_from_parent: control.is_server_of(from, is_local),
        };
        if control.is_proxy() {
            return self.signal_proxy(control, receipt, signal);
        }
        let effect = dispatch(&mut *control, receipt, signal);
        self.apply_effect(control, number, from, epoch, effect);
    }

    /// Applies the effect of a signal to the process with this number, which occupies the cell.
    pub(super) fn apply_effect(
        &self,
        mut control: MutexGuard<'_, ControlBlock>,
        number: u64,
        from: &Pid,
        epoch: Epoch,
        effect: Effect,
    ) {
        match effect {
            Effect::None => {}
            Effect::Exit(reason) => self.set_exit(&mut control, reason),
            Effect::Stop(reason) if control.state == RunState::Running => self.set_stop(&mut control, reason),
            Effect::Stop(_) => {}
            Effect::ExitMessage(signal) => self.push_system(number, Origin::OWN, signal),
            // Under the lock, so that `demonitor` either prevents the message or finds it.
            Effect::DownMessage(down) => self.push_system(number, Origin::monitor(down.monitor.0), down),
            Effect::Acknowledge(id) => {
                drop(control);
                self.node.signal(&self.node.pid(number), from, epoch, Signal::UnlinkAck { id });
                self.relations(number, |relations| relations.ack_sent(from, id));
            }
        }
    }

    /// Ends the process because of a panic outside its future; returns `false` if its exit reason was already set.
    pub(in crate::process) fn fail_with_panic(&self, number: u64, panic: &Exit) -> bool {
        let mut control = self.control();
        let in_time = control.is_running(number) && !self.is_exiting();
        if in_time {
            self.set_exit(&mut control, panic.clone());
            #[cfg(feature = "test")]
            if let Some(crashes) = self.node.unseen_crashes() {
                crashes.note_failed(self.node.pid(number));
            }
        }
        in_time
    }

    /// Ends the process, whose own code decides it: it ends at its next `.await`, without its `terminate`.
    pub(crate) fn exit_now(&self, number: u64, reason: Exit) {
        let mut control = self.control();
        if control.is_running(number) {
            self.set_exit(&mut control, reason);
        }
    }

    /// Sets the exit reason unless one is set, and wakes the process, which ends with its next poll.
    pub(super) fn set_exit(&self, control: &mut ControlBlock, reason: Exit) {
        if !self.is_exiting() {
            control.set_exit_reason(reason);
            self.flags.set(flags::EXITING);
            self.queue.wake();
            let observer = control.attached_mut().and_then(|attached| attached.exit_observer.take());
            if let Some(observer) = observer.and_then(|observer| observer.upgrade()) {
                observer.exit_is_set();
            }
        }
    }

    /// Has a server stop after the messages sent so far; any other process ends at once.
    pub(super) fn set_stop(&self, control: &mut ControlBlock, reason: Exit) {
        if !control.kind.server {
            return self.set_exit(control, reason);
        }
        // The first stop counts; an exit signal that comes later overrides it.
        if self.flags.get() & (flags::STOPPING | flags::EXITING) == 0 {
            control.set_stop_reason(self.queue.pushed(), reason);
            self.flags.set(flags::STOPPING);
            self.queue.wake();
        }
    }

    /// Has the server stop after the first `read` of its messages. Overrides an earlier stop, which would come later.
    pub(in crate::process) fn stop_after(&self, read: u64, reason: Exit) {
        let mut control = self.control();
        if !self.is_exiting() {
            control.set_stop_reason(read, reason);
            self.flags.set(flags::STOPPING);
        }
    }

    /// Returns whether an exit reason is set, so that the process ends with its next poll.
    pub(crate) fn is_exiting(&self) -> bool {
        self.flags.get() & flags::EXITING != 0
    }

    /// Returns whether a server has a pending stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.flags.get() & flags::STOPPING != 0
    }

    /// Takes the pending stop of a server that has read `read` messages, if all that were sent before the stop are among
    /// them.
    pub(in crate::process) fn take_stop(&self, read: u64) -> Option<Exit> {
        let mut control = self.control();
        // An exit signal's reason prevails.
        if self.flags.get() & (flags::STOPPING | flags::EXITING) != flags::STOPPING {
            return None;
        }
        let reason = control.take_stop(read)?;
        self.flags.clear(flags::STOPPING);
        Some(reason)
    }

    pub(crate) fn set_trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.control().trap_exit, trap)
    }

    /// Links the process in this cell, which is `me`, to `peer`. A link to itself has no effect.
    pub(crate) fn link(&self, me: &Pid, peer: &Pid) {
        if me == peer {
            return;
        }
        let epoch = self.node.epoch_to(peer.node());
        let signals = self.relations(me.number(), |relations| relations.link(peer.clone(), epoch));
        for signal in signals.into_iter().flatten() {
            self.node.signal(me, peer, epoch, signal);
        }
    }

    pub(crate) fn unlink(&self, me: &Pid, peer: &Pid) {
        let unlink = self.relations(me.number(), |relations| relations.unlink(peer)).flatten();
        if let Some((signal, epoch)) = unlink {
            self.node.signal(me, peer, epoch, signal);
        }
    }

    /// Starts a monitor of the process in this cell, which is `me`.
    pub(crate) fn monitor(&self, me: &Pid, monitored: Monitored) -> MonitorRef {
        let reference = self.node.next_reference();
        // A process that has ended receives no `Down`, so a monitor on itself never fires.
        if matches!(&monitored.route, MonitorRoute::Process(pid) if pid == me) {
            return reference;
        }
        let epoch = self.node.epoch_to(monitored.node());
        self.relations(me.number(), |relations| relations.monitor(reference, monitored.clone(), epoch));
        let signal = Signal::Monitor { reference, waits: true };
        if let Err(reason) = self.node.signal_monitored(me, &monitored, epoch, signal) {
            self.fail_monitor(me.number(), reference, reason);
        }
        reference
    }

    /// Ends a monitor whose signal could not be sent: the process receives its `Down`.
    fn fail_monitor(&self, number: u64, reference: MonitorRef, reason: Exit) {
        let mut control = self.control();
        if control.number != number {
            return;
        }
        let ended = control.cold_mut().and_then(|cold| cold.relations.demonitor(reference));
        if let Some((Monitored { subject: target, .. }, _)) = ended {
            self.push_system(number, Origin::monitor(reference.0), Down { monitor: reference, target, reason });
        }
    }

    /// Ends a monitor; returns whether it was live.
    pub(crate) fn demonitor(&self, me: &Pid, reference: MonitorRef) -> bool {
        let ended = self.relations(me.number(), |relations| relations.demonitor(reference)).flatten();
        let live = ended.is_some();
        if let Some((monitored, epoch)) = ended {
            self.send_demonitor(me, reference, &monitored, epoch);
        }
        live
    }

    pub(super) fn send_demonitor(&self, me: &Pid, reference: MonitorRef, monitored: &Monitored, epoch: Epoch) {
        // Fails if the connection is lost, which has already ended the monitor.
        let _ = self.node.signal_monitored(me, monitored, epoch, Signal::Demonitor { reference });
    }

    fn relations<R>(&self, number: u64, f: impl FnOnce(&mut Relations) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_occupied_by(number).then(|| f(&mut control.cold_or_default().relations))
    }
}
