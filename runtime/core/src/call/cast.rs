use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::base::{CastError, NodeName};
use crate::mailbox::WaiterId;
use crate::node::{Admission, Current, Node};

/// A message that has taken its place.
///
/// Drop it, as Erlang's `!`, or `.await?` it to feel back-pressure: towards another node it resolves when the
/// connection's queue is below its high-water mark, before a full mailbox (`overflow = wait`) when the message is
/// in. Cancel-safe; but a message that still stands in line is withdrawn, and counted, if its cast is dropped.
pub struct Cast {
    // `None` for a message in its mailbox, as nearly all are at once: then there is nothing to build, move or drop.
    state: Option<Box<State>>,
}

enum State {
    Failed(CastError),
    /// The message is in the queue of a connection, which is above its high-water mark.
    BackPressure(Pin<Box<dyn Future<Output = ()> + Send>>),
    Waiting(Waiting),
}

/// A message in the wait queue of a full mailbox.
struct Waiting {
    queue: Arc<dyn Admission>,
    id: WaiterId,
}

/// Where a message was put.
pub(super) enum Placement<'a> {
    Mailbox,
    /// The wait queue of a full mailbox, under this id.
    WaitQueue(Arc<dyn Admission>, WaiterId),
    /// The queue of the connection from one node to another.
    Connection(&'a Node, &'a NodeName),
}

impl From<Placement<'_>> for Cast {
    fn from(placement: Placement<'_>) -> Cast {
        match placement {
            Placement::Mailbox => Cast::sent(),
            Placement::WaitQueue(queue, id) => Cast::waiting(queue, id),
            Placement::Connection(node, to) => {
                let pressure = node.router().and_then(|router| router.pressure(to));
                Cast { state: pressure.map(|pressure| Box::new(State::BackPressure(pressure))) }
            }
        }
    }
}

impl Cast {
    /// The message is in its mailbox.
    #[inline]
    pub(super) fn sent() -> Cast {
        Cast { state: None }
    }

    pub(super) fn failed(error: CastError) -> Cast {
        Cast { state: Some(Box::new(State::Failed(error))) }
    }

    pub(super) fn waiting(queue: Arc<dyn Admission>, id: WaiterId) -> Cast {
        Cast { state: Some(Box::new(State::Waiting(Waiting { queue, id }))) }
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
            Some(State::BackPressure(pressure)) => {
                ready!(pressure.as_mut().poll(cx));
                Ok(())
            }
            Some(State::Waiting(Waiting { queue, id })) => ready!(queue.poll_admitted(*id, cx)),
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
