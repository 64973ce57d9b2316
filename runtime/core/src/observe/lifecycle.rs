use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::events::{EventReceiver, EventSender, Received, events};
use crate::base::{Exit, Pid};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What becomes of a node's processes, as far as it is news; from [`Node::lifecycle`](crate::Node::lifecycle).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// A process has ended other than in order: it panicked, failed, was killed, or depended on one that is lost.
    Crashed {
        /// Who it was.
        pid: Pid,
        /// The name it was registered under.
        name: Option<String>,
        /// Its place in its supervision tree, as `/ChatTree/rooms`.
        place: Option<String>,
        /// What ran there: the actor's type, or the function's.
        kind: Cow<'static, str>,
        /// What could be said to it.
        protocol: Cow<'static, str>,
        /// Why it ended.
        reason: Exit,
        /// How long it had lived.
        age: Duration,
    },
    /// A supervisor has started a child again.
    Restarted {
        /// The supervisor's path, as `/ChatTree`.
        supervisor: String,
        /// The child's id there.
        child: String,
        /// Who lives there now.
        pid: Pid,
        /// How often it has been started in all.
        starts: u64,
    },
    /// A supervisor has started children again too often, and ends with all that it has.
    GaveUp {
        /// The supervisor's path.
        supervisor: String,
        /// The supervisor itself.
        pid: Pid,
    },
    /// Whoever listens was too slow: so many events are lost.
    Missed(u64),
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LifecycleEvent::Crashed { pid, name, place, kind, reason, .. } => {
                match place.as_ref().or(name.as_ref()) {
                    Some(known) => write!(f, "{known} ({kind} {pid})")?,
                    None => write!(f, "{kind} {pid}")?,
                }
                write!(f, " ended: {reason}")
            }
            LifecycleEvent::Restarted { supervisor, child, pid, starts } => {
                write!(f, "{supervisor}/{child} is started again: {pid}, start {starts}")
            }
            LifecycleEvent::GaveUp { supervisor, .. } => write!(f, "{supervisor} gives up: too many restarts"),
            LifecycleEvent::Missed(count) => write!(f, "{count} events are lost"),
        }
    }
}

/// Those who hear what becomes of a node's processes. While there are none, an event is not even made.
#[derive(Default)]
pub(crate) struct LifecycleSubscribers {
    /// Whether there is anybody.
    heard: AtomicBool,
    listeners: Mutex<Vec<EventSender<LifecycleEvent>>>,
}

/// How many events a listener may be behind.
const BEHIND: usize = 1_024;

impl LifecycleSubscribers {
    fn listeners(&self) -> MutexGuard<'_, Vec<EventSender<LifecycleEvent>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all who listen, in the order in which it happens.
    pub(crate) fn send(&self, event: impl FnOnce() -> LifecycleEvent) {
        if !self.heard.load(Ordering::Relaxed) {
            return;
        }
        let event = event();
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.tell(event.clone()));
        self.heard.store(!listeners.is_empty(), Ordering::Relaxed);
    }

    pub(crate) fn subscribe(&self) -> Lifecycle {
        let (teller, listener) = events(BEHIND);
        let mut listeners = self.listeners();
        listeners.push(teller);
        self.heard.store(true, Ordering::Relaxed);
        drop(listeners);
        Lifecycle { listener }
    }
}

/// What becomes of a node's processes; from [`Node::lifecycle`].
#[must_use = "events are heard by whoever awaits `next`"]
pub struct Lifecycle {
    listener: EventReceiver<LifecycleEvent>,
}

impl Lifecycle {
    /// The next event; `None` when the node is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<LifecycleEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<LifecycleEvent>> {
        self.listener.poll_next(cx).map(|heard| {
            heard.map(|heard| match heard {
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
