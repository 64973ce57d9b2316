//! The execution of the plan's actions.

use std::sync::Arc;

use super::SupervisorProcess;
use super::report;
use super::shutdown_wait::{ExitFuture, stop_and_wait, wait_for_init, wait_or_kill};
use crate::actor::Context;
use crate::base::{Exit, Pid, Shutdown, StartError};
use crate::mailbox::Addressee;
use crate::process::ended;
use crate::supervisor::child::{BoundSpec, ChildCell, for_each_cell};
use crate::supervisor::plan::{Action, ChildKey, PendingRetry, RetryId, ShutdownCause};
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::{ChildError, Supervision};
use crate::wire::{Epoch, Signal};

impl SupervisorProcess {
    /// Executes all actions of the plan. An error ends the supervisor.
    pub(super) async fn execute_actions(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        while let Some(action) = self.plan.next_action() {
            match action {
                Action::Start(key) => self.start_child(cx, key).await,
                Action::Stop(key) => {
                    self.stop_child(cx, key).await;
                    self.plan.child_stopped(key);
                }
                Action::Close { child, removed } => self.close_child(child, removed),
                Action::Retry { child, id, attempt } => self.schedule_retry(cx, child, id, attempt),
                Action::ShutDown(cause) => {
                    report::shuts_down(cx.node(), self.cells.path(), cx.pid(), cause);
                    let gave_up = self.init_done && cause == ShutdownCause::TooManyRestarts;
                    if let Some(failed) = self.last_failed.take().filter(|_| gave_up) {
                        self.set_failure(&failed.child, failed.reason);
                    }
                    return Err(Exit::shutdown());
                }
            }
        }
        Ok(())
    }

    /// Executes a start that was requested and `planned`, and returns its result.
    pub(super) async fn execute_start(
        &mut self,
        cx: &mut Context<Self>,
        planned: Result<(), ChildError>,
    ) -> Result<Result<Option<Pid>, ChildError>, Exit> {
        if let Err(error) = planned {
            return Ok(Err(error));
        }
        self.execute_actions(cx).await?;
        Ok(std::mem::replace(&mut self.last_start, Ok(None)).map_err(ChildError::Start))
    }

