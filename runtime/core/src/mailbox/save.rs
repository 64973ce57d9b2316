use std::collections::VecDeque;

use super::remove::cut;
use super::{Entry, Mask, Origin};

/// Messages that no receive has taken yet, a lane for each variant.
pub(crate) struct Saved<M> {
    lanes: Vec<Lane<M>>,
    /// Which lanes hold anything.
    occupied: u64,
    arrivals: u64,
    len: u32,
    /// Lanes that go before all others.
    urgent: Mask,
}

struct Lane<M> {
    /// `None` stands where a message was that is being tested.
    messages: VecDeque<Option<M>>,
    /// What is known of each; apart, since a scan of one lane does not look at it.
    marks: VecDeque<Mark>,
    /// How many of them the running scan has tested.
    tested: usize,
}

/// When a message arrived, by which lanes keep their order among each other, and where it came from.
#[derive(Clone, Copy)]
struct Mark {
    arrival: u64,
    origin: Origin,
}

impl<M> Saved<M> {
    pub(crate) fn new(urgent: Mask) -> Saved<M> {
        Saved { lanes: Vec::new(), occupied: 0, arrivals: 0, len: 0, urgent }
    }

    /// How many messages are saved.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Saves a message that has just been looked at, or that nobody wants now.
    pub(crate) fn push(&mut self, lane: usize, entry: Entry<M>) {
        while self.lanes.len() <= lane {
            self.lanes.push(Lane { messages: VecDeque::new(), marks: VecDeque::new(), tested: 0 });
        }
        self.arrivals += 1;
        self.len += 1;
        let Entry { origin, message } = entry;
        let to = &mut self.lanes[lane];
        to.messages.push_back(Some(message));
        to.marks.push_back(Mark { arrival: self.arrivals, origin });
        self.occupied |= 1 << lane;
    }

    /// Begins a scan at the oldest; the lanes of `want` that it has to look at.
    pub(crate) fn begin(&mut self, want: Mask) -> u64 {
        let pending = self.occupied & want.0;
        let mut rest = pending;
        while rest != 0 {
            self.lanes[rest.trailing_zeros() as usize].tested = 0;
            rest &= rest - 1;
        }
        pending
    }

    /// What [`next`](Self::next) does where one lane is looked at, which is so for most scans; `None` tells nothing else
    /// than that this was not the short way.
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

    /// Hands out the oldest message that the scan has not tested, with its lane: to be put back or taken out. `pending`
    /// loses each lane that is through.
    #[inline]
    pub(crate) fn next(&mut self, pending: &mut u64) -> Option<(usize, M)> {
        let urgent = self.urgent.0;
        let lane = self.oldest(*pending & urgent, pending).or_else(|| self.oldest(*pending & !urgent, pending))?;
        let from = &mut self.lanes[lane];
        from.messages[from.tested].take().map(|message| (lane, message))
    }

    /// Which lane of `rest` has the oldest message that is not tested.
    fn oldest(&self, mut rest: u64, pending: &mut u64) -> Option<usize> {
        let mut oldest: Option<(u64, usize)> = None;
        while rest != 0 {
            let lane = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            match self.lanes[lane].marks.get(self.lanes[lane].tested) {
                Some(mark) if oldest.is_some_and(|(arrival, _)| arrival < mark.arrival) => {}
                Some(mark) => oldest = Some((mark.arrival, lane)),
                None => *pending &= !(1 << lane),
            }
        }
        oldest.map(|(_, lane)| lane)
    }

    /// Where the message that came out of [`next`](Self::next), from this lane, goes back to, since it did not match.
    #[inline(always)]
    pub(crate) fn place(&mut self, lane: usize) -> Option<&mut Option<M>> {
        let lane = self.lanes.get_mut(lane)?;
        let place = lane.messages.get_mut(lane.tested).filter(|place| place.is_none())?;
        lane.tested += 1;
        Some(place)
    }

    /// The message that came out of this lane last stays out; where it came from. Costs at most the shorter part of a
    /// lane.
    pub(crate) fn take_out(&mut self, lane: usize) -> Option<Origin> {
        let at = self.lanes[lane].tested;
        self.cut(lane, at).map(|(mark, _)| mark.origin)
    }

    fn cut(&mut self, lane: usize, at: usize) -> Option<(Mark, Option<M>)> {
        let from = &mut self.lanes[lane];
        let cut = (cut(&mut from.marks, at)?, cut(&mut from.messages, at)?);
        self.len -= 1;
        if from.messages.is_empty() {
            self.occupied &= !(1 << lane);
        }
        Some(cut)
    }

    /// All of one variant, if anything is saved: for who ends.
    pub(crate) fn pop_lane(&mut self) -> Option<VecDeque<Option<M>>> {
        self.lanes.pop().map(|lane| lane.messages)
    }

    /// Everything that is saved, as it arrived, and where it came from. One that is just being tested is not among it.
    pub(crate) fn into_entries(mut self) -> VecDeque<Entry<M>> {
        let mut all = VecDeque::with_capacity(self.len as usize);
        let mut pending = self.begin(Mask::ALL);
        while let Some(lane) = self.oldest(pending, &mut pending) {
            let from = &mut self.lanes[lane];
            if let (Some(Mark { origin, .. }), Some(Some(message))) =
                (from.marks.pop_front(), from.messages.pop_front())
            {
                all.push_back(Entry { origin, message });
            }
        }
        all
    }

    /// Takes out the message with this origin.
    pub(crate) fn remove(&mut self, origin: Origin) -> Option<M> {
        let here = |lane: &Lane<M>| lane.marks.iter().position(|mark| mark.origin == origin);
        let (lane, at) = self.lanes.iter().enumerate().find_map(|(index, lane)| Some((index, here(lane)?)))?;
        let from = &mut self.lanes[lane];
        // What comes behind it moves up.
        from.tested -= usize::from(at < from.tested);
        self.cut(lane, at)?.1
    }
}
