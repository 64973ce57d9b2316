//! Lifecycle events: crashes, restarts, and supervisors that give up.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::event_channel::{EventReceiver, EventSender, Received, event_channel};
use crate::base::{Exit, Pid};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A notable event in the life of a process; from [`Node::lifecycle`](crate::Node::lifecycle).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// A process has ended abnormally: it panicked, returned an error, was killed, or depended on a process that is lost.
    Crashed {
        /// The process.
        pid: Pid,
        /// The name under which the process was registered.
        name: Option<String>,
        /// The process's path in its supervision tree, for example `/ShopTree/orders`.
        path: Option<String>,
        /// The type of the actor, or the function, that ran.
        kind: Cow<'static, str>,
        /// The process's protocol.
        protocol: Cow<'static, str>,
        /// The exit reason.
        reason: Exit,
        /// The time since the process started.
        age: Duration,
    },
    /// A supervisor has restarted a child.
    Restarted {
        /// The supervisor's path, for example `/ShopTree`.
        supervisor: String,
        /// The child's id in its supervisor.
        child: String,
        /// The child's new process.
        pid: Pid,
        /// The number of the child's starts, the first included.
        starts: u64,
    },
    /// A supervisor has reached its restart intensity: it stops its children and ends.
    GaveUp {
        /// The supervisor's path.
        supervisor: String,
        /// The supervisor's process.
        pid: Pid,
    },
    /// The subscriber was too slow, and this many events are lost.
    Missed(u64),
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LifecycleEvent::Crashed { pid, name, path, kind, reason, .. } => {
                match path.as_ref().or(name.as_ref()) {
                    Some(name) => write!(f, "{name} ({kind} {pid})")?,
                    None => write!(f, "{kind} {pid}")?,
                }
                write!(f, " ended: {reason}")
            }
            LifecycleEvent::Restarted { supervisor, child, pid, starts } => {
                write!(f, "{supervisor}/{child} was restarted: {pid}, start {starts}")
            }
            LifecycleEvent::GaveUp { supervisor, .. } => write!(f, "{supervisor} gives up: too many restarts"),
            LifecycleEvent::Missed(count) => {
                let events = if *count == 1 { "event" } else { "events" };
                write!(f, "this subscriber was too slow and missed {count} {events}")
            }
        }
    }
}

/// The subscribers to a node's lifecycle events. Without any, no event is constructed.
#[derive(Default)]
pub(crate) struct LifecycleSubscribers {
    /// True if the list is not empty.
    any: AtomicBool,
    subscribers: Mutex<Vec<EventSender<LifecycleEvent>>>,
}

/// The capacity of a subscriber's channel.
const CAPACITY: usize = 1_024;

impl LifecycleSubscribers {
    fn subscribers(&self) -> MutexGuard<'_, Vec<EventSender<LifecycleEvent>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event to all subscribers.
    pub(crate) fn send(&self, event: impl FnOnce() -> LifecycleEvent) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let event = event();
        let mut subscribers = self.subscribers();
        subscribers.retain(|subscriber| subscriber.send(event.clone()));
        self.any.store(!subscribers.is_empty(), Ordering::Relaxed);
    }

    /// Returns whether there are subscribers.
    #[cfg(feature = "test")]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Returns a stream of all events from now on.
    pub(crate) fn subscribe(&self) -> Lifecycle {
        let (sender, receiver) = event_channel(CAPACITY);
        let mut subscribers = self.subscribers();
        subscribers.push(sender);
        self.any.store(true, Ordering::Relaxed);
        drop(subscribers);
        Lifecycle { receiver }
    }
}

/// A stream of a node's lifecycle events; from [`Node::lifecycle`](crate::Node::lifecycle).
#[must_use = "events are read by awaiting `next`"]
pub struct Lifecycle {
    receiver: EventReceiver<LifecycleEvent>,
}

impl Lifecycle {
    /// Returns the next event, or `None` when the node has been dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<LifecycleEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<LifecycleEvent>> {
        self.receiver.poll_next(cx).map(|received| {
            received.map(|received| match received {
                Received::Event(event) => event,
                Received::Missed(count) => LifecycleEvent::Missed(count),
            })
        })
    }
}

impl Stream for Lifecycle {
    type Item = LifecycleEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LifecycleEvent>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lifecycle")
    }
}
