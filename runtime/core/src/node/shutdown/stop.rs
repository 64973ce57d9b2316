//! The stop of all applications, supervision trees, processes and connections.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::Exit;
use crate::log;
use crate::node::{Ancestry, Current, Node, NodePhase};
use crate::observe::ReportKind;
use crate::wire::{Epoch, Signal};

/// The time after which a process that was requested to stop is killed: OTP's default for a worker.
const SHUTDOWN_TIME: Duration = Duration::from_secs(5);

/// The number of times that a stop looks for processes that were started while others ended.
const MAX_ROUNDS: u32 = 8;

/// The number of these rounds in which processes are stopped in order. In the others they are killed.
const ORDERLY_ROUNDS: u32 = 2;

/// The number of killed processes with a log event of their own.
const MAX_LOGGED: usize = 16;

/// Processes that did not stop in time; from [`Node::stop_within`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopTimeout {
    /// The time limit.
    pub timeout: Duration,
    /// The number of processes that were left after that time, and were killed.
    pub processes: usize,
    /// The number of these that still run, since their code blocks or never awaits. The log names them.
    pub abandoned: usize,
}

impl fmt::Display for StopTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StopTimeout { timeout, processes, abandoned } = self;
        let were = if *processes == 1 { "process was" } else { "processes were" };
        write!(f, "{processes} {were} killed: not stopped within {timeout:?}")?;
        match abandoned {
            0 => Ok(()),
            1 => f.write_str("; 1 of them still runs"),
            _ => write!(f, "; {abandoned} of them still run"),
        }
    }
}

impl std::error::Error for StopTimeout {}

impl Node {
    /// Stops all processes in order, and closes the connections to other nodes.
    ///
    /// 1. Applications, last started first.
    /// 2. Other supervision trees, from their roots. A tree takes the time that its children's `shutdown` allows.
    /// 3. All other processes. A process that has not stopped after 5 s is killed. Processes that were started meanwhile are
    ///    stopped too. A killed process that still runs after 5 s more, since its code blocks or never awaits, is logged as
    ///    an error and left behind.
    /// 4. The connections.
    ///
    /// Called at the end of `main`. Afterwards no application starts on this node. Cancel-safe: the stop runs in a task of
    /// the node, and continues if the future is dropped. In a process of the node the future resolves at once: the
    /// process cannot wait for its own end, and is stopped like the others.
    pub async fn stop(&self) {
        let node = self.clone();
        self.run_stop(async move { node.stop_in_order().await }).await;
    }

