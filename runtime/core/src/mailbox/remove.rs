//! Removal from the middle of a queue.

use std::collections::VecDeque;
use std::mem;

use super::entry::{Entry, Origin};

/// Removes the messages that end with an owner: all, or with `keep_held` all but the held ones.
pub(super) fn remove_all<M>(entries: &mut VecDeque<Entry<M>>, keep_held: bool) -> VecDeque<Entry<M>> {
    let mut all = mem::take(entries);
    if !keep_held {
        return all;
    }
    let mut removed = VecDeque::new();
    while let Some(entry) = all.pop_front() {
        if entry.origin == Origin::HELD { &mut *entries } else { &mut removed }.push_back(entry);
    }
    removed
}

/// Removes the first message with this origin.
pub(super) fn remove_origin<M>(entries: &mut VecDeque<Entry<M>>, origin: Origin) -> Option<M> {
    let index = entries.iter().position(|entry| entry.origin == origin)?;
    remove_at(entries, index).map(|entry| entry.message)
}

/// Removes the element at `index`. The cost is at most the shorter part of the queue.
///
/// Instead of `VecDeque::remove`, which moves the elements in one piece: four times the code, for each type of message.
#[inline]
pub(super) fn remove_at<T>(queue: &mut VecDeque<T>, index: usize) -> Option<T> {
    if index == 0 { queue.pop_front() } else { remove_behind_first(queue, index) }
}

fn remove_behind_first<T>(queue: &mut VecDeque<T>, index: usize) -> Option<T> {
    let last = queue.len().checked_sub(1).filter(|last| index <= *last)?;
    if index <= last / 2 {
        (0..index).rev().for_each(|at| queue.swap(at, at + 1));
        queue.pop_front()
    } else {
        (index..last).for_each(|at| queue.swap(at, at + 1));
        queue.pop_back()
    }
}
