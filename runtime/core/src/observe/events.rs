use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A bounded way for events from the runtime to somebody who listens: who tells never waits, who is slow misses some.
pub(crate) fn events<T>(capacity: usize) -> (EventSender<T>, EventReceiver<T>) {
    let state = State { events: VecDeque::new(), capacity, missed: 0, waker: None, over: false };
    let shared = Arc::new(Mutex::new(state));
    (EventSender(Arc::downgrade(&shared)), EventReceiver(shared))
}

pub(crate) struct EventSender<T>(Weak<Mutex<State<T>>>);

pub(crate) struct EventReceiver<T>(Arc<Mutex<State<T>>>);

/// What a listener hears.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<T> {
    Event(T),
    /// So many events in between are lost.
    Missed(u64),
}

struct State<T> {
    events: VecDeque<T>,
    capacity: usize,
    missed: u64,
    waker: Option<Waker>,
    /// Nothing more will be told.
    over: bool,
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> EventSender<T> {
    /// Tells of an event; `false` if nobody listens any more.
    pub(crate) fn tell(&self, event: T) -> bool {
        let Some(shared) = self.0.upgrade() else { return false };
        let mut state = lock(&shared);
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
        state.over = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> EventReceiver<T> {
    /// The next event; `None` when there will be no more.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Received<T>>> {
        let mut state = lock(&self.0);
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(Received::Event(event)));
        }
        if state.missed > 0 {
            return Poll::Ready(Some(Received::Missed(std::mem::take(&mut state.missed))));
        }
        if state.over {
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
    fn who_is_slow_misses_some_and_learns_how_many() {
        let (teller, listener) = events(2);
        let mut cx = Context::from_waker(Waker::noop());
        for event in 1..=5 {
            assert!(teller.tell(event));
        }
        let mut heard = || listener.poll_next(&mut cx);
        assert_eq!(heard(), Poll::Ready(Some(Received::Event(1))));
        assert_eq!(heard(), Poll::Ready(Some(Received::Event(2))));
        assert_eq!(heard(), Poll::Ready(Some(Received::Missed(3))));
        assert_eq!(heard(), Poll::Pending);
        teller.tell(6);
        drop(teller);
        assert_eq!(heard(), Poll::Ready(Some(Received::Event(6))));
        assert_eq!(heard(), Poll::Ready(None));
        let (teller, listener) = events(2);
        drop(listener);
        assert!(!teller.tell(1));
    }
}
