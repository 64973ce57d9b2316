//! The messages of an owner that is handed over to the successor of its node, and those that it continues with.

use std::collections::VecDeque;
use std::mem::take;

use super::Queue;
use crate::base::Protocol;
use crate::mailbox::{Entry, Mask, Origin};

impl<M: Protocol> Queue<M> {
    /// Calls `f`, which must not panic, with each message that the owner has not taken over, in order. Messages that come
    /// meanwhile are not among them.
    pub(crate) fn visit(&self, mut f: impl FnMut(Origin, &M)) {
        // Not under the lock: `f` is code of the user.
        let mut inner = self.lock();
        let priority = inner.extras.as_mut().map(|extras| take(&mut extras.priority)).unwrap_or_default();
        let entries = take(&mut inner.entries);
        // The messages in front of a full mailbox: their senders have ended then, or are on other nodes.
        let waiting = inner.bounded().map(|bounded| bounded.wait_queue.take_entries()).unwrap_or_default();
        drop(inner);
        let waiting_entries = waiting.iter().map(|(_, entry)| entry);
        priority.iter().chain(&entries).chain(waiting_entries).for_each(|entry| f(entry.origin, &entry.message));
        for (id, entry) in waiting {
            // A message that was withdrawn meanwhile is dropped.
            let _ = self.put_back(id, entry);
        }
        self.put_all_back(priority, entries);
    }

    /// Gives the owner, which has not read any message yet, these as its first. Their number may exceed the bound.
    pub(crate) fn put_first(&self, messages: VecDeque<Entry<M>>) {
        let is_priority = |entry: &Entry<M>| Mask::priority::<M>().contains(Mask::lane(entry.message.variant()));
        let sent = messages.iter().filter(|entry| entry.origin.is_sent()).count();
        let count = messages.len() as u64;
        let (priority, entries) = messages.into_iter().partition(is_priority);
        self.put_all_back(priority, entries);
        let mut inner = self.lock();
        inner.pushed += count;
        if let Some(bounded) = inner.bounded() {
            bounded.load += sent;
        }
    }
}
