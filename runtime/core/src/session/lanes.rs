//! The frames that wait to be sent: a lane for each sending process. The lanes take turns.
//!
//! A turn is at most one *fragment* of one lane, the size that the two nodes agreed on: several small frames, or one piece of a large one. So the order of
//! one process's frames is kept, and a large message delays the others by one piece for each of its turns.
//!
//! | chunk | bytes |
//! |---|---|
//! | `0` middle, `1` first, `2` last piece, `3` whole frame | kind, lane *n*, length *n* (1..= a fragment), bytes |
//! | `7` acknowledgement | kind, bytes *n* of pieces that have come since the last one |
//!
//! Only a window of bytes of pieces is on its way at a time. Bytes that are on their way are in front of every other
//! lane, and a system's socket buffers would hold many milliseconds of them. Whole frames are not counted.
//!
//! Invariants:
//! - A frame of at most one fragment is never cut.
//! - Each lane has at most one frame of which some pieces are sent and others not.
//! - All such frames together fit into the peer's reassembly. A large frame that does not fit is held until another one
//!   is complete, and no other large frame begins before it.
//! - `backlog` counts the bytes that all frames have left.

use std::collections::{BTreeMap, VecDeque};

use super::encoded::Encoded;
use super::handshake::hello::ReceiveLimits;
use crate::wire::varint;

/// The bits of a chunk's kind.
pub(super) const FIRST: u8 = 1;
pub(super) const LAST: u8 = 2;

/// A chunk's kind, lane and length take no more than this.
const HEAD: usize = 1 + varint::MAX + 3;
/// A piece smaller than this waits for the next turn or record, unless it is a frame's rest.
const SCRAP: usize = 512;
/// The receiver acknowledges pieces when so many bytes of them have come; the sender's window is twice that at least.
pub(super) const ACKNOWLEDGE: usize = 128 * 1024;
/// Emptied lanes whose memory is kept.
const SPARE: usize = 64;

pub(super) struct Lanes {
    waiting: BTreeMap<u64, Lane>,
    /// Lanes that may go on, in the order of their turns.
    turns: VecDeque<u64>,
    /// Lanes whose next frame is too large for what the peer reassembles at present.
    held: VecDeque<u64>,
    /// Lanes whose next piece awaits an acknowledgement.
    stuck: Vec<u64>,
    backlog: Backlog,
    peer: ReceiveLimits,
    /// Bytes of pieces that may be under way, and that are.
    window: usize,
    under_way: usize,
    /// Frames begun and not done, and their whole sizes.
    open: usize,
    open_bytes: usize,
    spare: Vec<VecDeque<Encoded>>,
}

/// The amount that waits to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// The bytes of the frames.
    pub(crate) bytes: usize,
    /// The part of it that counts in back-pressure: see [`Encoded::weight`].
    pub(crate) weight: usize,
    pub(crate) frames: usize,
}

#[derive(Default)]
struct Lane {
    frames: VecDeque<Encoded>,
    /// The number of bytes of the first frame that are sent.
    sent: usize,
}

enum Turn {
    /// The lane has nothing left.
    Empty,
    /// The lane has more to send after the turns of others.
    Over,
    /// The lane has more to send, and the record is full.
    Full,
    /// The lane's next frame has to wait for a frame of another lane.
    Held,
    /// The lane's next piece has to wait for an acknowledgement.
    Stuck,
}

impl Backlog {
    /// A frame of so many bytes more.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.weight += Encoded::weight(bytes);
        self.frames += 1;
    }

    /// A frame has fewer bytes left than it had.
    fn shrink(&mut self, from: usize, to: usize) {
        self.bytes -= from - to;
        self.weight -= Encoded::weight(from) - Encoded::weight(to);
        self.frames -= usize::from(to == 0);
    }

    /// Returns the amount that was sent since `before`.
    pub(crate) fn since(self, before: Backlog) -> Backlog {
        Backlog {
            bytes: before.bytes.saturating_sub(self.bytes),
            weight: before.weight.saturating_sub(self.weight),
            frames: before.frames.saturating_sub(self.frames),
        }
    }
}

impl Lanes {
    pub(super) fn new(peer: ReceiveLimits, window: usize) -> Lanes {
        Lanes {
            waiting: BTreeMap::new(),
            turns: VecDeque::new(),
            held: VecDeque::new(),
            stuck: Vec::new(),
            backlog: Backlog::default(),
            peer,
            window: window.max(2 * ACKNOWLEDGE),
            under_way: 0,
            open: 0,
            open_bytes: 0,
            spare: Vec::new(),
        }
    }

