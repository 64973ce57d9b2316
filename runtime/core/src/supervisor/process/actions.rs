//! The execution of the plan's actions.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use super::report;
use super::shutdown_wait::{StopOutcome, Stopping, finish_all, wait_for_init};
use super::{Child, SupervisorProcess};
use crate::actor::Context;
use crate::base::{Exit, MessageContext, Pid, StartError};
use crate::mailbox::{Addressee, Mask};
use crate::observe::Alarm;
use crate::process::Cell;
use crate::supervisor::child::{BoundSpec, ChildCell, ChildStarter, StartFuture, for_each_cell};
use crate::supervisor::plan::{Action, ChildKey, PendingRetry, RetryId, ShutdownCause};
use crate::supervisor::protocol::LocalOnly;
use crate::supervisor::{ChildChange, ChildError, Supervision};

/// The requests that change no child.
const QUERIES: Mask = Cell::<Supervision>::mask_of(Some(&["Children", "Count", "Info", "Find", "Subscribe"]));

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
        Ok(std::mem::replace(&mut self.last_start, Ok(None)))
    }

    /// Waits for `future`, and meanwhile answers the requests that change no child. All other messages wait.
    async fn answer_while<T>(&mut self, cx: &mut Context<Self>, future: impl Future<Output = T> + Send) -> T {
        let mut future = pin!(future);
        loop {
            match cx.mailbox().receive_while(QUERIES, future.as_mut()).await {
                Ok(output) => return output,
                Err(query) => drop(self.answer(cx, query)),
            }
        }
    }

    /// Waits for `future`, the start or the exit of these children, and meanwhile answers the requests that change
    /// nothing. Requests of those children fail.
    pub(super) async fn await_children<T>(
        &mut self,
        cx: &mut Context<Self>,
        children: Vec<u64>,
        future: impl Future<Output = T> + Send,
    ) -> T {
        let (cell, supervisor) = (Arc::clone(cx.mailbox().cell()), cx.pid().number());
        cell.set_awaited_children(supervisor, children);
        let output = self.answer_while(cx, future).await;
        cell.set_awaited_children(supervisor, Vec::new());
        output
    }

    async fn start_child(&mut self, cx: &mut Context<Self>, key: ChildKey) {
        self.starting = Some(key);
        if self.is_cell_vacant(cx, key).await {
            let outcome = self.start_in_cell(cx, key).await;
            self.record_start(cx, key, &outcome);
            let process = self.children.get(&key).and_then(Child::process).cloned();
            self.last_start = outcome.map(|pid| pid.and(process)).map_err(ChildError::Start);
        } else {
            self.plan.start_blocked(key);
            self.last_start = Err(ChildError::Restarting);
        }
        self.starting = None;
    }

    /// Returns whether no process occupies the child's cell. A process may be there that could not be killed, or, if the
    /// previous incarnation of this supervisor was killed, a child of that one. Such an orphan is stopped first.
    async fn is_cell_vacant(&mut self, cx: &mut Context<Self>, key: ChildKey) -> bool {
        let Some(child) = self.children.get(&key) else { return false };
        let (cell, shutdown) = (Arc::clone(&child.spec.cell), child.spec.options.shutdown);
        let Some(previous) = cell.pid() else { return true };
        let is_abandoned = cx.node().alarm(&Alarm::abandoned_key(previous.clone())).is_some();
        let is_gone = !is_abandoned && {
            let stopping = Stopping::new(cx.node(), cx.pid(), previous.clone(), shutdown);
            self.await_children(cx, vec![previous.number()], stopping.finish()).await.reason.is_some()
        };
        if !is_gone {
            self.abandon(cx, key, previous);
        }
        cell.pid().is_none()
    }

    async fn start_in_cell(&mut self, cx: &mut Context<Self>, key: ChildKey) -> Result<Option<Pid>, Exit> {
        #[cfg(feature = "upgrade")]
        if let Some(outcome) = self.continue_in_cell(cx, key).await {
            return outcome;
        }
        #[cfg(feature = "registry")]
        if let Some(outcome) = self.resume_in_cell(cx, key).await {
            return outcome;
        }
        let starting = self.launch_in_cell(cx, key, |starter, link| Ok(starter.start(link)))?;
        self.await_start(cx, key, starting).await
    }

    /// Launches a child's process, without waiting for its `init`.
    pub(super) fn launch_in_cell(
        &mut self,
        cx: &mut Context<Self>,
        key: ChildKey,
        launch: impl FnOnce(&mut dyn ChildStarter, &dyn Fn(&Pid)) -> Result<StartFuture, Exit>,
    ) -> Result<StartFuture, Exit> {
        let (cell, supervisor) = (Arc::clone(cx.mailbox().cell()), cx.pid().clone());
        let Some(child) = self.children.get_mut(&key) else { return Ok(Box::pin(ready(Ok(None)))) };
        launch(&mut *child.spec.starter, &|pid| {
            // Before it runs.
            cell.set_awaited_children(supervisor.number(), vec![pid.number()]);
            cell.link(&supervisor, pid);
        })
    }

    /// Waits for the `init` of a process that was launched.
    pub(super) async fn await_start(
        &mut self,
        cx: &mut Context<Self>,
        key: ChildKey,
        starting: StartFuture,
    ) -> Result<Option<Pid>, Exit> {
        let Some(child) = self.children.get_mut(&key) else { return Ok(None) };
        let (cell, supervisor) = (Arc::clone(cx.mailbox().cell()), cx.pid().clone());
        let (child_cell, shutdown) = (Arc::clone(&child.spec.cell), child.spec.options.shutdown);
        let starts = child_cell.pid();
        let numbers = starts.iter().map(Pid::number).collect();
        let init = wait_for_init(cell, supervisor, child_cell, shutdown, starting);
        let outcome = self.await_children(cx, numbers, init).await;
        if !matches!(outcome, Ok(Some(_)))
            && let Some(pid) = starts
            && self.children.get(&key).is_some_and(|child| child.spec.cell.pid().as_ref() == Some(&pid))
        {
            self.abandon(cx, key, pid);
        }
        outcome
    }

    pub(super) fn record_start(&mut self, cx: &Context<Self>, key: ChildKey, outcome: &Result<Option<Pid>, Exit>) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.spec.cell.record_start(outcome.as_ref().err());
        match outcome {
            Ok(Some(pid)) => {
                child.pid = Some(pid.clone());
                child.proxied = child.spec.cell.proxied();
                child.starts += 1;
                #[cfg(feature = "upgrade")]
                let is_continued = self.continued_starts.is_some();
                #[cfg(not(feature = "upgrade"))]
                let is_continued = false;
                #[cfg(feature = "upgrade")]
                if let Some(starts) = self.continued_starts.take() {
                    child.starts = starts;
                }
                let (starts, process) = (child.starts, child.process().unwrap_or(pid).clone());
                if child.starts > 1 && !is_continued {
                    report::child_restarted(cx.node(), self.cells.path(), &child.spec, &process, child.starts);
                }
                self.running.insert(pid.number(), key);
                report::child_started(self.cells.path(), &child.spec, &process, child.starts);
                self.send_event(key, || ChildChange::Started { pid: process.clone(), starts });
                self.plan.child_started(key, cx.node().clock().now());
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
                self.send_event(key, || ChildChange::StartFailed { reason: reason.clone() });
                self.plan.start_failed(key);
            }
        }
    }

    /// Reports that a child's process was killed and has not exited. The supervisor continues without it.
    fn abandon(&mut self, cx: &mut Context<Self>, key: ChildKey, pid: Pid) {
        let Some(child) = self.children.get_mut(&key) else { return };
        report::child_abandoned(cx.node(), self.cells.path(), &child.spec.id, &pid);
        // Its exit signal reports that it is gone. It may have unlinked itself, or be a child of a killed incarnation.
        cx.cell().link(cx.pid(), &pid);
        self.abandoned.insert(pid.number(), key);
        child.abandoned = Some(pid);
    }

    /// Removes a child from the running children. Returns the process in its cell, and the child's process.
    pub(super) fn set_not_running(&mut self, key: ChildKey) -> Option<(Pid, Pid)> {
        let child = self.children.get_mut(&key)?;
        let pid = child.pid.take()?;
        let process = child.proxied.take().unwrap_or_else(|| pid.clone());
        self.running.remove(&pid.number());
        Some((pid, process))
    }

    /// Watches a child that is stopped as its options say.
    fn watch_stop(&self, cx: &Context<Self>, key: ChildKey) -> Option<Stopping> {
        let child = self.children.get(&key)?;
        let pid = child.pid.clone()?;
        // The link stays, so that the child does not outlive a supervisor that is killed in the meantime.
        Some(Stopping::watch(cx.node(), cx.pid(), pid, child.spec.options.shutdown))
    }

    fn end_stop(&mut self, cx: &mut Context<Self>, key: ChildKey, outcome: &StopOutcome) {
        let Some((pid, process)) = self.set_not_running(key) else { return };
        let Some(child) = self.children.get(&key) else { return };
        match &outcome.reason {
            Some(reason) => {
                let (node, path) = (self.cells.node(), self.cells.path());
                report::child_stopped(node, path, &child.spec, &process, reason, outcome.timed_out);
                self.send_event(key, || ChildChange::Exited { pid: process.clone(), reason: reason.clone() });
            }
            None => self.abandon(cx, key, pid),
        }
    }

    /// Stops a child and waits until it is gone, even if it has unlinked itself.
    async fn stop_child(&mut self, cx: &mut Context<Self>, key: ChildKey) {
        let Some(mut stopping) = self.watch_stop(cx, key) else { return };
        #[cfg(feature = "registry")]
        self.take_state(cx, key).await;
        // Without effect on a child that has handed its state over.
        stopping.request();
        let outcome = self.await_children(cx, vec![stopping.pid.number()], stopping.finish()).await;
        self.end_stop(cx, key, &outcome);
    }

    /// Stops all children: the last one first; those of a dynamic supervisor all at once.
    pub(super) async fn stop_all(&mut self, cx: &mut Context<Self>) {
        self.plan.stop_all();
        if !self.dynamic {
            // The plan now has stop actions only, which cannot fail.
            let _ = self.execute_actions(cx).await;
            return;
        }
        let mut keys = Vec::new();
        while let Some(action) = self.plan.next_action() {
            if let Action::Stop(key) = action {
                keys.push(key);
            }
        }
        // Recorded before the first of them can be affected.
        let pids = keys.iter().filter_map(|key| self.children.get(key)?.pid.as_ref());
        let numbers = pids.map(Pid::number).collect();
        cx.cell().set_awaited_children(cx.pid().number(), numbers);
        let (mut stopped, mut stopping) = (Vec::new(), Vec::new());
        for key in keys {
            if let Some(mut begun) = self.watch_stop(cx, key) {
                begun.request();
                stopped.push(key);
                stopping.push(begun);
            }
        }
        let outcomes = self.answer_while(cx, finish_all(stopping)).await;
        for (key, outcome) in stopped.into_iter().zip(outcomes) {
            self.end_stop(cx, key, &outcome);
            self.plan.child_stopped(key);
        }
    }

    fn close_child(&mut self, key: ChildKey, removed: bool) {
        let Some(child) = self.children.get(&key) else { return };
        for_each_cell(vec![Arc::clone(&child.spec.cell)], ChildCell::close);
        if removed && let Some(child) = self.children.remove(&key) {
            if let Some(pid) = &child.abandoned {
                self.abandoned.remove(&pid.number());
            }
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
                let _ = cx.mailbox().cell().send(Addressee::Process(number), MessageContext::NONE, message, false);
            }
        }
    }
}
