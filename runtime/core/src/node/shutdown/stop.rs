use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::Exit;
use crate::log;
use crate::node::{Ancestry, Current, Node};
use crate::wire::Signal;

/// How long a process has to stop in order before it is killed: OTP's default for a worker.
const GRACE: Duration = Duration::from_secs(5);

/// How many of those that did not stop in time are told one by one.
const TOLD: usize = 16;

/// What did not stop in time; from [`Node::stop_within`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopTimeout {
    /// The time there was.
    pub patience: Duration,
    /// How many processes were left when it was over.
    pub processes: usize,
}

impl fmt::Display for StopTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StopTimeout { patience, processes } = self;
        let were = if *processes == 1 { "process was" } else { "processes were" };
        write!(f, "{processes} {were} killed: not stopped within {patience:?}")
    }
}

impl std::error::Error for StopTimeout {}

impl Node {
    /// Stops everything in order: first the applications, last started first, then other supervision trees, each
    /// from its root, then every other process; who does not stop within 5 s is killed, and a tree takes what its
    /// children's `shutdown` allows. Then the connections to other nodes are closed.
    ///
    /// Called when `main` returns. Cancel-safe: the stop runs in a task of the node and continues if the future is dropped.
    /// Afterwards no application starts on this node. In a process of the node the future resolves at once, since the
    /// process cannot wait for its own end: it is stopped like the others.
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
        if Current::is_process_of(self) { None } else { receiver.await.ok() }
    }

    async fn stop_in_order(&self) {
        for unit in self.services().close().into_iter().rev() {
            unit.stop().await;
        }
        self.shut_down(true).await;
        self.shut_down(false).await;
        self.disconnect().await;
    }

    /// The same within a time: what has not stopped by then is killed, and told to the log. As `init:stop` with
    /// [`shutdown_time`](https://www.erlang.org/doc/apps/kernel/kernel_app.html), except that the processes have no
    /// say in it.
    ///
    /// Takes up to 5 s more for the killed to be gone: one that holds up its thread cannot be.
    ///
    /// Cancel-safe, and at once `Ok` in a process of the node, as [`stop`](Node::stop).
    ///
    /// # Errors
    /// Something was killed.
    pub async fn stop_within(&self, patience: Duration) -> Result<(), StopTimeout> {
        let node = self.clone();
        self.run_stop(async move { node.stop_in_order_within(patience).await }).await.unwrap_or(Ok(()))
    }

    async fn stop_in_order_within(&self, patience: Duration) -> Result<(), StopTimeout> {
        if self.clock().within(Some(patience), self.stop_in_order()).await.is_some() {
            return Ok(());
        }
        let late = self.numbers_of(|_| true);
        for number in late.iter().take(TOLD) {
            if let Some(cell) = self.table().get(*number) {
                let (pid, protocol) = (self.pid(*number), cell.protocol());
                log::error!(
                    target: "greenroom", %pid, protocol, ?patience, "process did not stop in time and is killed"
                );
            }
        }
        self.kill(&late).await;
        self.clock().within(Some(GRACE), self.disconnect()).await;
        // None: the processes were done, and a connection was late.
        if late.is_empty() { Ok(()) } else { Err(StopTimeout { patience, processes: late.len() }) }
    }

    async fn disconnect(&self) {
        self.report_limiter().summarize_all();
        if let Some(router) = self.router() {
            router.close().await;
        }
    }

    async fn shut_down(&self, trees: bool) {
        let chosen =
            self.numbers_of(|ancestry| !trees || (ancestry.supervisor && !self.is_supervisor(ancestry.parent)));
        if !self.demand(&chosen, Exit::shutdown(), (!trees).then_some(GRACE)).await {
            self.kill(&chosen).await;
        }
    }

    /// Kills a process and all that it, and those it started, have started. Resolves when they are gone, or after 5 s
    /// if they hold up their threads.
    pub(crate) async fn kill_descendants(&self, root: u64) {
        let mut family = HashSet::from([root]);
        // Oldest first, so a parent comes before its children.
        let below = self.numbers_of(|_| true).into_iter().filter(|number| {
            let cell = self.table().get(*number);
            let kin = *number == root || cell.is_some_and(|cell| family.contains(&cell.ancestry().parent));
            kin && (family.insert(*number) || *number == root)
        });
        let below: Vec<_> = below.collect();
        self.kill(&below).await;
    }

    async fn kill(&self, numbers: &[u64]) {
        self.demand(numbers, Exit::Kill, Some(GRACE)).await;
    }

    /// Sends an exit signal to all of these; whether they are gone in time.
    async fn demand(&self, numbers: &[u64], reason: Exit, patience: Option<Duration>) -> bool {
        let me = self.pid(Node::SYSTEM);
        for number in numbers {
            if let Some(cell) = self.table().get(*number) {
                cell.signal(*number, &me, Signal::Exit { reason: reason.clone(), linked: false });
            }
        }
        let gone = async {
            for number in numbers {
                self.table().gone(*number).await;
            }
        };
        self.clock().within(patience, gone).await.is_some()
    }

    /// The numbers of such processes, oldest first.
    fn numbers_of(&self, such: impl Fn(Ancestry) -> bool) -> Vec<u64> {
        let all = self.table().all().into_iter();
        all.filter(|(_, cell)| such(cell.ancestry())).map(|(number, _)| number).collect()
    }

    fn is_supervisor(&self, number: u64) -> bool {
        self.table().get(number).is_some_and(|cell| cell.ancestry().supervisor)
    }
}
