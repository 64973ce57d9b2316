//! The waits of a supervisor for a child: for its exit, and for its `init` once the supervisor itself is to stop.
//!
//! Both are bounded by the child's `shutdown`, so stopping a tree takes no longer than its options say. A supervisor that
//! is not stopping waits for an `init` without a limit, as OTP's supervisor does.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::actor::{Context, Process};
use crate::base::{Exit, Pid, Shutdown};
use crate::node::Node;
use crate::process::ended;
use crate::supervisor::child::{ChildCell, StartFuture};
use crate::wire::{Epoch, Signal};

pub(super) type ExitFuture = Pin<Box<dyn Future<Output = Exit> + Send>>;

/// The result of stopping a child.
pub(super) struct StopOutcome {
    pub(super) reason: Exit,
    /// True if the child did not stop in time and was killed.
    pub(super) timed_out: bool,
}

/// Stops a process and waits until it is gone.
pub(super) async fn stop_and_wait(node: &Node, supervisor: &Pid, pid: Pid, shutdown: Shutdown) -> StopOutcome {
    let exit = Box::pin(ended(node, pid.clone()));
    let (reason, timeout) = match shutdown {
        Shutdown::Kill => (Exit::Kill, None),
        Shutdown::After(timeout) => (Exit::shutdown(), Some(timeout)),
        Shutdown::Forever => (Exit::shutdown(), None),
    };
    node.signal(supervisor, &pid, Epoch::LOCAL, Signal::Exit { reason, linked: false });
    wait_or_kill(node, supervisor, &pid, timeout, exit).await
}

/// Waits for the exit of a process that is stopping, and kills it after `timeout`.
pub(super) async fn wait_or_kill(
    node: &Node,
    supervisor: &Pid,
    pid: &Pid,
    timeout: Option<Duration>,
    mut exit: ExitFuture,
) -> StopOutcome {
    if let Some(reason) = node.clock().within(timeout, exit.as_mut()).await {
        return StopOutcome { reason, timed_out: false };
    }
    node.signal(supervisor, pid, Epoch::LOCAL, Signal::Exit { reason: Exit::Kill, linked: false });
    StopOutcome { reason: exit.await, timed_out: true }
}

/// Waits for the `init` of the child that is starting in `cell`.
///
/// If the supervisor is to stop in the meantime, the child gets the time of its `shutdown` and is then killed. A child
/// with an unlimited `shutdown`, such as a supervisor, is stopped at once and waited for.
pub(super) async fn wait_for_init<A: Process>(
    cx: &mut Context<A>,
    child: &dyn ChildCell,
    shutdown: Shutdown,
    mut starting: StartFuture,
) -> Result<Option<Pid>, Exit> {
    let cell = cx.mailbox().cell();
    let started = poll_fn(|cx| match starting.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        // A stop request wakes the process, and with it this future.
        Poll::Pending if cell.is_stopping() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if let Some(outcome) = started.await {
        return outcome;
    }
    let (node, supervisor) = (cx.node(), cx.pid());
    let send_exit = |reason| {
        if let Some(pid) = child.pid() {
            node.signal(supervisor, &pid, Epoch::LOCAL, Signal::Exit { reason, linked: false });
        }
    };
    match shutdown {
        Shutdown::Kill => send_exit(Exit::Kill),
        Shutdown::Forever => send_exit(Exit::shutdown()),
        Shutdown::After(timeout) => {
            if let Some(outcome) = node.clock().within(Some(timeout), starting.as_mut()).await {
                return outcome;
            }
            send_exit(Exit::Kill);
        }
    }
    starting.await
}
