//! The frames that wait to be sent: a lane for each sending process. The lanes take turns.
//!
//! A frame of at most [`SMALL`] bytes is *small*. Lanes whose next frame is small take turns of at most so many bytes. A
//! larger frame is cut into *pieces* of at most one fragment, the size that the two nodes agreed on. Each transmission
//! begins with a piece, and has no other. So the order of one process's frames is kept, large frames go on beside small
//! ones without end, and a small frame waits for at most two pieces: one in the transmission under way, and one in the
//! next.
//!
//! | chunk | bytes |
//! |---|---|
//! | `0` middle, `1` first, `2` last piece, `3` whole frame | kind, lane *n*, length *n* (1..= a fragment), bytes |
//! | `7` acknowledgement | kind, bytes *n* of pieces that have come since the last one |
//!
//! Only a [window](super::window) of bytes of pieces is on its way at a time. Bytes that are on their way are in front of
//! every other lane, and a system's socket buffers would hold many milliseconds of them. Small frames are not counted; a
//! large frame in one piece is.
//!
//! Invariants:
//! - A frame of at most one fragment is never cut.
//! - Each lane has at most one frame of which some pieces are sent and others not.
//! - All such frames together fit into the peer's reassembly. A large frame that does not fit is held until another one
//!   is complete, and no other large frame begins before it.
//! - `backlog` counts the bytes that all frames have left.

use std::collections::VecDeque;
use std::time::Instant;

use super::encoded::Encoded;
use super::handshake::hello::ReceiveLimits;
use super::window::Window;
use crate::base::SortedMap;
use crate::wire::varint;

/// The bits of a chunk's kind.
pub(super) const FIRST: u8 = 1;
pub(super) const LAST: u8 = 2;

/// A larger frame is sent in pieces, and a larger chunk counts in the window.
pub(super) const SMALL: usize = 16 * 1024;
/// A chunk's kind, lane and length take no more than this.
const HEAD: usize = 1 + varint::MAX + 3;
/// A piece smaller than this waits for the next record, or for an acknowledgement, unless it is a frame's rest.
const SCRAP: usize = 512;
/// Emptied lanes whose memory is kept.
const SPARE: usize = 64;

pub(super) struct Lanes {
    waiting: SortedMap<u64, Lane>,
    /// Lanes whose next frame is small, in the order of their turns.
    small: VecDeque<u64>,
    /// Lanes whose next frame is large and may go on, in the order of their turns.
    large: VecDeque<u64>,
    /// Lanes whose next frame is too large for what the peer reassembles at present.
    held: VecDeque<u64>,
    /// Lanes whose next piece awaits an acknowledgement.
    stuck: Vec<u64>,
    backlog: Backlog,
    peer: ReceiveLimits,
    window: Window,
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
    /// Something was sent, or nothing is left.
    Over,
    /// The record is full.
    Full,
    /// The frame has to wait for a frame of another lane.
    Held,
    /// The piece has to wait for an acknowledgement.
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

