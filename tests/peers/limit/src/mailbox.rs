//! The least that an actor can be made of: a queue under a lock that is swapped out whole, a waker, and a slot for each
//! answer. No names, no links, no exits; whoever sends to the dead is not told.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// Where an actor's messages wait.
pub struct Mailbox<M> {
    inner: Arc<Mutex<Inner<M>>>,
    batch: VecDeque<M>,
}

/// The way to an actor.
pub struct Address<M>(Arc<Mutex<Inner<M>>>);

struct Inner<M> {
    queue: VecDeque<M>,
    waiting: Option<Waker>,
}

/// A mailbox and its address.
pub fn mailbox<M>() -> (Address<M>, Mailbox<M>) {
    let inner = Arc::new(Mutex::new(Inner { queue: VecDeque::new(), waiting: None }));
    (Address(Arc::clone(&inner)), Mailbox { inner, batch: VecDeque::new() })
}

impl<M> Address<M> {
    pub fn send(&self, message: M) {
        let mut inner = self.0.lock().unwrap();
        inner.queue.push_back(message);
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Address<M> {
        Address(Arc::clone(&self.0))
    }
}

impl<M> Mailbox<M> {
    /// The next message. Only if all that was taken over is used up it looks for more, and takes over all of it.
    pub async fn receive(&mut self) -> M {
        if let Some(message) = self.batch.pop_front() {
            return message;
        }
        poll_fn(|cx| {
            let mut inner = self.inner.lock().unwrap();
            if inner.queue.is_empty() {
                inner.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            mem::swap(&mut inner.queue, &mut self.batch);
            drop(inner);
            self.batch.pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// One answer.
pub struct Slot<T>(Mutex<(Option<T>, Option<Waker>)>);

impl<T> Slot<T> {
    pub fn new() -> Arc<Slot<T>> {
        Arc::new(Slot(Mutex::new((None, None))))
    }

    pub fn put(&self, answer: T) {
        let mut slot = self.0.lock().unwrap();
        slot.0 = Some(answer);
        let waiting = slot.1.take();
        drop(slot);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    pub async fn take(&self) -> T {
        poll_fn(|cx| {
            let mut slot = self.0.lock().unwrap();
            match slot.0.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
