//! The future of a cast: it waits for room in a queue, or returns the error.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "port")]
use std::task::Waker;
use std::task::{Context, Poll, ready};

use crate::base::{CastError, NodeName};
use crate::mailbox::WaiterId;
use crate::node::{AdmissionQueue, BackPressure, Current, Node};

/// The future of a cast: its message has been sent, and `.await` waits for room or returns the error.
///
/// Drop it to go on at once, as with Erlang's `!`; errors are then lost. Or await it for back-pressure:
/// - in front of a full mailbox (`overflow = wait`) it resolves when the message is in the mailbox;
/// - towards another node it resolves when the connection's queue is below its high-water mark. In front of a full queue,
///   or of a full mailbox on the other node, it first waits until its message is in the connection's queue;
/// - else it resolves at once.
///
/// Cancel-safe. A message that is in a wait queue, of a full mailbox or of a connection, is withdrawn when its cast is
/// dropped, and counts as lost; any other message stays.
///
/// # Errors
/// Resolves to a [`CastError`] if the message did not reach a mailbox of this node, or the queue of a connection. An error
/// on another node is not reported.
pub struct Cast {
    // `None` if the message is in the mailbox, as nearly always: then there is nothing to build, move or drop.
    state: Option<Box<State>>,
}

enum State {
    Failed(CastError),
    /// The message is in the queue of a connection, and the queue is above its high-water mark.
    BackPressure(BackPressure),
    Waiting(Waiting),
}

/// A message in the wait queue of a full mailbox or of a connection.
struct Waiting {
    queue: Arc<dyn AdmissionQueue>,
    id: WaiterId,
}

/// The future of a cast to an actor whose bounded mailbox refuses messages: a [`Cast`] that is to be awaited.
///
/// The stub of an actor made from methods returns it if the actor has the option `mailbox`, with `overflow = wait` or
/// `reject`. A cast that is not awaited is lost when the mailbox is full. rustc warns of it. To accept the loss, write
/// `drop(account.deposit(5))`. Lost messages are counted for each protocol, in
/// [`ProtocolMetrics`](crate::ProtocolMetrics).
///
/// Cancel-safe as a [`Cast`] is.
///
/// # Errors
/// Those of a [`Cast`].
#[must_use = "a full mailbox refuses the message, and only the awaited cast returns that: write `.await`, or \
              `drop(..)` to accept the loss"]
pub struct BoundedCast(Cast);

impl From<Cast> for BoundedCast {
    fn from(cast: Cast) -> BoundedCast {
        BoundedCast(cast)
    }
}

impl From<BoundedCast> for Cast {
    fn from(cast: BoundedCast) -> Cast {
        cast.0
    }
}

impl Future for BoundedCast {
    type Output = Result<(), CastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for BoundedCast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The queue that a message was put into.
pub(super) enum Placement<'a> {
    /// The mailbox, or the queue of a connection with room.
    Queue,
    /// The wait queue of a full mailbox or of a connection, with the message's id there.
    WaitQueue(Arc<dyn AdmissionQueue>, WaiterId),
    /// The queue of the connection from one node to another, which is above its high-water mark.
    FullConnection(&'a Node, &'a NodeName),
}

impl From<Placement<'_>> for Cast {
    fn from(placement: Placement<'_>) -> Cast {
        match placement {
            Placement::Queue => Cast::sent(),
            Placement::WaitQueue(queue, id) => Cast::waiting(queue, id),
            Placement::FullConnection(node, to) => Cast::below_mark(node, to),
        }
    }
}

impl Cast {
    /// Returns the cast of a message that is in its mailbox.
    #[inline]
    pub(super) fn sent() -> Cast {
        Cast { state: None }
    }

    /// Returns the cast of a message in the queue of the connection from one node to another, which is above its high-water
    /// mark.
    pub(super) fn below_mark(node: &Node, to: &NodeName) -> Cast {
        let below_mark = node.router().and_then(|router| router.backpressure(to));
        Cast { state: below_mark.map(|below_mark| Box::new(State::BackPressure(below_mark))) }
    }

    pub(super) fn failed(error: CastError) -> Cast {
        Cast { state: Some(Box::new(State::Failed(error))) }
    }

    pub(super) fn waiting(queue: Arc<dyn AdmissionQueue>, id: WaiterId) -> Cast {
        Cast { state: Some(Box::new(State::Waiting(Waiting { queue, id }))) }
    }
}

#[cfg(feature = "port")]
impl Cast {
    /// Returns the outcome so far. A message that waits in a wait queue is withdrawn.
    ///
    /// # Errors
    /// [`CastError::Full`] for a message that was withdrawn, or the error of the cast.
    pub(crate) fn withdraw_if_waiting(mut self) -> Result<(), CastError> {
        match self.state.as_deref_mut() {
            None | Some(State::BackPressure(_)) => Ok(()),
            Some(State::Failed(error)) => Err(error.clone()),
            Some(State::Waiting(Waiting { queue, id })) => {
                match queue.poll_admitted(*id, &mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => Err(CastError::Full),
                }
            }
        }
    }
}

impl Future for Cast {
    type Output = Result<(), CastError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Current::is_exiting() {
            return Poll::Pending;
        }
        let outcome = match self.state.as_deref_mut() {
            None => Ok(()),
            Some(State::Failed(error)) => Err(error.clone()),
            Some(State::BackPressure(below_mark)) => {
                let polled = below_mark.as_mut().poll(cx);
                if polled.is_pending() {
                    Current::note_await(|| "room in the queue of a connection for a cast".to_owned());
                }
                ready!(polled)
            }
            Some(State::Waiting(Waiting { queue, id })) => {
                let polled = queue.poll_admitted(*id, cx);
                if polled.is_pending() {
                    Current::note_await(|| "room in a full mailbox or connection for a cast".to_owned());
                }
                ready!(polled)
            }
        };
        self.state = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Cast {
    // Inlined into the sender: nearly always there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            drop_state(state);
        }
    }
}

#[cold]
fn drop_state(state: Box<State>) {
    drop(state);
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.withdraw(self.id);
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state.as_deref() {
            None => "Cast(sent)",
            Some(State::Failed(_)) => "Cast(failed)",
            Some(State::BackPressure(_) | State::Waiting(_)) => "Cast(waiting)",
        })
    }
}
