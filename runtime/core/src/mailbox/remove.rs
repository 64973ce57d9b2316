//! What is taken out of the midst of a queue.

use std::collections::VecDeque;
use std::mem;

use super::entry::{Entry, Origin};

/// Takes out what ends with an owner: everything, but for what is held if that is to `keep_early`.
pub(super) fn part<M>(entries: &mut VecDeque<Entry<M>>, keep_early: bool) -> VecDeque<Entry<M>> {
    let mut all = mem::take(entries);
    if !keep_early {
        return all;
    }
    let mut left = VecDeque::new();
    while let Some(entry) = all.pop_front() {
        if entry.origin == Origin::EARLY { &mut *entries } else { &mut left }.push_back(entry);
    }
    left
}

/// Takes out the first message with this origin.
pub(super) fn remove<M>(entries: &mut VecDeque<Entry<M>>, origin: Origin) -> Option<M> {
    let at = entries.iter().position(|entry| entry.origin == origin)?;
    cut(entries, at).map(|entry| entry.message)
}

/// Takes out what is there. Costs at most the shorter part of the queue.
///
/// As `VecDeque::remove`, which moves what lies between in one piece: with four times the code, for each type of message.
#[inline]
pub(super) fn cut<T>(queue: &mut VecDeque<T>, at: usize) -> Option<T> {
    if at == 0 { queue.pop_front() } else { cut_behind(queue, at) }
}

fn cut_behind<T>(queue: &mut VecDeque<T>, at: usize) -> Option<T> {
    let last = queue.len().checked_sub(1).filter(|last| at <= *last)?;
    if at <= last / 2 {
        (0..at).rev().for_each(|place| queue.swap(place, place + 1));
        queue.pop_front()
    } else {
        (at..last).for_each(|place| queue.swap(place, place + 1));
        queue.pop_back()
    }
}
