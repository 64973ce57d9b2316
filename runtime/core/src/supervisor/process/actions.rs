//! How a supervisor carries out the actions of its plan.

use std::sync::Arc;

use super::SupervisorProcess;
use super::report;
use super::shutdown_wait::{Ended, outlast, outwait, stop};
use crate::actor::Context;
use crate::base::{Exit, Pid, Shutdown, StartError};
use crate::mailbox::Addressee;
use crate::process::ended;
use crate::supervisor::Supervision;
use crate::supervisor::child::Slot;
use crate::supervisor::plan::{Action, Key, Note, Ticket, Why};
use crate::supervisor::protocol::LocalOnly;
use crate::wire::Signal;

impl SupervisorProcess {
    /// Carries out what the plan has laid out. An error ends the supervisor.
    pub(super) async fn settle(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        while let Some(action) = self.plan.next() {
            match action {
                Action::Start(key) => self.start(cx, key).await,
                Action::Stop(key) => {
                    self.stop(cx, key).await;
                    self.plan.stopped(key);
                }
                Action::Close { child, forgotten } => self.close(child, forgotten),
                Action::Retry { child, ticket, attempt } => self.note(cx, child, ticket, attempt),
                Action::End(why) => {
                    report::ends(cx.node(), self.places.path(), cx.pid(), why);
                    if let Some(fallen) = self.fallen.take().filter(|_| self.begun && why == Why::TooManyRestarts) {
                        self.fail(&fallen.child, fallen.reason);
                    }
                    return Err(Exit::shutdown());
                }
            }
        }
        Ok(())
    }

    async fn start(&mut self, cx: &mut Context<Self>, key: Key) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let node = cx.node().clone();
        let me = cx.pid().clone();
        // Somebody may still live there if this supervisor's predecessor was killed.
        if let Some(orphan) = child.slot.place.resident() {
            stop(&node, &me, orphan, child.slot.options.shutdown).await;
        }
        let starting = {
            let cell = Arc::clone(cx.mailbox().cell());
            child.slot.home.start(&|pid| cell.link(&me, pid))
        };
        let outcome = outwait(cx, &*child.slot.place, child.slot.options.shutdown, starting).await;
        child.slot.place.note_start(outcome.as_ref().err());
        match &outcome {
            Ok(Some(pid)) => {
                child.pid = Some(pid.clone());
                child.starts += 1;
                if child.starts > 1 {
                    report::restarted(&node, self.places.path(), &child.slot, pid, child.starts);
                }
                self.running.insert(pid.number(), key);
                report::started(self.places.path(), &child.slot, pid, child.starts);
                self.plan.started(key, node.clock().now());
            }
            Ok(None) => self.plan.ignored(key),
            Err(reason) => {
                report::start_failed(self.places.path(), &child.slot, reason);
                let id = Arc::clone(&child.slot.id);
                if self.begun {
                    self.fallen = Some(StartError { child: id.to_string(), reason: reason.clone() });
                } else {
                    self.fail(&id, reason.clone());
                }
                self.plan.failed(key);
            }
        }
        self.outcome = outcome;
    }

    pub(super) fn leave(&mut self, key: Key) -> Option<Pid> {
        let pid = self.children.get_mut(&key)?.pid.take()?;
        self.running.remove(&pid.number());
        Some(pid)
    }

    /// Stops a child as its options say and waits until it is gone, even if it has unlinked itself.
    async fn stop(&mut self, cx: &mut Context<Self>, key: Key) {
        let (Some(pid), Some(child)) = (self.leave(key), self.children.get(&key)) else { return };
        // It stays linked, so that it does not survive this supervisor if that is killed meanwhile.
        let (node, me) = (cx.node().clone(), cx.pid().clone());
        let shutdown = child.slot.options.shutdown;
        let stopped = stop(&node, &me, pid.clone(), shutdown).await;
        if let Some(child) = self.children.get(&key) {
            report::stopped(self.places.path(), &child.slot, &pid, &stopped);
        }
    }

    /// Stops all children: the last one first, those of a dynamic supervisor all at once.
    pub(super) async fn stop_all(&mut self, cx: &mut Context<Self>) {
        self.plan.end();
        if !self.dynamic {
            // At its end a plan lays out nothing but stops.
            let _ = self.settle(cx).await;
            return;
        }
        let (node, me) = (cx.node().clone(), cx.pid().clone());
        let mut leaving: Vec<(Key, Pid, Shutdown, Ended)> = Vec::new();
        while let Some(action) = self.plan.next() {
            let Action::Stop(key) = action else { continue };
            let (Some(pid), Some(child)) = (self.leave(key), self.children.get(&key)) else { continue };
            let gone = Box::pin(ended(&node, pid.clone()));
            leaving.push((key, pid, child.slot.options.shutdown, gone));
        }
        for (_, pid, shutdown, _) in &leaving {
            let reason = if *shutdown == Shutdown::Kill { Exit::Kill } else { Exit::shutdown() };
            node.signal(&me, pid, Signal::Exit { reason, linked: false });
        }
        let begin = node.clock().now();
        for (key, pid, shutdown, gone) in leaving {
            let left = match shutdown {
                Shutdown::After(shutdown_wait) => {
                    Some(shutdown_wait.saturating_sub(node.clock().now().duration_since(begin)))
                }
                Shutdown::Kill | Shutdown::Forever => None,
            };
            let stopped = outlast(&node, &me, &pid, left, gone).await;
            if let Some(child) = self.children.get(&key) {
                report::stopped(self.places.path(), &child.slot, &pid, &stopped);
            }
            self.plan.stopped(key);
        }
    }

    fn close(&mut self, key: Key, forgotten: bool) {
        let Some(child) = self.children.get(&key) else { return };
        child.slot.place.close();
        if forgotten && let Some(child) = self.children.remove(&key) {
            self.abandon(child.slot);
        }
    }

    pub(super) fn abandon(&self, slot: Slot) {
        if !slot.fixed {
            slot.place.abandon();
            self.places.remove(&slot.id);
        }
    }

    /// Comes back to a restart, by a message behind those that are here already.
    fn note(&mut self, cx: &mut Context<Self>, child: Key, ticket: Ticket, attempt: u32) {
        let note = Supervision::Retry { note: LocalOnly(Note { child, ticket }) };
        let backoff = self.children.get(&child).and_then(|child| child.slot.options.backoff);
        match backoff {
            Some(backoff) => {
                let delay = backoff.delay(attempt, cx.node().rng().next());
                drop(cx.send_after(delay, note));
            }
            None => {
                let number = cx.pid().number();
                // To itself: refused only if it is ending.
                let _ = cx.mailbox().cell().send(Addressee::Process(number), note, false);
            }
        }
    }
}