    /// Returns the amount that waits.
    pub(super) fn backlog(&self) -> Backlog {
        self.backlog
    }

    /// The largest frame that may be pushed.
    pub(super) fn frame_limit(&self) -> usize {
        self.peer.frame
    }

    /// Sets the peer's limits, before anything is queued.
    pub(super) fn set_peer(&mut self, peer: ReceiveLimits) {
        self.peer = peer;
    }

    /// Queues an encoded frame, which is not empty.
    pub(super) fn push(&mut self, lane: u64, frame: Encoded) {
        self.backlog.grow(frame.len());
        let spare = &mut self.spare;
        let turns = &mut self.turns;
        let waiting = self.waiting.entry(lane).or_insert_with(|| {
            turns.push_back(lane);
            Lane { frames: spare.pop().unwrap_or_default(), sent: 0 }
        });
        waiting.frames.push_back(frame);
    }

    /// The peer has so many bytes of pieces; false if that is more than were sent.
    pub(super) fn acknowledge(&mut self, bytes: u64) -> bool {
        let left = usize::try_from(bytes).ok().and_then(|bytes| self.under_way.checked_sub(bytes));
        self.turns.extend(self.stuck.drain(..));
        self.under_way = left.unwrap_or(0);
        left.is_some()
    }

    /// Fills a record up to `end` bytes; what is there already stays.
    pub(super) fn fill(&mut self, record: &mut Vec<u8>, end: usize) {
        while let Some(number) = self.turns.pop_front() {
            match self.turn(number, record, end) {
                Turn::Empty => {
                    if let Some(lane) = self.waiting.remove(&number)
                        && self.spare.len() < SPARE
                    {
                        self.spare.push(lane.frames);
                    }
                }
                Turn::Over => self.turns.push_back(number),
                Turn::Held => self.held.push_back(number),
                Turn::Stuck => self.stuck.push(number),
                Turn::Full => {
                    self.turns.push_front(number);
                    return;
                }
            }
        }
    }

    fn turn(&mut self, number: u64, record: &mut Vec<u8>, end: usize) -> Turn {
        let Some(lane) = self.waiting.get_mut(&number) else { return Turn::Empty };
        let fragment = self.peer.fragment;
        let mut allowance = fragment;
        while let Some(frame) = lane.frames.front() {
            let rest = frame.len() - lane.sent;
            let room = end.saturating_sub(record.len() + HEAD);
            let whole = frame.len() <= fragment;
            let begun = lane.sent > 0;
            let window = self.window - self.under_way;
            if !whole && window < rest.min(SCRAP) {
                return Turn::Stuck;
            }
            let piece = if whole { rest } else { rest.min(allowance).min(room).min(window) };
            if piece > room || piece < rest.min(SCRAP) && room < SCRAP {
                return Turn::Full;
            }
            if piece > allowance || piece < rest.min(SCRAP) {
                return Turn::Over;
            }
            if !whole && !begun {
                let fits = self.held.is_empty()
                    && self.open < self.peer.lanes
                    && self.open_bytes.saturating_add(frame.len()) <= self.peer.reassembly;
                // With nothing else open it fits always, since a frame is no larger than the peer's reassembly.
                if !fits && self.open > 0 {
                    return Turn::Held;
                }
                self.open += 1;
                self.open_bytes += frame.len();
            }
            let last = piece == rest;
            record.push(if begun { 0 } else { FIRST } | if last { LAST } else { 0 });
            varint::put(record, number);
            varint::put(record, piece as u64);
            frame.copy(lane.sent, piece, record);
            if !whole {
                self.under_way += piece;
            }
            self.backlog.shrink(rest, rest - piece);
            allowance -= piece;
            lane.sent += piece;
            if !last {
                continue;
            }
            let size = frame.len();
            lane.sent = 0;
            lane.frames.pop_front();
            if !whole {
                self.open -= 1;
                self.open_bytes -= size;
                if !self.held.is_empty() {
                    // The held lanes come next, before this lane may begin another large frame.
                    while let Some(held) = self.held.pop_back() {
                        self.turns.push_front(held);
                    }
                    return if lane.frames.is_empty() { Turn::Empty } else { Turn::Over };
                }
            }
        }
        Turn::Empty
    }
}
