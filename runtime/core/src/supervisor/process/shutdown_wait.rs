//! The waits of a supervisor for a child: for its exit, and for its `init` once the supervisor itself is to stop.
//!
//! Both are bounded by the child's `shutdown`, and then by [`KILL_LIMIT`]: a killed process that has not exited by then is
//! abandoned. So stopping a tree takes no longer than its options say. A supervisor that is not stopping waits for an
//! `init` without a limit, as OTP's supervisor does, unless an exit signal has ended the child.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::base::{Exit, Pid, Shutdown};
use crate::node::Node;
use crate::process::{Cell, ExitObserver, ended};
use crate::supervisor::Supervision;
use crate::supervisor::child::{ChildCell, KILL_LIMIT, StartFuture};
use crate::wire::{Epoch, Signal};

/// The result of stopping a child.
pub(super) struct StopOutcome {
    /// The exit reason; `None` if the process was killed and has not exited in time.
    pub(super) reason: Option<Exit>,
    /// True if the child did not stop in time and was killed.
    pub(super) timed_out: bool,
}

/// A process that a supervisor stops.
pub(super) struct Stopping {
    node: Node,
    supervisor: Pid,
    pub(super) pid: Pid,
    shutdown: Shutdown,
    requested_at: Instant,
    killed_at: Option<Instant>,
    exit: Pin<Box<dyn Future<Output = Exit> + Send>>,
    reason: Option<Exit>,
}

impl Stopping {
    /// Requests a process to stop, or kills it, depending on `shutdown`.
    pub(super) fn new(node: &Node, supervisor: &Pid, pid: Pid, shutdown: Shutdown) -> Stopping {
        let mut stopping = Stopping::watch(node, supervisor, pid, shutdown);
        stopping.request();
        stopping
    }

    /// Watches a process that will be requested to stop.
    pub(super) fn watch(node: &Node, supervisor: &Pid, pid: Pid, shutdown: Shutdown) -> Stopping {
        let exit = Box::pin(ended(node, pid.clone()));
        let requested_at = node.clock().now();
        let (node, supervisor) = (node.clone(), supervisor.clone());
        Stopping { node, supervisor, pid, shutdown, requested_at, killed_at: None, exit, reason: None }
    }

    /// Requests the process to stop, or kills it. Its time begins.
    pub(super) fn request(&mut self) {
        self.requested_at = self.node.clock().now();
        match self.shutdown {
            Shutdown::Kill => self.kill(),
            Shutdown::After(_) | Shutdown::Forever => self.send_exit(Exit::shutdown()),
        }
    }

    fn send_exit(&self, reason: Exit) {
        self.node.signal(&self.supervisor, &self.pid, Epoch::LOCAL, Signal::Exit { reason, linked: false });
    }

    fn kill(&mut self) {
        self.killed_at = Some(self.node.clock().now());
        self.send_exit(Exit::Kill);
    }

    /// Returns the part of `limit` that is left since `start`.
    fn left(&self, limit: Duration, start: Instant) -> Duration {
        limit.saturating_sub(self.node.clock().now().saturating_duration_since(start))
    }

    /// Waits until the process has exited, or was killed because the time of its `shutdown` is over.
    pub(super) async fn exit_or_kill(&mut self) {
        let timeout = match self.shutdown {
            Shutdown::Kill => return,
            Shutdown::After(timeout) => Some(self.left(timeout, self.requested_at)),
            Shutdown::Forever => None,
        };
        self.reason = self.node.clock().within(timeout, self.exit.as_mut()).await;
        if self.reason.is_none() {
            self.kill();
        }
    }

    /// Waits until the process has exited, or was killed for [`KILL_LIMIT`].
    pub(super) async fn finish(mut self) -> StopOutcome {
        if self.killed_at.is_none() && self.reason.is_none() {
            self.exit_or_kill().await;
        }
        if let Some(killed_at) = self.killed_at {
            let left = self.left(KILL_LIMIT, killed_at);
            self.reason = self.node.clock().within(Some(left), self.exit.as_mut()).await;
        }
        let timed_out = self.killed_at.is_some() && self.shutdown != Shutdown::Kill;
        StopOutcome { reason: self.reason, timed_out }
    }
}

/// Waits for processes that stop at the same time. Returns the outcomes in the same order.
pub(super) async fn finish_all(mut stopping: Vec<Stopping>) -> Vec<StopOutcome> {
    for one in &mut stopping {
        one.exit_or_kill().await;
    }
    let mut outcomes = Vec::with_capacity(stopping.len());
    for one in stopping {
        outcomes.push(one.finish().await);
    }
    outcomes
}

/// An event for which [`wait_for_init`] waits.
enum Event {
    Started(Result<Option<Pid>, Exit>),
    /// The supervisor is to stop.
    Stop,
    /// An exit signal has ended the child. The process may still run: it may compute without end.
    ChildExits,
}

/// Waits for the `init` of the child that is starting in `child`. `cell` and `supervisor` are its supervisor's.
///
/// If the supervisor is to stop in the meantime, the child gets the time of its `shutdown` and is then killed. A child
/// with an unlimited `shutdown`, such as a supervisor, is stopped at once and waited for. A killed child is waited for no
/// longer than [`KILL_LIMIT`], also if another process killed it. It may still occupy its cell then.
pub(super) async fn wait_for_init(
    cell: Arc<Cell<Supervision>>,
    supervisor: Pid,
    child: Arc<dyn ChildCell>,
    shutdown: Shutdown,
    mut starting: StartFuture,
) -> Result<Option<Pid>, Exit> {
    let observer: Arc<dyn ExitObserver> = Arc::clone(&cell) as _;
    let event = poll_fn(|cx| match starting.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Event::Started(outcome)),
        // A stop request wakes the process, and with it this future.
        Poll::Pending if cell.is_stopping() => Poll::Ready(Event::Stop),
        Poll::Pending if child.observe_exit(Arc::downgrade(&observer)) => Poll::Ready(Event::ChildExits),
        Poll::Pending => Poll::Pending,
    });
    let event = event.await;
    let node = cell.node();
    let send_exit = |reason| {
        if let Some(pid) = child.pid() {
            node.signal(&supervisor, &pid, Epoch::LOCAL, Signal::Exit { reason, linked: false });
        }
    };
    match (event, shutdown) {
        (Event::Started(outcome), _) => return outcome,
        (Event::ChildExits, _) => {}
        (Event::Stop, Shutdown::Kill) => send_exit(Exit::Kill),
        (Event::Stop, Shutdown::Forever) => {
            send_exit(Exit::shutdown());
            return starting.await;
        }
        (Event::Stop, Shutdown::After(timeout)) => {
            if let Some(outcome) = node.clock().within(Some(timeout), starting.as_mut()).await {
                return outcome;
            }
            send_exit(Exit::Kill);
        }
    }
    node.clock().within(Some(KILL_LIMIT), starting).await.unwrap_or(Err(Exit::Killed))
}
