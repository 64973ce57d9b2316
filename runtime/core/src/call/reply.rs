use std::fmt;
use std::sync::Arc;

use super::slot::Slot;
use crate::base::CallError;
use crate::mailbox::CheckedSend;
use crate::node::{Current, Unanswered};

/// The duty to answer one call, and the means to do it.
///
/// It may be kept, passed to another process or sent to another node; whoever holds it answers. Dropped
/// unanswered it fails the call: with the holder's exit reason if the holder ends, else with
/// [`CallError::Dropped`]. The idea is Erlang's `From` in
/// [`gen_server:reply/2`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#reply/2).
#[must_use = "a caller waits: answer it with `send`"]
pub struct Reply<T: 'static> {
    /// What leads to the caller, until it has its answer. One word, as a reply is part of a message.
    pub(super) slot: Option<Arc<Slot<T>>>,
}

impl<T: 'static> Reply<T> {
    pub(super) fn new(slot: Arc<Slot<T>>) -> Reply<T> {
        Reply { slot: Some(slot) }
    }

    /// Answers. An answer that nobody waits for any more vanishes.
    pub fn send(mut self, value: T)
    where
        T: Send,
    {
        let Some(slot) = self.slot.take() else { return };
        if let Some(remote) = &slot.remote_caller {
            return remote.answer_with(&value);
        }
        let caller = slot.fill(|| Ok(CheckedSend::new(value)));
        // Before the caller goes on: then the slot is its alone.
        drop(slot);
        if let Some(caller) = caller {
            caller.wake();
        }
    }

    /// It has come out of a mailbox, and may go anywhere.
    #[doc(hidden)]
    pub fn mark_taken(&self) {
        if let Some(slot) = &self.slot {
            slot.mark_taken();
        }
    }

    /// Whoever has just taken it keeps it until it answers.
    #[doc(hidden)]
    pub fn mark_held(&self) {
        if let Some(slot) = &self.slot {
            slot.mark_held();
        }
    }

    /// Whether somebody still waits for the answer. For a caller on another node that is not known: `true`.
    pub fn is_awaited(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| slot.remote_caller.is_some() || slot.is_awaited())
    }
}

impl<T: 'static> Drop for Reply<T> {
    // Part of whoever has answered, where there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            forsake(slot);
        }
    }
}

/// The reply is dropped, and nobody has answered.
#[cold]
fn forsake<T: 'static>(slot: Arc<Slot<T>>) {
    if slot.is_passed_on() {
        return;
    }
    let caller: Arc<dyn Unanswered> = match &slot.remote_caller {
        Some(remote) => remote.unanswered_by(Current::process()),
        None => slot,
    };
    if let Some(caller) = Current::drop_reply(caller) {
        caller.fail(CallError::Dropped);
    }
}

impl<T: 'static> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;
    use crate::base::Encoder;
    use crate::node::Node;

    // Both are parts of messages, which are moved.
    const _: () = assert!(size_of::<Reply<String>>() == size_of::<usize>());

    #[tokio::test]
    async fn a_reply_whose_caller_has_left_is_not_waited_for_elsewhere() {
        let node = Node::local();
        for left in [false, true] {
            let slot = Slot::<u32>::take(&node);
            let reply = Reply::new(Arc::clone(&slot));
            if left {
                slot.leave();
            }
            let mut bytes = Vec::new();
            let (encoded, ids) = Current::collect_replies(&node, || Encoder::new(&mut bytes, usize::MAX).field(&reply));
            assert!(encoded.is_ok());
            assert_eq!((ids.len(), node.pending().count()), (1, usize::from(!left)));
            slot.leave();
            assert_eq!(node.pending().count(), 0);
        }
    }
}