    /// Subtracts an amount that does not wait any more.
    pub(crate) fn subtract(&mut self, gone: Backlog) {
        self.bytes = self.bytes.saturating_sub(gone.bytes);
        self.weight = self.weight.saturating_sub(gone.weight);
        self.frames = self.frames.saturating_sub(gone.frames);
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
            waiting: SortedMap::new(),
            small: VecDeque::new(),
            large: VecDeque::new(),
            held: VecDeque::new(),
            stuck: Vec::new(),
            backlog: Backlog::default(),
            peer,
            window: Window::new(window),
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
    pub(super) fn push(&mut self, number: u64, frame: Encoded) {
        self.backlog.grow(frame.len());
        if let Some(lane) = self.waiting.get_mut(&number) {
            lane.frames.push_back(frame);
            return;
        }
        let mut frames = self.spare.pop().unwrap_or_default();
        frames.push_back(frame);
        self.waiting.insert(number, Lane { frames, sent: 0 });
        self.requeue(number);
    }

    /// Gives a lane its next turn, or removes it if nothing is left in it.
    fn requeue(&mut self, number: u64) {
        let Some(lane) = self.waiting.get(&number) else { return };
        match lane.frames.front() {
            Some(frame) if frame.len() <= self.small_limit() => self.small.push_back(number),
            Some(_) => self.large.push_back(number),
            None => {
                let emptied = self.waiting.remove(&number);
                self.spare.extend(emptied.map(|lane| lane.frames).filter(|_| self.spare.len() < SPARE));
            }
        }
    }

    fn small_limit(&self) -> usize {
        self.peer.fragment.min(SMALL)
    }

    /// The peer has so many bytes of pieces; false if that is more than were sent.
    pub(super) fn acknowledge(&mut self, now: Instant, bytes: u64) -> bool {
        self.large.extend(self.stuck.drain(..));
        self.window.acknowledge(now, bytes)
    }

    /// Fills a record up to `end` bytes; what is there already stays. Sends at most so many `pieces` of large frames, and
    /// subtracts them.
    pub(super) fn fill(&mut self, now: Instant, record: &mut Vec<u8>, end: usize, pieces: &mut usize) {
        loop {
            if *pieces > 0
                && let Some(number) = self.large.pop_front()
            {
                match self.send_piece(number, record, end) {
                    Turn::Over => {
                        *pieces -= 1;
                        self.requeue(number);
                    }
                    Turn::Held => self.held.push_back(number),
                    Turn::Stuck => {
                        self.window.fill(now);
                        self.stuck.push(number);
                    }
                    Turn::Full => return self.large.push_front(number),
                }
            } else if let Some(number) = self.small.pop_front() {
                match self.send_small(number, record, end) {
                    Turn::Full => return self.small.push_front(number),
                    _ => self.requeue(number),
                }
            } else {
                return;
            }
        }
    }

    /// Sends small frames of a lane, of as many bytes as one turn has.
    fn send_small(&mut self, number: u64, record: &mut Vec<u8>, end: usize) -> Turn {
        let limit = self.small_limit();
        let Some(lane) = self.waiting.get_mut(&number) else { return Turn::Over };
        let mut allowance = limit;
        while let Some(frame) = lane.frames.front() {
            let size = frame.len();
            // A large frame has its own turn.
            if size > limit.min(allowance) {
                break;
            }
            if size > end.saturating_sub(record.len() + HEAD) {
                return Turn::Full;
            }
            put_head(record, FIRST | LAST, number, size);
            frame.copy(0, size, record);
            allowance -= size;
            self.backlog.shrink(size, 0);
            lane.frames.pop_front();
        }
        Turn::Over
    }

    /// Sends one piece of a lane's large frame, or the whole frame if one piece is enough.
    fn send_piece(&mut self, number: u64, record: &mut Vec<u8>, end: usize) -> Turn {
        let Some(lane) = self.waiting.get_mut(&number) else { return Turn::Over };
        let Some(frame) = lane.frames.front() else { return Turn::Over };
        let (size, begun) = (frame.len(), lane.sent > 0);
        let rest = size - lane.sent;
        let room = end.saturating_sub(record.len() + HEAD);
        let window = self.window.left();
        let whole = size <= self.peer.fragment;
        // A whole frame is not cut.
        let least = if whole { size } else { rest.min(SCRAP) };
        if window < least {
            return Turn::Stuck;
        }
        if room < least {
            return Turn::Full;
        }
        if !whole && !begun {
            let fits = self.held.is_empty()
                && self.open < self.peer.lanes
                && self.open_bytes.saturating_add(size) <= self.peer.reassembly;
            // With nothing else open it fits always, since a frame is no larger than the peer's reassembly.
            if !fits && self.open > 0 {
                return Turn::Held;
            }
            self.open += 1;
            self.open_bytes += size;
        }
        let piece = rest.min(self.peer.fragment).min(room).min(window);
        let last = piece == rest;
        put_head(record, if begun { 0 } else { FIRST } | if last { LAST } else { 0 }, number, piece);
        frame.copy(lane.sent, piece, record);
        self.window.send(piece);
        self.backlog.shrink(rest, rest - piece);
        lane.sent += piece;
        if !last {
            return Turn::Over;
        }
        lane.sent = 0;
        lane.frames.pop_front();
        if !whole {
            self.open -= 1;
            self.open_bytes -= size;
            // The held lanes come next, before this lane may begin another large frame.
            while let Some(held) = self.held.pop_back() {
                self.large.push_front(held);
            }
        }
        Turn::Over
    }
}

fn put_head(record: &mut Vec<u8>, kind: u8, lane: u64, length: usize) {
    record.push(kind);
    varint::put(record, lane);
    varint::put(record, length as u64);
}