    /// Runs a stop in a task of the node and waits for it, unless the caller is a process of the node and is stopped
    /// itself.
    async fn run_stop<T: Send + 'static>(&self, stop: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.spawner().spawn(async move {
            // Fails if the caller does not wait.
            let _ = sender.send(stop.await);
        });
        if Current::is_process_of(self) {
            return None;
        }
        Current::noting(receiver, || format!("the stop of {}", self.name())).await.ok()
    }

    async fn stop_in_order(&self) {
        #[cfg(all(feature = "systemd", unix))]
        self.announce_stop();
        for service in self.services().close().into_iter().rev() {
            service.stop().await;
        }
        // A process may start others while it ends.
        let mut stopped = 0;
        for round in 0..MAX_ROUNDS {
            let Some(last) = self.stop_processes_after(stopped, round < ORDERLY_ROUNDS).await else { break };
            stopped = last;
        }
        self.close_connections().await;
    }

    /// Stops all processes in order, as [`stop`](Node::stop), and kills those that are left after `timeout`. Killed
    /// processes are logged.
    ///
    /// The counterpart in OTP is `init:stop` with
    /// [`shutdown_time`](https://www.erlang.org/doc/apps/kernel/kernel_app.html). Takes up to 5 s more until killed
    /// processes are gone. A process that blocks its thread cannot be killed: it is logged and counted in the error.
    ///
    /// Cancel-safe as [`stop`](Node::stop). In a process of the node the result is `Ok` at once.
    ///
    /// # Errors
    /// A process was killed, or was killed and still runs.
    pub async fn stop_within(&self, timeout: Duration) -> Result<(), StopTimeout> {
        let node = self.clone();
        self.run_stop(async move { node.stop_in_order_within(timeout).await }).await.unwrap_or(Ok(()))
    }

    async fn stop_in_order_within(&self, timeout: Duration) -> Result<(), StopTimeout> {
        if self.clock().within(Some(timeout), self.stop_in_order()).await.is_some() {
            let abandoned = self.killed().len();
            let stopped = StopTimeout { timeout, processes: abandoned, abandoned };
            return if abandoned == 0 { Ok(()) } else { Err(stopped) };
        }
        let late = self.numbers_where(|_| true);
        for number in late.iter().take(MAX_LOGGED) {
            if let Some(cell) = self.table().get(*number) {
                let (pid, protocol) = (self.pid(*number), cell.protocol());
                log::error!(
                    target: "greenroom", %pid, protocol, ?timeout, "process did not stop in time and is killed"
                );
            }
        }
        self.kill(&late).await;
        self.clock().within(Some(SHUTDOWN_TIME), self.close_connections()).await;
        // Without such processes, a connection did not close in time.
        let killed = self.killed();
        // Another process may have been started since, and be ending by itself.
        let abandoned = late.iter().filter(|number| killed.contains(number)).count();
        let stopped = StopTimeout { timeout, processes: late.len(), abandoned };
        if late.is_empty() { Ok(()) } else { Err(stopped) }
    }

    /// Returns the processes that were killed and still run.
    fn killed(&self) -> Vec<u64> {
        let all = self.table().all().into_iter();
        all.filter(|(number, cell)| !cell.is_alive(*number)).map(|(number, _)| number).collect()
    }

    async fn close_connections(&self) {
        self.report_limiter().summarize_all();
        self.stop_claims().await;
        if let Some(router) = self.router() {
            // A process is removed before its links and watchers on other nodes receive its exit reason.
            self.table().wait_notified().await;
            router.close().await;
        }
        self.enter_phase(NodePhase::Stopped);
    }

    /// Stops the processes whose numbers are higher than `after`: the root supervisors of trees first, then the others. If
    /// not `in_order`, kills them. Returns the highest number, or `None` if there was no such process.
    async fn stop_processes_after(&self, after: u64, in_order: bool) -> Option<u64> {
        let chosen = |condition: &dyn Fn(Ancestry) -> bool| {
            let numbers = self.numbers_where(condition);
            // A child that its supervisor abandoned was killed and waited for.
            let raised = self.raised_alarms().into_iter();
            let abandoned: HashSet<u64> = raised.filter_map(|alarm| alarm.abandoned_number()).collect();
            numbers.into_iter().filter(|number| *number > after && !abandoned.contains(number)).collect::<Vec<_>>()
        };
        if in_order {
            let roots = chosen(&|ancestry| ancestry.supervisor && !self.is_supervisor(ancestry.parent));
            self.exit_all(&roots, Exit::shutdown(), None).await;
        }
        let others = chosen(&|_| true);
        if !in_order || !self.exit_all(&others, Exit::shutdown(), Some(SHUTDOWN_TIME)).await {
            self.kill(&others).await;
        }
        others.last().copied()
    }

    /// Kills a process and its descendants: the processes that it started, those that they started, and so on. Resolves
    /// when they are gone, or after 5 s if they block their threads.
    pub(crate) async fn kill_descendants(&self, root: u64) {
        let mut family = HashSet::from([root]);
        // Oldest first, so a parent comes before its children.
        let descendants = self.numbers_where(|_| true).into_iter().filter(|number| {
            let cell = self.table().get(*number);
            let is_descendant = *number == root || cell.is_some_and(|cell| family.contains(&cell.ancestry().parent));
            is_descendant && (family.insert(*number) || *number == root)
        });
        let descendants: Vec<_> = descendants.collect();
        self.kill(&descendants).await;
    }

    async fn kill(&self, numbers: &[u64]) {
        if self.exit_all(numbers, Exit::Kill, Some(SHUTDOWN_TIME)).await {
            return;
        }
        for number in numbers {
            let Some(cell) = self.table().get(*number) else { continue };
            let ((kind, at), pid) = (cell.last_seen(), self.pid(*number));
            let at = at.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
            self.report(ReportKind::Abandoned, || {
                log::error!(
                    target: "greenroom", %pid, process = kind, last_seen = at,
                    "process was killed and still runs: the stop continues without it"
                );
            });
        }
    }

    /// Sends an exit signal of the node itself to a process, if there is one with this number.
    pub(crate) fn send_exit(&self, number: u64, reason: Exit) {
        if let Some(cell) = self.table().get(number) {
            let signal = Signal::Exit { reason, linked: false };
            cell.signal(number, &self.pid(Node::SYSTEM), Epoch::LOCAL, signal);
        }
    }

    /// Sends an exit signal to all of these processes; returns true if they are gone in time.
    async fn exit_all(&self, numbers: &[u64], reason: Exit, timeout: Option<Duration>) -> bool {
        numbers.iter().for_each(|number| self.send_exit(*number, reason.clone()));
        let gone = async {
            for number in numbers {
                self.table().wait_removed(*number).await;
            }
        };
        self.clock().within(timeout, gone).await.is_some()
    }

    /// Returns the numbers of the processes for which `condition` is true, oldest first.
    fn numbers_where(&self, condition: impl Fn(Ancestry) -> bool) -> Vec<u64> {
        let all = self.table().all().into_iter();
        all.filter(|(_, cell)| condition(cell.ancestry())).map(|(number, _)| number).collect()
    }

    pub(in crate::node) fn is_supervisor(&self, number: u64) -> bool {
        self.table().get(number).is_some_and(|cell| cell.ancestry().supervisor)
    }
}
