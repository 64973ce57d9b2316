//! A stream of values from another node.
//!
//! The question is a call that the other node answers at the end of the stream. So its process is killed if the caller
//! gives up or is lost. The values come as the answers of other calls, one after the other: each answer has the reply of
//! a request for more. The caller sends that request once it has read the values, so they wait on the node where they are
//! bounded.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::{CallError, CallErrorKind};
use crate::call::{Call, CallName, Reply, reply_pair};
use crate::inspect::answer::{MAX_LIST, size};
use crate::inspect::error::TraceError;
use crate::node::Node;
use crate::remote::RemoteCall;

/// The longest time that values wait for a reader.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(3600);

/// A value that a stream has.
pub(super) trait Item: Serialize + DeserializeOwned + Send + 'static {}

impl<E: Serialize + DeserializeOwned + Send + 'static> Item for E {}

/// Some values of a stream.
#[derive(Serialize, Deserialize)]
#[serde(bound = "E: Item")]
pub(in crate::inspect) struct Events<E: 'static> {
    events: Vec<E>,
    /// Takes the reply for the next values. `None` at the end of the stream.
    more: Option<Reply<Reply<Events<E>>>>,
}

/// The end of a stream.
#[derive(Serialize, Deserialize)]
pub(in crate::inspect) enum StreamEnd {
    Ended,
    NoProcess,
    TooMany,
}

/// Sends the values of a stream to a reader on another node, until either has ended. `first` is answered at once.
pub(super) async fn serve<E: Item>(
    node: &Node,
    name: &'static CallName,
    first: Reply<Events<E>>,
    mut stream: impl Stream<Item = E> + Unpin,
) -> StreamEnd {
    let (mut reply, mut events, mut is_over) = (first, Vec::new(), false);
    while !is_over {
        let (more, requested) = reply_pair::<Reply<Events<E>>>(node, name);
        reply.send(Events { events, more: Some(more) });
        // Fails if the caller drops its stream, or does not read for so long.
        let Ok(next) = requested.within(MAX_WAIT).await else { return StreamEnd::Ended };
        reply = next;
        (events, is_over) = poll_fn(|cx| poll_events(&mut stream, cx)).await;
    }
    reply.send(Events { events, more: None });
    StreamEnd::Ended
}

/// Returns the values that there are, at least one, and whether the stream is over.
fn poll_events<E: Serialize>(
    stream: &mut (impl Stream<Item = E> + Unpin),
    cx: &mut Context<'_>,
) -> Poll<(Vec<E>, bool)> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_LIST {
        match Pin::new(&mut *stream).poll_next(cx) {
            Poll::Ready(Some(event)) => {
                bytes = size(&event).saturating_add(bytes);
                events.push(event);
            }
            Poll::Ready(None) => return Poll::Ready((events, true)),
            Poll::Pending if events.is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready((events, false))
}

/// The reading end of a stream. Its drop ends the stream.
pub(super) struct Feed<E: 'static> {
    node: Node,
    name: &'static CallName,
    /// Ends the stream when it is dropped.
    _question: RemoteCall<StreamEnd>,
    events: VecDeque<E>,
    next: Next<E>,
}

/// The way to the next values.
enum Next<E: 'static> {
    Request(Reply<Reply<Events<E>>>),
    Requested(Call<Events<E>>),
    Over,
}

impl<E: Item> Feed<E> {
    /// Puts the question by `ask`, and waits until the stream has begun.
    pub(super) async fn begin(
        node: Node,
        name: &'static CallName,
        ask: impl FnOnce(Reply<Events<E>>) -> RemoteCall<StreamEnd>,
    ) -> Result<Feed<E>, TraceError> {
        let (first, begun) = reply_pair(&node, name);
        let ended = ask(first);
        match begun.await {
            Ok(Events { events, more }) => {
                let next = more.map_or(Next::Over, Next::Request);
                Ok(Feed { node, name, _question: ended.forever(), events: events.into(), next })
            }
            Err(error) if error.kind == CallErrorKind::Timeout => Err(TraceError::Failed(error)),
            // The question itself has the reason.
            Err(error) => Err(match ended.await.map_err(TraceError::Failed)? {
                StreamEnd::NoProcess => TraceError::NoProc,
                StreamEnd::TooMany => TraceError::TooMany,
                StreamEnd::Ended => TraceError::Failed(error),
            }),
        }
    }

    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<E, CallError>>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match std::mem::replace(&mut self.next, Next::Over) {
                Next::Over => return Poll::Ready(None),
                Next::Request(more) => {
                    let (reply, requested) = reply_pair(&self.node, self.name);
                    more.send(reply);
                    self.next = Next::Requested(requested.forever());
                }
                Next::Requested(mut requested) => match Pin::new(&mut requested).poll(cx) {
                    Poll::Pending => {
                        self.next = Next::Requested(requested);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(Ok(Events { events, more })) => {
                        self.events = events.into();
                        self.next = more.map_or(Next::Over, Next::Request);
                    }
                },
            }
        }
    }
}
