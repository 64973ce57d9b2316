//! A bounded channel for events: the sender never waits, and a slow receiver loses events.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Returns both ends of a channel that holds at most `capacity` events.
pub(crate) fn event_channel<T>(capacity: usize) -> (EventSender<T>, EventReceiver<T>) {
    let state = State { events: VecDeque::new(), capacity, missed: 0, waker: None, closed: false };
    let shared = Arc::new(Mutex::new(state));
    (EventSender(Arc::downgrade(&shared)), EventReceiver(shared))
}

/// The sending end; dropping it closes the channel.
pub(crate) struct EventSender<T>(Weak<Mutex<State<T>>>);

/// The receiving end.
pub(crate) struct EventReceiver<T>(Arc<Mutex<State<T>>>);

/// An item of the channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<T> {
    Event(T),
    /// This many events were lost, since the channel was full.
    Missed(u64),
}

struct State<T> {
    events: VecDeque<T>,
    capacity: usize,
    missed: u64,
    waker: Option<Waker>,
    /// The sender is dropped.
    closed: bool,
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> EventSender<T> {
    /// Sends an event; returns false if the receiver is dropped.
    pub(crate) fn send(&self, event: T) -> bool {
        let Some(shared) = self.0.upgrade() else { return false };
        let mut state = lock(&shared);
        // Once an event is lost, all are until the receiver has been notified: the count then has a definite place.
        if state.events.len() < state.capacity && state.missed == 0 {
            state.events.push_back(event);
        } else {
            state.missed += 1;
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl<T> Drop for EventSender<T> {
    fn drop(&mut self) {
        let Some(shared) = self.0.upgrade() else { return };
        let mut state = lock(&shared);
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> EventReceiver<T> {
    /// Returns the next item, or `None` when the channel is closed and empty.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Received<T>>> {
        let mut state = lock(&self.0);
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(Received::Event(event)));
        }
        if state.missed > 0 {
            return Poll::Ready(Some(Received::Missed(std::mem::take(&mut state.missed))));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_receiver_loses_events_and_receives_their_number() {
        let (sender, receiver) = event_channel(2);
        let mut cx = Context::from_waker(Waker::noop());
        for event in 1..=5 {
            assert!(sender.send(event));
        }
        let mut next = || receiver.poll_next(&mut cx);
        assert_eq!(next(), Poll::Ready(Some(Received::Event(1))));
        assert_eq!(next(), Poll::Ready(Some(Received::Event(2))));
        assert_eq!(next(), Poll::Ready(Some(Received::Missed(3))));
        assert_eq!(next(), Poll::Pending);
        sender.send(6);
        drop(sender);
        assert_eq!(next(), Poll::Ready(Some(Received::Event(6))));
        assert_eq!(next(), Poll::Ready(None));
        let (sender, receiver) = event_channel(2);
        drop(receiver);
        assert!(!sender.send(1));
    }
}