    async fn start_child(&mut self, cx: &mut Context<Self>, key: ChildKey) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let node = cx.node().clone();
        let supervisor = cx.pid().clone();
        // If the previous incarnation of this supervisor was killed, a child of it may still be ending in the cell.
        if let Some(orphan) = child.spec.cell.pid() {
            cx.mailbox().cell().set_awaited_children(supervisor.number(), vec![orphan.number()]);
            stop_and_wait(&node, &supervisor, orphan, child.spec.options.shutdown).await;
        }
        let starting = {
            let cell = Arc::clone(cx.mailbox().cell());
            child.spec.starter.start(&|pid| {
                cell.set_awaited_children(supervisor.number(), vec![pid.number()]);
                cell.link(&supervisor, pid);
            })
        };
        let outcome = wait_for_init(cx, &*child.spec.cell, child.spec.options.shutdown, starting).await;
        cx.mailbox().cell().set_awaited_children(supervisor.number(), Vec::new());
        child.spec.cell.record_start(outcome.as_ref().err());
        match &outcome {
            Ok(Some(pid)) => {
                child.pid = Some(pid.clone());
                child.starts += 1;
                if child.starts > 1 {
                    report::child_restarted(&node, self.cells.path(), &child.spec, pid, child.starts);
                }
                self.running.insert(pid.number(), key);
                report::child_started(self.cells.path(), &child.spec, pid, child.starts);
                self.plan.child_started(key, node.clock().now());
            }
            Ok(None) => self.plan.child_ignored(key),
            Err(reason) => {
                report::start_failed(self.cells.node(), self.cells.path(), &child.spec, reason);
                let id = Arc::clone(&child.spec.id);
                if self.init_done {
                    self.last_failed = Some(StartError { child: id.to_string(), reason: reason.clone() });
                } else {
                    self.set_failure(&id, reason.clone());
                }
                self.plan.start_failed(key);
            }
        }
        self.last_start = outcome;
    }

    /// Removes a child from the running children and returns its process.
    pub(super) fn set_not_running(&mut self, key: ChildKey) -> Option<Pid> {
        let pid = self.children.get_mut(&key)?.pid.take()?;
        self.running.remove(&pid.number());
        Some(pid)
    }

    /// Stops a child as its options say and waits until it is gone, even if it has unlinked itself.
    async fn stop_child(&mut self, cx: &mut Context<Self>, key: ChildKey) {
        let (Some(pid), Some(child)) = (self.set_not_running(key), self.children.get(&key)) else { return };
        // The link stays, so that the child does not outlive a supervisor that is killed in the meantime.
        let (node, supervisor) = (cx.node().clone(), cx.pid().clone());
        let shutdown = child.spec.options.shutdown;
        cx.mailbox().cell().set_awaited_children(supervisor.number(), vec![pid.number()]);
        let outcome = stop_and_wait(&node, &supervisor, pid.clone(), shutdown).await;
        cx.mailbox().cell().set_awaited_children(supervisor.number(), Vec::new());
        if let Some(child) = self.children.get(&key) {
            report::child_stopped(self.cells.node(), self.cells.path(), &child.spec, &pid, &outcome);
        }
    }

    /// Stops all children: the last one first; those of a dynamic supervisor all at once.
    pub(super) async fn stop_all(&mut self, cx: &mut Context<Self>) {
        self.plan.stop_all();
        if !self.dynamic {
            // The plan now has stop actions only, which cannot fail.
            let _ = self.execute_actions(cx).await;
            return;
        }
        let (node, supervisor) = (cx.node().clone(), cx.pid().clone());
        let mut stopping: Vec<(ChildKey, Pid, Shutdown, ExitFuture)> = Vec::new();
        while let Some(action) = self.plan.next_action() {
            let Action::Stop(key) = action else { continue };
            let (Some(pid), Some(child)) = (self.set_not_running(key), self.children.get(&key)) else { continue };
            let exit = Box::pin(ended(&node, pid.clone()));
            stopping.push((key, pid, child.spec.options.shutdown, exit));
        }
        let numbers = stopping.iter().map(|(_, pid, ..)| pid.number()).collect();
        cx.mailbox().cell().set_awaited_children(supervisor.number(), numbers);
        for (_, pid, shutdown, _) in &stopping {
            let reason = if *shutdown == Shutdown::Kill { Exit::Kill } else { Exit::shutdown() };
            node.signal(&supervisor, pid, Epoch::LOCAL, Signal::Exit { reason, linked: false });
        }
        let begin = node.clock().now();
        for (key, pid, shutdown, exit) in stopping {
            let remaining = match shutdown {
                Shutdown::After(timeout) => Some(timeout.saturating_sub(node.clock().now().duration_since(begin))),
                Shutdown::Kill | Shutdown::Forever => None,
            };
            let outcome = wait_or_kill(&node, &supervisor, &pid, remaining, exit).await;
            if let Some(child) = self.children.get(&key) {
                report::child_stopped(self.cells.node(), self.cells.path(), &child.spec, &pid, &outcome);
            }
            self.plan.child_stopped(key);
        }
    }

    fn close_child(&mut self, key: ChildKey, removed: bool) {
        let Some(child) = self.children.get(&key) else { return };
        for_each_cell(vec![Arc::clone(&child.spec.cell)], ChildCell::close);
        if removed && let Some(child) = self.children.remove(&key) {
            self.remove_cell(child.spec);
        }
    }

    /// Removes a child's cell, unless the child is declared by the tree: then the supervisor's next start needs it.
    pub(super) fn remove_cell(&self, spec: BoundSpec) {
        if !spec.declared {
            for_each_cell(vec![spec.cell], ChildCell::remove);
        }
    }

    /// Sends the supervisor a message for the retry, after the backoff if the child has one. Messages that are queued now
    /// are handled before it.
    fn schedule_retry(&mut self, cx: &mut Context<Self>, child: ChildKey, id: RetryId, attempt: u32) {
        let message = Supervision::Retry { retry: LocalOnly(PendingRetry { child, id }) };
        let backoff = self.children.get(&child).and_then(|child| child.spec.options.backoff);
        match backoff {
            Some(backoff) => {
                let delay = backoff.delay(attempt, cx.node().rng().next());
                drop(cx.send_after(delay, message));
            }
            None => {
                let number = cx.pid().number();
                // Refused only if this supervisor is ending.
                let _ = cx.mailbox().cell().send(Addressee::Process(number), message, false);
            }
        }
    }
}
