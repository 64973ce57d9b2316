//! How long a supervisor waits for a child: for its end, and for its `init` once the supervisor itself is to stop.
//!
//! Both are bounded by the child's `shutdown`, so whoever stops a tree waits no longer than its options say. While
//! nobody wants it to stop, a supervisor waits for an `init` as long as that takes, as OTP's does.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::actor::{Context, Process};
use crate::base::{Exit, Pid, Shutdown};
use crate::node::Node;
use crate::process::ended;
use crate::supervisor::child::{Place, Starting};
use crate::wire::Signal;

pub(super) type Ended = Pin<Box<dyn Future<Output = Exit> + Send>>;

/// How a process that was to stop ended.
pub(super) struct Stopped {
    pub(super) reason: Exit,
    /// It took longer than it may.
    pub(super) late: bool,
}

/// Stops a process, and waits until it is gone.
pub(super) async fn stop(node: &Node, me: &Pid, pid: Pid, shutdown: Shutdown) -> Stopped {
    let gone = Box::pin(ended(node, pid.clone()));
    let (reason, shutdown_wait) = match shutdown {
        Shutdown::Kill => (Exit::Kill, None),
        Shutdown::After(shutdown_wait) => (Exit::shutdown(), Some(shutdown_wait)),
        Shutdown::Forever => (Exit::shutdown(), None),
    };
    node.signal(me, &pid, Signal::Exit { reason, linked: false });
    outlast(node, me, &pid, shutdown_wait, gone).await
}

/// Waits for the end of a process that was told to stop, and kills it if that takes too long.
pub(super) async fn outlast(
    node: &Node,
    me: &Pid,
    pid: &Pid,
    shutdown_wait: Option<Duration>,
    mut gone: Ended,
) -> Stopped {
    if let Some(reason) = node.clock().within(shutdown_wait, gone.as_mut()).await {
        return Stopped { reason, late: false };
    }
    node.signal(me, pid, Signal::Exit { reason: Exit::Kill, linked: false });
    Stopped { reason: gone.await, late: true }
}

/// Waits for the `init` of the child that starts in `place`. A supervisor that is told to stop meanwhile gives it
/// the time that it may take to stop, and no more; one that is a supervisor itself passes the word on.
pub(super) async fn outwait<A: Process>(
    cx: &mut Context<A>,
    place: &dyn Place,
    shutdown: Shutdown,
    mut starting: Starting,
) -> Result<Option<Pid>, Exit> {
    let cell = cx.mailbox().cell();
    let started = poll_fn(|cx| match starting.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        // The word to stop wakes the process, and so this.
        Poll::Pending if cell.is_stopping() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if let Some(outcome) = started.await {
        return outcome;
    }
    let (node, me) = (cx.node(), cx.pid());
    let tell = |reason| {
        if let Some(pid) = place.resident() {
            node.signal(me, &pid, Signal::Exit { reason, linked: false });
        }
    };
    match shutdown {
        Shutdown::Kill => tell(Exit::Kill),
        Shutdown::Forever => tell(Exit::shutdown()),
        Shutdown::After(shutdown_wait) => {
            if let Some(outcome) = node.clock().within(Some(shutdown_wait), starting.as_mut()).await {
                return outcome;
            }
            tell(Exit::Kill);
        }
    }
    starting.await
}
