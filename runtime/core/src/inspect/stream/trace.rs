//! Message traces of processes of another node.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::feed::{Events, Feed, MAX_WAIT, StreamEnd, serve};
use crate::base::{CallError, Pid};
use crate::call::{CallName, Reply};
use crate::inspect::error::TraceError;
use crate::inspect::question::Question;
use crate::node::Node;
use crate::observe::{Trace, TraceEvent};
use crate::remote::RemoteCall;

const EVENTS: &CallName = &CallName { protocol: "inspection", message: "Inspection::trace" };

/// The question for a trace.
#[derive(Serialize, Deserialize)]
pub(in crate::inspect) struct TraceMessages {
    pid: Pid,
    trace: Trace,
    /// Answered when the trace has begun.
    first: Reply<Events<TraceEvent>>,
}

impl Question for TraceMessages {
    type Answer = StreamEnd;
    const NAME: &'static str = "inspect::trace";
    const CALL: &'static CallName = EVENTS;

    async fn answer(self, node: Node) -> StreamEnd {
        let TraceMessages { pid, trace, first } = self;
        let Some(_slot) = node.traces().admit() else { return StreamEnd::TooMany };
        // The longest trace for another node.
        let trace = Trace { duration: trace.duration.min(MAX_WAIT), ..trace };
        let Some(tracing) = node.trace(&pid, trace) else { return StreamEnd::NoProcess };
        serve(&node, EVENTS, first, tracing).await
    }
}

/// A trace of the messages of another node's process; from [`Inspection::trace`](crate::Inspection::trace). Dropping it
/// ends the trace.
#[must_use = "a trace is read by awaiting `next`"]
pub struct RemoteTracing(Feed<TraceEvent>);

impl RemoteTracing {
    /// Puts the question by `ask`, and waits until the trace has begun.
    pub(in crate::inspect) async fn begin(
        node: Node,
        ask: impl FnOnce(TraceMessages) -> RemoteCall<StreamEnd>,
        pid: Pid,
        trace: Trace,
    ) -> Result<RemoteTracing, TraceError> {
        Feed::begin(node, EVENTS, |first| ask(TraceMessages { pid, trace, first })).await.map(RemoteTracing)
    }

    /// Returns the next event, or `None` when the trace has ended: by its limits, or with the process. Cancel-safe.
    ///
    /// # Errors
    /// - [`CallErrorKind::NoConnection`](crate::CallErrorKind::NoConnection): the connection is lost.
    /// - [`CallErrorKind::Dropped`](crate::CallErrorKind::Dropped): an hour has passed without a call of this function.
    ///
    /// The trace has ended then, and further calls return `None`.
    pub async fn next(&mut self) -> Result<Option<TraceEvent>, CallError> {
        poll_fn(|cx| self.0.poll_event(cx)).await.transpose()
    }
}

impl Stream for RemoteTracing {
    type Item = Result<TraceEvent, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_event(cx)
    }
}

impl fmt::Debug for RemoteTracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteTracing")
    }
}
