use std::collections::VecDeque;

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
    entries: VecDeque<Kept<M>>,
    /// How many of the last entries the running scan has skipped: they belong to the front.
    skipped: usize,
}

/// A saved message and its arrival number, by which lanes keep their order among each other.
struct Kept<M> {
    arrival: u64,
    entry: Entry<M>,
}

/// A message that came out of the save queue to be tested, with what puts it back.
pub(crate) struct Place {
    lane: usize,
    arrival: u64,
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
            self.lanes.push(Lane { entries: VecDeque::new(), skipped: 0 });
        }
        self.arrivals += 1;
        self.len += 1;
        self.lanes[lane].entries.push_back(Kept { arrival: self.arrivals, entry });
        self.occupied |= 1 << lane;
    }

    /// The lanes of `want` that a scan has to look at.
    pub(crate) fn begin(&mut self, want: Mask) -> u64 {
        self.occupied & want.0
    }

    /// Takes out the oldest message that the scan has not seen. `pending` loses each lane that is through.
    pub(crate) fn next(&mut self, pending: &mut u64) -> Option<(Place, Entry<M>)> {
        let urgent = self.urgent.0;
        self.next_of(*pending & urgent, pending).or_else(|| self.next_of(*pending & !urgent, pending))
    }

    /// The same among the lanes of `rest`.
    fn next_of(&mut self, mut rest: u64, pending: &mut u64) -> Option<(Place, Entry<M>)> {
        let mut oldest: Option<(u64, usize)> = None;
        while rest != 0 {
            let lane = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let candidate = &self.lanes[lane];
            match candidate.entries.front() {
                Some(first) if candidate.skipped < candidate.entries.len() => {
                    if oldest.is_none_or(|(arrival, _)| first.arrival < arrival) {
                        oldest = Some((first.arrival, lane));
                    }
                }
                _ => *pending &= !(1 << lane),
            }
        }
        let (_, lane) = oldest?;
        let from = &mut self.lanes[lane];
        let Kept { arrival, entry } = from.entries.pop_front()?;
        self.len -= 1;
        if from.entries.is_empty() {
            self.occupied &= !(1 << lane);
        }
        Some((Place { lane, arrival }, entry))
    }

    /// Puts back a message that came out of [`next`](Self::next) and did not match.
    pub(crate) fn skip(&mut self, place: Place, entry: Entry<M>) {
        let lane = &mut self.lanes[place.lane];
        lane.entries.push_back(Kept { arrival: place.arrival, entry });
        lane.skipped += 1;
        self.len += 1;
        self.occupied |= 1 << place.lane;
    }

    /// Ends a scan: each lane is in arrival order again. Costs at most the shorter part of a lane.
    pub(crate) fn settle(&mut self) {
        for lane in &mut self.lanes {
            if lane.skipped != 0 {
                lane.entries.rotate_right(lane.skipped);
                lane.skipped = 0;
            }
        }
    }

    /// Everything that is saved, lane by lane.
    pub(crate) fn into_messages(self) -> impl Iterator<Item = M> {
        self.lanes.into_iter().flat_map(|lane| lane.entries).map(|kept| kept.entry.message)
    }

    /// Takes out the message with this origin.
    pub(crate) fn remove(&mut self, origin: Origin) -> Option<M> {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(at) = lane.entries.iter().position(|kept| kept.entry.origin == origin) {
                let kept = lane.entries.remove(at);
                self.len -= 1;
                if lane.entries.is_empty() {
                    self.occupied &= !(1 << index);
                }
                return kept.map(|kept| kept.entry.message);
            }
        }
        None
    }
}
