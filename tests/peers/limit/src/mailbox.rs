//! The minimum of an actor: a queue under a lock whose messages are taken all at once, a waker, and a slot for each
//! answer. There are no names, links or exits. A message to an actor that has ended is lost without an error.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The receiving side of an actor's queue.
pub struct Mailbox<M> {
    inner: Arc<Mutex<Inner<M>>>,
    batch: VecDeque<M>,
}

/// The sending side of an actor's queue.
pub struct Address<M>(Arc<Mutex<Inner<M>>>);

struct Inner<M> {
    queue: VecDeque<M>,
    waiting: Option<Waker>,
}

/// Creates a mailbox and its address.
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
    /// Returns the next message. When the batch is empty, takes all messages of the queue as the next batch.
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

/// The place of one answer.
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
