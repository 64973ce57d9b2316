//! The save queue: messages that a receive has skipped, in one lane per variant.
//!
//! A receive looks only at the lanes of the variants that it can take. Arrival numbers keep the order across lanes.

use std::collections::VecDeque;

use super::remove::remove_at;
use super::{Entry, Mask, Origin};
use crate::base::MessageContext;

/// Messages that no receive has taken yet.
pub(crate) struct SaveQueue<M> {
    lanes: Vec<Lane<M>>,
    /// The lanes that hold messages.
    occupied: u64,
    /// The newest arrival number.
    arrivals: u64,
    len: u32,
    /// The lanes of `#[priority]` variants, which go before all others.
    priority: Mask,
}

struct Lane<M> {
    /// `None` is the place of a message that is being tested.
    messages: VecDeque<Option<M>>,
    /// One for each message. Apart, since the scan of a single lane does not read them.
    tags: VecDeque<Tag>,
    /// The number of messages that the running scan has tested.
    tested: usize,
}

/// A message's place in the order of arrival, its origin and its trace context.
struct Tag {
    arrival: u64,
    origin: Origin,
    context: MessageContext,
}

impl<M> SaveQueue<M> {
    pub(crate) fn new(priority: Mask) -> SaveQueue<M> {
        SaveQueue { lanes: Vec::new(), occupied: 0, arrivals: 0, len: 0, priority }
    }

    /// Returns how many messages are saved.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Saves a message behind all others.
    pub(crate) fn push(&mut self, lane: usize, entry: Entry<M>) {
        while self.lanes.len() <= lane {
            self.lanes.push(Lane { messages: VecDeque::new(), tags: VecDeque::new(), tested: 0 });
        }
        self.arrivals += 1;
        self.len += 1;
        let Entry { origin, context, message } = entry;
        let to = &mut self.lanes[lane];
        to.messages.push_back(Some(message));
        to.tags.push_back(Tag { arrival: self.arrivals, origin, context });
        self.occupied |= 1 << lane;
    }

    /// Begins a scan at the oldest message. Returns the lanes of `want` that hold messages.
    pub(crate) fn begin(&mut self, want: Mask) -> u64 {
        let pending = self.occupied & want.0;
        let mut lanes = pending;
        while lanes != 0 {
            self.lanes[lanes.trailing_zeros() as usize].tested = 0;
            lanes &= lanes - 1;
        }
        pending
    }

    /// Does what [`next`](Self::next) does for a scan of one lane, which most scans are. Returns `None` if the scan has
    /// other lanes, or if the lane has no further message.
    #[inline(always)]
    pub(crate) fn next_in_lane(&mut self, pending: u64) -> Option<(usize, M)> {
        if !pending.is_power_of_two() {
            return None;
        }
        let lane = pending.trailing_zeros() as usize;
        let from = self.lanes.get_mut(lane)?;
        let message = from.messages.get_mut(from.tested)?.take()?;
        Some((lane, message))
    }

    /// Hands out the oldest message that the scan has not tested, with its lane. Its place stays, for
    /// [`tested_place`](Self::tested_place) or [`remove_tested`](Self::remove_tested). Exhausted lanes are removed from
    /// `pending`.
    #[inline]
    pub(crate) fn next(&mut self, pending: &mut u64) -> Option<(usize, M)> {
        let priority = self.priority.0;
        let lane = self.oldest(*pending & priority, pending).or_else(|| self.oldest(*pending & !priority, pending))?;
        let from = &mut self.lanes[lane];
        from.messages[from.tested].take().map(|message| (lane, message))
    }

    /// Returns which of `lanes` has the oldest message that is not tested.
    fn oldest(&self, mut lanes: u64, pending: &mut u64) -> Option<usize> {
        let mut oldest: Option<(u64, usize)> = None;
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            match self.lanes[lane].tags.get(self.lanes[lane].tested) {
                Some(tag) if oldest.is_some_and(|(arrival, _)| arrival < tag.arrival) => {}
                Some(tag) => oldest = Some((tag.arrival, lane)),
                None => *pending &= !(1 << lane),
            }
        }
        oldest.map(|(_, lane)| lane)
    }

    /// Returns the place of the message of this lane that was tested, for it to be put back, and moves the scan behind
    /// it.
    #[inline(always)]
    pub(crate) fn tested_place(&mut self, lane: usize) -> Option<&mut Option<M>> {
        let lane = self.lanes.get_mut(lane)?;
        let place = lane.messages.get_mut(lane.tested).filter(|place| place.is_none())?;
        lane.tested += 1;
        Some(place)
    }

    /// Removes the place of the message of this lane that was tested. Returns its origin and context. The cost is at most the
    /// shorter part of the lane.
    pub(crate) fn remove_tested(&mut self, lane: usize) -> Option<(Origin, MessageContext)> {
        let index = self.lanes[lane].tested;
        self.remove_at(lane, index).map(|(tag, _)| (tag.origin, tag.context))
    }

    fn remove_at(&mut self, lane: usize, index: usize) -> Option<(Tag, Option<M>)> {
        let from = &mut self.lanes[lane];
        let removed = (remove_at(&mut from.tags, index)?, remove_at(&mut from.messages, index)?);
        self.len -= 1;
        if from.messages.is_empty() {
            self.occupied &= !(1 << lane);
        }
        Some(removed)
    }

    /// Removes one lane, as long as there is one, for an owner that ends.
    pub(crate) fn pop_lane(&mut self) -> Option<VecDeque<Option<M>>> {
        self.lanes.pop().map(|lane| lane.messages)
    }

    /// Returns all messages in the order of arrival, without one that is being tested.
    pub(crate) fn into_entries(mut self) -> VecDeque<Entry<M>> {
        let mut all = VecDeque::with_capacity(self.len as usize);
        let mut pending = self.begin(Mask::ALL);
        while let Some(lane) = self.oldest(pending, &mut pending) {
            let from = &mut self.lanes[lane];
            if let (Some(Tag { origin, context, .. }), Some(Some(message))) =
                (from.tags.pop_front(), from.messages.pop_front())
            {
                all.push_back(Entry { origin, context, message });
            }
        }
        all
    }

    /// Calls `f` with each message in the order of arrival.
    #[cfg(feature = "upgrade")]
    pub(crate) fn visit(&self, mut f: impl FnMut(Origin, &M)) {
        let lanes = self.lanes.iter().flat_map(|lane| lane.tags.iter().zip(&lane.messages));
        let mut messages: Vec<(&Tag, &M)> = lanes.filter_map(|(tag, message)| Some((tag, message.as_ref()?))).collect();
        messages.sort_unstable_by_key(|(tag, _)| tag.arrival);
        messages.into_iter().for_each(|(tag, message)| f(tag.origin, message));
    }

    /// Removes the message with this origin.
    pub(crate) fn remove(&mut self, origin: Origin) -> Option<M> {
        let index_in = |lane: &Lane<M>| lane.tags.iter().position(|tag| tag.origin == origin);
        let (lane, index) = self.lanes.iter().enumerate().find_map(|(lane, of)| Some((lane, index_in(of)?)))?;
        let from = &mut self.lanes[lane];
        // The messages behind it move up.
        from.tested -= usize::from(index < from.tested);
        self.remove_at(lane, index)?.1
    }
}
