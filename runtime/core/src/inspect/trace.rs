//! Message traces of processes of another node.
//!
//! The question is a call that the other node answers at the end of the trace. So its process is killed if the caller
//! gives up or is lost. The events come as the answers of other calls, one after the other: each answer has the reply of
//! a request for more. The caller sends that request once it has read the events, so they wait on the node where they are
//! bounded.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::answer::{MAX_LIST, size};
use super::error::TraceError;
use super::question::Question;
use crate::base::{CallError, CallErrorKind, Pid};
use crate::call::{Call, CallName, Reply, reply_pair};
use crate::node::{Node, Tracing};
use crate::observe::{Trace, TraceEvent};
use crate::remote::RemoteCall;

/// The longest trace for another node, and the longest time that its events wait for a reader.
const MAX_DURATION: Duration = Duration::from_secs(3600);

const EVENTS: &CallName = &CallName { protocol: "inspection", message: "Inspection::trace" };

/// The question for a trace.
#[derive(Serialize, Deserialize)]
pub(super) struct TraceMessages {
    pid: Pid,
    trace: Trace,
    /// Answered when the trace has begun.
    first: Reply<Events>,
}

/// Some events of a trace.
#[derive(Serialize, Deserialize)]
struct Events {
    events: Vec<TraceEvent>,
    /// Takes the reply for the next events. `None` at the end of the trace.
    more: Option<Reply<Reply<Events>>>,
}

/// The end of a trace.
#[derive(Serialize, Deserialize)]
pub(super) enum TraceEnd {
    Ended,
    NoProcess,
    TooMany,
}

impl Question for TraceMessages {
    type Answer = TraceEnd;
    const NAME: &'static str = "inspect::trace";
    const CALL: &'static CallName = EVENTS;

    async fn answer(self, node: Node) -> TraceEnd {
        let TraceMessages { pid, trace, first } = self;
        let Some(_slot) = node.traces().admit() else { return TraceEnd::TooMany };
        let trace = Trace { duration: trace.duration.min(MAX_DURATION), ..trace };
        let Some(mut tracing) = node.trace(&pid, trace) else { return TraceEnd::NoProcess };
        let (mut reply, mut events, mut is_over) = (first, Vec::new(), false);
        while !is_over {
            let (more, requested) = reply_pair::<Reply<Events>>(&node, EVENTS);
            reply.send(Events { events, more: Some(more) });
            // Fails if the caller drops its stream, or does not read for so long.
            let Ok(next) = requested.within(MAX_DURATION).await else { return TraceEnd::Ended };
            reply = next;
            (events, is_over) = poll_fn(|cx| poll_events(&mut tracing, cx)).await;
        }
        reply.send(Events { events, more: None });
        TraceEnd::Ended
    }
}

/// Returns the events that have occurred, at least one, and whether the trace is over.
fn poll_events(tracing: &mut Tracing, cx: &mut Context<'_>) -> Poll<(Vec<TraceEvent>, bool)> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_LIST {
        match Pin::new(&mut *tracing).poll_next(cx) {
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

/// A trace of the messages of another node's process; from [`Inspection::trace`](crate::Inspection::trace). Dropping it
/// ends the trace.
#[must_use = "a trace is read by awaiting `next`"]
pub struct RemoteTracing {
    node: Node,
    /// Ends the trace when it is dropped.
    _trace: RemoteCall<TraceEnd>,
    events: VecDeque<TraceEvent>,
    next: Next,
}

/// The way to the next events.
enum Next {
    Request(Reply<Reply<Events>>),
    Requested(Call<Events>),
    Over,
}

impl RemoteTracing {
    /// Puts the question by `ask`, and waits until the trace has begun.
    pub(super) async fn begin(
        node: Node,
        ask: impl FnOnce(TraceMessages) -> RemoteCall<TraceEnd>,
        pid: Pid,
        trace: Trace,
    ) -> Result<RemoteTracing, TraceError> {
        let (first, begun) = reply_pair(&node, EVENTS);
        let ended = ask(TraceMessages { pid, trace, first });
        match begun.await {
            Ok(Events { events, more }) => {
                let next = more.map_or(Next::Over, Next::Request);
                Ok(RemoteTracing { node, _trace: ended.forever(), events: events.into(), next })
            }
            Err(error) if error.kind == CallErrorKind::Timeout => Err(TraceError::Failed(error)),
            // The question itself has the reason.
            Err(error) => Err(match ended.await.map_err(TraceError::Failed)? {
                TraceEnd::NoProcess => TraceError::NoProc,
                TraceEnd::TooMany => TraceError::TooMany,
                TraceEnd::Ended => TraceError::Failed(error),
            }),
        }
    }

    /// Returns the next event, or `None` when the trace has ended: by its limits, or with the process. Cancel-safe.
    ///
    /// # Errors
    /// - [`CallErrorKind::NoConnection`]: the connection is lost.
    /// - [`CallErrorKind::Dropped`]: an hour has passed without a call of this function.
    ///
    /// The trace has ended then, and further calls return `None`.
    pub async fn next(&mut self) -> Result<Option<TraceEvent>, CallError> {
        poll_fn(|cx| self.poll_event(cx)).await.transpose()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<TraceEvent, CallError>>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match std::mem::replace(&mut self.next, Next::Over) {
                Next::Over => return Poll::Ready(None),
                Next::Request(more) => {
                    let (reply, requested) = reply_pair(&self.node, EVENTS);
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

impl Stream for RemoteTracing {
    type Item = Result<TraceEvent, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for RemoteTracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteTracing")
    }
}
