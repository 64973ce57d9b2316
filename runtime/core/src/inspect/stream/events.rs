//! The alarms and lifecycle events of another node.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::feed::{Events, Feed, StreamEnd, serve};
use crate::base::CallError;
use crate::call::{CallName, Reply};
use crate::inspect::error::TraceError;
use crate::inspect::question::Question;
use crate::node::Node;
use crate::observe::{AlarmEvent, Alarms, Lifecycle, LifecycleEvent};
use crate::remote::RemoteCall;

const EVENTS: &CallName = &CallName { protocol: "inspection", message: "Inspection::events" };

/// An event of a node; from [`RemoteEvents::next`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObservedEvent {
    /// A change of the alarms.
    Alarm(AlarmEvent),
    /// A crash, a restart, or the end of a supervisor.
    Lifecycle(LifecycleEvent),
}

/// The question for the events of a node.
#[derive(Serialize, Deserialize)]
pub(in crate::inspect) struct NodeEvents {
    /// Answered when the node has subscribed.
    first: Reply<Events<ObservedEvent>>,
}

impl Question for NodeEvents {
    type Answer = StreamEnd;
    const NAME: &'static str = "inspect::events";
    const CALL: &'static CallName = EVENTS;

    async fn answer(self, node: Node) -> StreamEnd {
        let Some(_slot) = node.traces().admit() else { return StreamEnd::TooMany };
        let both = Both { alarms: node.alarms(), lifecycle: node.lifecycle() };
        serve(&node, EVENTS, self.first, both).await
    }
}

/// The alarms and the lifecycle events of this node. Both have a bounded channel.
struct Both {
    alarms: Alarms,
    lifecycle: Lifecycle,
}

impl Stream for Both {
    type Item = ObservedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ObservedEvent>> {
        if let Poll::Ready(event) = Pin::new(&mut self.alarms).poll_next(cx) {
            return Poll::Ready(event.map(ObservedEvent::Alarm));
        }
        Pin::new(&mut self.lifecycle).poll_next(cx).map(|event| event.map(ObservedEvent::Lifecycle))
    }
}

/// The alarms and lifecycle events of another node; from [`Inspection::events`](crate::Inspection::events). Dropping it
/// ends the subscription.
#[must_use = "events are read by awaiting `next`"]
pub struct RemoteEvents(Feed<ObservedEvent>);

impl RemoteEvents {
    /// Puts the question by `ask`, and waits until the node has subscribed.
    pub(in crate::inspect) async fn begin(
        node: Node,
        ask: impl FnOnce(NodeEvents) -> RemoteCall<StreamEnd>,
    ) -> Result<RemoteEvents, TraceError> {
        Feed::begin(node, EVENTS, |first| ask(NodeEvents { first })).await.map(RemoteEvents)
    }

    /// Returns the next event, or `None` after an error. Cancel-safe.
    ///
    /// # Errors
    /// - [`CallErrorKind::NoConnection`](crate::CallErrorKind::NoConnection): the connection is lost.
    /// - [`CallErrorKind::Dropped`](crate::CallErrorKind::Dropped): an hour has passed without a call of this function.
    pub async fn next(&mut self) -> Result<Option<ObservedEvent>, CallError> {
        poll_fn(|cx| self.0.poll_event(cx)).await.transpose()
    }
}

impl Stream for RemoteEvents {
    type Item = Result<ObservedEvent, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_event(cx)
    }
}

impl fmt::Debug for RemoteEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteEvents")
    }
}
