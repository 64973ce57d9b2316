//! The state is taken out of a running process.
//!
//! A request for the state keeps its order among the messages to the process, as a stop does. A server answers it between
//! two messages, after those that were sent before it. Another process answers it where it calls
//! [`upgrade_point`](Context::upgrade_point). With the answer the process ends, as by an exit signal that it does not trap:
//! its own code does not run any more, also not its `terminate`, since another process continues its state. Its links and monitors
//! receive the reason of the request. Later messages are lost, as those to a process that has stopped; those of stubs that
//! follow a supervised child are held for its next incarnation.
//!
//! A process whose state cannot be encoded answers with the reason, and goes on. A process goes on, too, if nothing waits
//! for its answer any more.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

#[cfg(feature = "upgrade")]
use super::hold::hold;
use crate::actor::process::HasContext;
use crate::actor::{Actor, Context, Portable, Process};
use crate::base::{EncodedState, Exit, Pid};
use crate::node::{Node, RequestError, TakeState};
use crate::process::{Mailbox, SystemRequest, ended};

/// The reason why a process has not handed its state over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotHandedOver {
    /// The struct of the actor has no `#[actor(upgrade)]`, or the process is a function.
    NotPortable,
    /// The process runs on another node.
    Elsewhere,
    /// The process does not exist, or it ended before it handled the request.
    NoProc,
    /// The process did not handle the request in time, and goes on. Or it has handed its state over, and blocking code of it
    /// runs on; the state is lost then.
    Timeout,
    /// The state cannot be encoded, for this reason. The process goes on.
    Encode(String),
}

/// Takes the state out of a process, which ends for `reason`. Resolves when the process has ended: its name is free, and its
/// links and monitors are notified.
///
/// Cancel-safe: if the future is dropped before the process has answered, the process goes on.
///
/// # Errors
/// The process was not portable, did not handle the request within `limit`, or could not encode its state.
pub(crate) async fn take_state(
    node: &Node,
    process: Pid,
    reason: Exit,
    limit: Duration,
) -> Result<EncodedState, NotHandedOver> {
    if !process.belongs_to(node.id()) {
        return Err(NotHandedOver::Elsewhere);
    }
    let number = process.number();
    let cell = node.table().get(number).ok_or(NotHandedOver::NoProc)?;
    let deadline = node.clock().now() + limit;
    let has_ended = ended(node, process);
    let (answer, mut answered) = oneshot::channel();
    cell.take_state(number, TakeState { reason, answer }).map_err(|error| match error {
        RequestError::Gone => NotHandedOver::NoProc,
        RequestError::NotAllowed => NotHandedOver::NotPortable,
        RequestError::Elsewhere => NotHandedOver::Elsewhere,
    })?;
    let answer = match node.clock().within(Some(limit), &mut answered).await {
        Some(answer) => answer.map_err(|_| NotHandedOver::NoProc)?,
        None => {
            // From now on the process cannot answer. It may have answered at the last moment.
            answered.close();
            answered.try_recv().map_err(|_| NotHandedOver::Timeout)?
        }
    };
    let state = answer.map_err(NotHandedOver::Encode)?;
    let left = deadline.saturating_duration_since(node.clock().now());
    node.clock().within(Some(left), has_ended).await.map(|_| state).ok_or(NotHandedOver::Timeout)
}

/// Answers a request for the state of the running process. The process ends if it has handed its state over.
pub(in crate::actor) fn hand_over<A: Actor>(actor: &A, mailbox: &Mailbox<A::Protocol>, request: TakeState) {
    let Some(portability) = (const { A::OPTIONS.portability }) else { return };
    // A state is handed over once. A request that is dropped is answered as by the end of the process.
    if mailbox.cell().is_exiting() || request.answer.is_closed() {
        return;
    }
    let state = portability.encode(actor as &dyn Any);
    let is_encoded = state.is_ok();
    if request.answer.send(state).is_ok() && is_encoded {
        mailbox.cell().exit_now(mailbox.pid().number(), request.reason);
    }
}

