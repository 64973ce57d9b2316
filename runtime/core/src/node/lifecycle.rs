use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Node;
use super::events::{EventReceiver, EventSender, Received, events};
use crate::inspect::LifecycleEvent;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

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
    pub(crate) fn tell(&self, event: impl FnOnce() -> LifecycleEvent) {
        if !self.heard.load(Ordering::Relaxed) {
            return;
        }
        let event = event();
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.tell(event.clone()));
        self.heard.store(!listeners.is_empty(), Ordering::Relaxed);
    }
}

impl Node {
    /// What becomes of this node's processes from now on, as it happens: crashes, restarts, supervisors that give up.
    ///
    /// It is a [`Stream`], so a process can [`attach`](crate::Mailbox::attach) it to its mailbox. Who does not keep up
    /// misses events, and learns [how many](LifecycleEvent::Missed); the node never waits. While nobody listens, a crash costs
    /// one look at a flag more, and nothing else costs anything.
    ///
    /// An end in order is no news: there may be a million of them a second. Whoever wants to know of one watches the
    /// process by a [monitor](crate::Mailbox::monitor); how many there were is in [`Node::metrics`].
    ///
    /// A crash is told when the process's name is free and before links and monitors hear of it, so before its restart.
    /// After the supervisor, crash and progress reports of
    /// [OTP's logger](https://www.erlang.org/doc/apps/sasl/error_logging.html).
    ///
    /// ```
    /// # use greenroom::{LifecycleEvent, prelude::*};
    /// # async fn watch(node: Node) {
    /// let mut lifecycle = node.lifecycle();
    /// while let Some(event) = lifecycle.next().await {
    ///     match event {
    ///         LifecycleEvent::Crashed { pid, reason, .. } => eprintln!("{pid} ended: {reason}"),
    ///         other => eprintln!("{other}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn lifecycle(&self) -> Lifecycle {
        let (teller, listener) = events(BEHIND);
        let mut listeners = self.lives().listeners();
        listeners.push(teller);
        self.lives().heard.store(true, Ordering::Relaxed);
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
