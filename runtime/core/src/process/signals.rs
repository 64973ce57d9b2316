//! Signals and relations of the process in a cell.

use super::control::{ControlBlock, RunState};
use super::{Cell, flags};
use crate::base::{Down, Exit, MonitorRef, Pid, Protocol, Subject};
use crate::mailbox::Origin;
use crate::node::{RemoteTarget, Resident as _};
use crate::signal::{Arrival, Effect, Relations, dispatch};
use crate::wire::Signal;

impl<M: Protocol> Cell<M> {
    /// Has the process stop: a server between two messages, any other at once.
    fn halt(&self, control: &mut ControlBlock, reason: Exit) {
        if !control.kind.server {
            return self.die(control, reason);
        }
        // The first word counts, and a harder one more.
        if self.flags.get() & (flags::STOPPING | flags::DOOMED) == 0 {
            control.decide_after(self.queue.pushed(), reason);
            self.flags.set(flags::STOPPING);
            self.queue.wake();
        }
    }

    fn die(&self, control: &mut ControlBlock, reason: Exit) {
        if !self.is_doomed() {
            control.decide(reason);
            self.flags.set(flags::DOOMED);
            self.queue.wake();
        }
    }

    /// Handles a signal to the process with this number.
    pub(super) fn handle_signal(&self, number: u64, from: &Pid, signal: Signal) {
        let mut control = self.control();
        if number == 0 || !control.is_of(number) {
            drop(control);
            return self.node.refuse(from, &self.node.pid(number), signal, Exit::NoProc);
        }
        let sender = if from.is_of(self.node.id()) { Some(from.number()) } else { None };
        let arrival = Arrival {
            from,
            is_own: sender == Some(number),
            is_trapping: control.trap_exit,
            is_from_parent: control.is_server_of(sender),
        };
        match dispatch(&mut *control, arrival, signal) {
            Effect::Acknowledge(id) => {
                drop(control);
                self.node.signal(&self.node.pid(number), from, Signal::UnlinkAck { id });
                self.relations(number, |relations| relations.settle(from, id));
            }
            Effect::None => {}
            Effect::Die(reason) => self.die(&mut control, reason),
            Effect::Stop(reason) if control.stage == RunState::Alive => self.halt(&mut control, reason),
            Effect::Stop(_) => {}
            Effect::Exit(signal) => self.push_system(number, Origin::OWN, signal),
            // Under the lock, so that `demonitor` either prevents the message or finds it.
            Effect::Down(down) => self.push_system(number, Origin::monitor(down.monitor.0), down),
        }
    }

    /// Ends the process for a panic beside its future; `false` if its end was decided already.
    pub(super) fn fail_with_panic(&self, number: u64, panic: &Exit) -> bool {
        let mut control = self.control();
        let in_time = control.is_home_to(number) && !self.is_doomed();
        if in_time {
            self.die(&mut control, panic.clone());
        }
        in_time
    }

    /// Whether a server has been told to stop and has not seen it yet.
    pub(crate) fn is_stopping(&self) -> bool {
        self.flags.get() & flags::STOPPING != 0
    }

    /// The word to stop, if so many messages have been read since: what came before it is handled before it.
    pub(crate) fn take_stop(&self, read: u64) -> Option<Exit> {
        let mut control = self.control();
        // Whoever is doomed ends for that reason.
        if self.flags.get() & (flags::STOPPING | flags::DOOMED) != flags::STOPPING {
            return None;
        }
        let reason = control.take_stop(read)?;
        self.flags.clear(flags::STOPPING);
        Some(reason)
    }

    /// Links the process that lives here to `peer`. A link to itself is none.
    pub(crate) fn link(&self, me: &Pid, peer: &Pid) {
        if me == peer {
            return;
        }
        let signals = self.relations(me.number(), |relations| relations.link(peer.clone()));
        for signal in signals.into_iter().flatten() {
            self.node.signal(me, peer, signal);
        }
    }

    pub(crate) fn unlink(&self, me: &Pid, peer: &Pid) {
        let unlink = self.relations(me.number(), |relations| relations.unlink(peer)).flatten();
        if let Some(signal) = unlink {
            self.node.signal(me, peer, signal);
        }
    }

    /// Watches `subject`, which is `target` if that is known already.
    pub(crate) fn monitor(&self, me: &Pid, subject: Subject, target: Option<Pid>) -> MonitorRef {
        let reference = self.node.next_reference();
        // Who watches itself would hear of its end no more than anybody else's dead.
        if target.as_ref() == Some(me) {
            return reference;
        }
        self.relations(me.number(), |relations| relations.monitor(reference, subject.clone(), target.clone()));
        let signal = Signal::Monitor { reference };
        match (target, subject) {
            (Some(target), _) | (None, Subject::Pid(target)) => self.node.signal(me, &target, signal),
            (None, Subject::Name(name, node)) => {
                let sent = self.node.send_signal(me.number(), RemoteTarget::Name(&name, &node), signal);
                if let Err(reason) = sent {
                    self.down(me.number(), reference, reason);
                }
            }
        }
        reference
    }

    /// A watch that cannot be set up ends at once.
    fn down(&self, number: u64, reference: MonitorRef, reason: Exit) {
        let mut control = self.control();
        if control.number != number {
            return;
        }
        let ended = control.has_mut().and_then(|rest| rest.relations.demonitor(reference));
        if let Some((target, _)) = ended {
            self.push_system(number, Origin::monitor(reference.0), Down { monitor: reference, target, reason });
        }
    }

    /// Ends a watch; whether it was live.
    pub(crate) fn demonitor(&self, me: &Pid, reference: MonitorRef) -> bool {
        let ended = self.relations(me.number(), |relations| relations.demonitor(reference)).flatten();
        let live = ended.is_some();
        if let Some((subject, target)) = ended {
            self.tell_demonitor(me, reference, subject, target);
        }
        live
    }

    pub(super) fn tell_demonitor(&self, me: &Pid, reference: MonitorRef, subject: Subject, target: Option<Pid>) {
        let signal = Signal::Demonitor { reference };
        match (target, subject) {
            (Some(target), _) | (None, Subject::Pid(target)) => self.node.signal(me, &target, signal),
            (None, Subject::Name(name, node)) => {
                // A lost connection has ended the watch by itself.
                let _ = self.node.send_signal(me.number(), RemoteTarget::Name(&name, &node), signal);
            }
        }
    }

    fn relations<R>(&self, number: u64, f: impl FnOnce(&mut Relations) -> R) -> Option<R> {
        let mut control = self.control();
        control.is_of(number).then(|| f(&mut control.rest().relations))
    }
}