#[cfg(feature = "net")]
impl<A: HasContext> Context<A> {
    /// Hands the state of the process over here, if that was requested. For an `impl Process`, at a point where `actor`,
    /// which is `self`, has all that another process needs to continue.
    ///
    /// The process ends here then, and the future never resolves: when the application moves to another node with its
    /// state, for instance. While the node is [upgraded](crate::Node::upgrade), the process waits here, and goes on if the
    /// upgrade fails. Otherwise the future resolves at once. The successor runs [`resumed`](Process::resumed) in place of
    /// [`init`](Process::init), and then [`run`](Process::run) from its start. Call it in the loop that receives:
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[protocol]
    /// enum Parcels {
    ///     Weigh { grams: u64 },
    /// }
    ///
    /// #[actor(protocol = Parcels, upgrade)]
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Scales {
    ///     total: u64,
    /// }
    ///
    /// impl Process for Scales {
    ///     async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
    ///         loop {
    ///             cx.upgrade_point(self).await;
    ///             receive!(match cx {
    ///                 Parcels::Weigh { grams } => self.total += grams,
    ///                 after!(Duration::from_secs(1)) => {} // hands over also if no parcel arrives
    ///             });
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// The state is handed over after the messages that were sent before the request: as long as one of them is neither
    /// received nor saved, the process goes on. Saved messages are lost. In an upgrade all messages are kept, also those that
    /// were not received.
    ///
    /// A server hands its state over between two messages by itself. There the future resolves at once.
    pub fn upgrade_point<'a>(&'a mut self, actor: &'a mut A) -> UpgradePoint<'a>
    where
        A: Process + Portable,
    {
        let request = if A::SERVER { None } else { self.mailbox().take_due_request() };
        let is_exiting = !A::SERVER && self.mailbox().cell().is_exiting();
        // Nearly always there is no request, and nothing is allocated.
        let waits = request.is_some() || is_exiting;
        UpgradePoint(waits.then(|| Box::pin(answer_requests(self, actor, request)) as _))
    }
}

/// A future that resolves at once, unless the process has handed its state over or is held; from
/// [`Context::upgrade_point`]. Cancel-safe, but an upgrade of the node in which it is dropped fails.
#[must_use = "a process that has handed its state over goes on without `.await`"]
pub struct UpgradePoint<'a>(Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>);

impl Future for UpgradePoint<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Ready(()), |waiting| waiting.as_mut().poll(cx))
    }
}

impl fmt::Debug for UpgradePoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradePoint").finish_non_exhaustive()
    }
}

/// Answers the requests for the state of a process that is not a server.
async fn answer_requests<A: Process>(cx: &mut Context<A>, actor: &mut A, mut request: Option<SystemRequest>) {
    while let Some(next) = request {
        match next {
            SystemRequest::TakeState(request) => hand_over(actor, cx.mailbox(), request),
            #[cfg(feature = "upgrade")]
            SystemRequest::Hold(request) => {
                if let Some(reason) = hold(actor, cx, request, None, false).await {
                    cx.cell().exit_now(cx.pid().number(), reason);
                }
            }
            _ => {}
        }
        request = cx.mailbox().take_due_request();
    }
    if cx.mailbox().cell().is_exiting() {
        // The task of the process ends it.
        pending::<()>().await;
    }
}

impl fmt::Display for NotHandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotHandedOver::NotPortable => {
                f.write_str("the actor is not portable: write `#[actor(upgrade)]` on its struct")
            }
            NotHandedOver::Elsewhere => f.write_str("the process is on another node"),
            NotHandedOver::NoProc => f.write_str("no such process"),
            NotHandedOver::Timeout => f.write_str("the process did not hand its state over in time"),
            NotHandedOver::Encode(reason) => write!(f, "the state cannot be encoded: {reason}"),
        }
    }
}

impl Error for NotHandedOver {}
