//! The state of one connection: handshake, heartbeat, fragments and back-pressure, without a socket or a clock.
//!
//! A [`Session`] is a state machine between the bytes of one connection and [`Frame`]s. Its driver passes in the bytes
//! that it received ([`handle_bytes`](Session::handle_bytes)) and the time
//! ([`handle_timeout`](Session::handle_timeout)). It takes out the bytes to send
//! ([`poll_transmit`](Session::poll_transmit)), the time of the next timeout ([`poll_timeout`](Session::poll_timeout))
//! and the events ([`poll_event`](Session::poll_event)).
//!
//! # States
//! *greeting* (preambles in clear, [`preamble`]) → *handshake* (Noise, [`cipher`]) → *confirming* (keys agreed, the
//! peer's [`hello`] is missing) → *up* → *over*. Until *up* all is bounded by five seconds and a kilobyte, and nothing
//! that was queued is sent: a recorded first message passes the handshake, its hello does not.
//!
//! # The wire
//! After the handshake, records ([`cipher`]) of chunks, one after another to the record's end:
//!
//! | kind | chunk |
//! |---|---|
//! | `0`..=`3` | a frame or a piece of one, [`lanes`] |
//! | `4` | tick: nothing, but a sign of life |
//! | `5` | goodbye: the last chunk of the last record |
//! | `6` | [`hello`]: the first record's only chunk, and nowhere else |
//! | `7` | acknowledgement, [`lanes`] |
//!
//! # Invariants
//! - The order of the frames of one lane is kept.
//! - A tick is sent in the next record, before all waiting frames.
//! - Only a record that opens is a sign of life.
//! - Memory is bounded by [`Limits`] for every input.
//! - No input leads to a panic.
//!
//! # How it fails
//! Each violation is a [`SessionError`]. The session is then over: it returns the error from every function, and sends
//! only the rest of its handshake (the list of versions). A frame that cannot be sent is a
//! [`SendError`] or an [`Event::Refused`], and the session goes on.

mod cipher;
mod config;
mod cookie_key;
mod encoded;
mod error;
mod greeting;
mod hello;
mod lanes;
mod preamble;
mod reassembly;

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::wire::Frame;
use crate::wire::varint::{self, Reader};

pub(crate) use config::{Config, Hello, Limits, Role};
pub(crate) use cookie_key::CookieKey;
pub(crate) use encoded::Encoded;
pub(crate) use error::{SendError, SessionError};
pub(crate) use lanes::Backlog;

use cipher::Cipher;
use greeting::{Greeting, Progress};
use hello::ReceiveLimits;
use lanes::Lanes;
use preamble::{Size, prefixed_size};
use reassembly::Reassembly;

/// An event that a session returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The peer is authenticated. Precedes every frame.
    Up(Hello),
    /// A frame of the peer.
    Frame(Frame),
    /// A frame that was queued before the session was up, and has more than the `limit` of bytes that the peer takes.
    Refused { frame: Frame, limit: usize },
    /// The peer closes the connection in good order; the last event.
    Goodbye,
}

/// One connection to a peer. See the module's docs.
pub(crate) struct Session {
    local: Hello,
    receive_limits: ReceiveLimits,
    tick: Duration,
    state: State,
    /// The start of a unit whose rest has not been received.
    partial: Vec<u8>,
    /// Bytes of the handshake to send before all else.
    handshake_bytes: Vec<u8>,
    /// One record in clear, kept for its memory.
    plain: Vec<u8>,
    lanes: Lanes,
    reassembly: Reassembly,
    /// Bytes of received pieces that are not acknowledged.
    unacknowledged: usize,
    events: VecDeque<Event>,
    /// The time by which the next record must be received.
    silent_at: Instant,
    /// The time to send a tick, unless something is sent before.
    tick_at: Instant,
    tick_due: bool,
    closing: Closing,
}

enum State {
    /// Preambles, then the Noise handshake.
    Greeting(Greeting),
    /// The peer's hello is missing.
    Confirming(Cipher),
    Up(Cipher),
    Over(SessionError),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// Waiting frames are sent until then, and a goodbye.
    Sending(Instant),
    /// The goodbye is sent; the peer has until then to close the connection.
    GoodbyeSent(Instant),
}

/// The time that a handshake may take, and closing the connection.
const TIMEOUT: Duration = Duration::from_secs(5);
/// About how many bytes one `poll_transmit` gives.
const TRANSMIT: usize = 128 * 1024;

const TICK: u8 = 4;
const GOODBYE: u8 = 5;
const HELLO: u8 = 6;
const ACKNOWLEDGEMENT: u8 = 7;

impl Session {
    pub(crate) fn new(config: Config, now: Instant) -> Session {
        let Config { local, key, cluster, role, limits, tick, entropy } = config;
        let receive_limits = ReceiveLimits::of(&limits);
        let (greeting, handshake_bytes) = Greeting::new(role, key, cluster, entropy);
        Session {
            local,
            receive_limits,
            tick,
            handshake_bytes,
            state: State::Greeting(greeting),
            partial: Vec::new(),
            plain: Vec::new(),
            lanes: Lanes::new(receive_limits, limits.window),
            reassembly: Reassembly::new(receive_limits),
            unacknowledged: 0,
            events: VecDeque::new(),
            silent_at: now + TIMEOUT,
            tick_at: now + TIMEOUT,
            tick_due: false,
            closing: Closing::No,
        }
    }

    /// Takes received bytes, in slices of any size. They may have given events, also upon an error.
    pub(crate) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        self.read_input(now, bytes).map_err(|error| self.fail(error))
    }

    fn read_input(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        let mut rest = bytes;
        loop {
            if self.partial.is_empty() {
                // Whole units are read where they are; only a last, incomplete one is copied.
                match self.size(rest)? {
                    Size::Exactly(size) if size <= rest.len() => {
                        let (unit, more) = rest.split_at(size);
                        rest = more;
                        self.handle_unit(now, unit)?;
                        continue;
                    }
                    _ => {
                        self.partial.extend_from_slice(rest);
                        return Ok(());
                    }
                }
            }
            match self.size(&self.partial)? {
                Size::Exactly(size) if size == self.partial.len() => {
                    let mut unit = mem::take(&mut self.partial);
                    self.handle_unit(now, &unit)?;
                    unit.clear();
                    self.partial = unit;
                }
                Size::AtLeast(_) | Size::Exactly(_) if rest.is_empty() => return Ok(()),
                Size::AtLeast(wanted) | Size::Exactly(wanted) => {
                    let (piece, more) = rest.split_at((wanted - self.partial.len()).min(rest.len()));
                    self.partial.extend_from_slice(piece);
                    rest = more;
                }
            }
        }
    }

    /// Takes the end of the peer's bytes. It is an error before the session is up.
    pub(crate) fn handle_end(&mut self) -> Option<SessionError> {
        match &self.state {
            State::Greeting(_) | State::Confirming(_) => Some(self.fail(SessionError::HungUp)),
            State::Up(_) => None,
            State::Over(error) => Some(error.clone()),
        }
    }

    /// Does what is due at `now`: a tick, or the end for lack of an answer.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let error = match &self.state {
            State::Over(error) => return Err(error.clone()),
            State::Up(_) if now >= self.silent_at => SessionError::Silent,
            State::Up(_) => {
                if let Closing::Sending(end) | Closing::GoodbyeSent(end) = self.closing
                    && now >= end
                {
                    return Err(self.fail(SessionError::Closed));
                }
                if now >= self.tick_at {
                    // Nothing is sent after a goodbye.
                    self.tick_due = !matches!(self.closing, Closing::GoodbyeSent(_));
                    self.tick_at = now + self.tick / 4;
                }
                return Ok(());
            }
            _ if now >= self.silent_at => SessionError::Slow,
            _ => return Ok(()),
        };
        Err(self.fail(error))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; a session that is over is due never.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match (&self.state, self.closing) {
            (State::Over(_), _) => None,
            (State::Up(_), Closing::Sending(end)) => Some(self.silent_at.min(self.tick_at).min(end)),
            (State::Up(_), Closing::GoodbyeSent(end)) => Some(self.silent_at.min(end)),
            (State::Up(_), _) => Some(self.silent_at.min(self.tick_at)),
            _ => Some(self.silent_at),
        }
    }

    /// Queues a frame behind those of the same lane, which is the sending process's number.
    pub(crate) fn send(&mut self, lane: u64, frame: Encoded) -> Result<(), SendError> {
        let limit = self.lanes.frame_limit();
        if self.closing != Closing::No || matches!(self.state, State::Over(_)) {
            return Err(SendError::Closed);
        }
        if frame.len() > limit {
            return Err(SendError::TooLarge { limit });
        }
        if !frame.is_empty() {
            self.lanes.push(lane, frame);
        }
        Ok(())
    }

    /// The largest frame, encoded, that `send` takes: this node's limit, and the peer's once it is known.
    pub(crate) fn frame_limit(&self) -> usize {
        self.lanes.frame_limit()
    }

    /// Appends what to send, some 128 KiB at a time; false if there is nothing.
    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.append(&mut self.handshake_bytes);
        while out.len() - start < TRANSMIT && !self.is_over() {
            let State::Up(cipher) = &mut self.state else { break };
            let record = &mut self.plain;
            record.clear();
            if mem::take(&mut self.tick_due) {
                record.push(TICK);
            }
            if self.unacknowledged >= lanes::ACKNOWLEDGE {
                record.push(ACKNOWLEDGEMENT);
                varint::put(record, mem::take(&mut self.unacknowledged) as u64);
            }
            // One byte is kept for a goodbye.
            self.lanes.fill(record, cipher::PLAIN - 1);
            if let Closing::Sending(end) = self.closing
                && self.lanes.backlog().bytes == 0
            {
                record.push(GOODBYE);
                self.closing = Closing::GoodbyeSent(end);
            }
            if record.is_empty() {
                break;
            }
            if let Err(error) = cipher.seal(record, out) {
                self.fail(error);
                break;
            }
            self.tick_at = now + self.tick / 4;
        }
        out.len() > start
    }

    /// Returns the amount that waits to be sent.
    pub(crate) fn backlog(&self) -> Backlog {
        self.lanes.backlog()
    }

    /// Returns the next event, in their order.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends the waiting frames and a goodbye, for at most five seconds. Before the session is up it is over at once.
    pub(crate) fn close(&mut self, now: Instant) {
        match self.state {
            State::Over(_) => {}
            State::Up(_) if self.closing == Closing::No => self.closing = Closing::Sending(now + TIMEOUT),
            State::Up(_) => {}
            _ => {
                self.fail(SessionError::Closed);
            }
        }
    }

    /// Returns `true` after an error and after the goodbye: the session gives nothing more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.closing, Closing::GoodbyeSent(_)) || matches!(self.state, State::Over(_))
    }

    fn fail(&mut self, error: SessionError) -> SessionError {
        self.state = State::Over(error.clone());
        self.partial = Vec::new();
        error
    }

    /// The size of the unit that begins with `start`.
    fn size(&self, start: &[u8]) -> Result<Size, SessionError> {
        match &self.state {
            State::Greeting(greeting) => greeting.size(start),
            // The peer is not authenticated yet, so it may not send a large record.
            State::Confirming(_) => {
                let bounds = cipher::TAG + 1..=cipher::TAG + hello::MAX;
                prefixed_size(start, bounds, SessionError::Handshake("a hello of another size"))
            }
            State::Up(_) => {
                let bounds = cipher::TAG + 1..=cipher::TAG + cipher::PLAIN;
                prefixed_size(start, bounds, SessionError::Record("an empty record"))
            }
            State::Over(error) => Err(error.clone()),
        }
    }

    fn handle_unit(&mut self, now: Instant, unit: &[u8]) -> Result<(), SessionError> {
        let state = mem::replace(&mut self.state, State::Over(SessionError::Closed));
        self.state = self.step(state, now, unit)?;
        Ok(())
    }

    /// From one state to the next, by one unit.
    fn step(&mut self, state: State, now: Instant, unit: &[u8]) -> Result<State, SessionError> {
        match state {
            State::Greeting(greeting) => {
                let mut cipher = match greeting.step(unit, &mut self.handshake_bytes)? {
                    Progress::More(greeting) => return Ok(State::Greeting(greeting)),
                    Progress::Done(cipher) => cipher,
                };
                let hello = hello::encode(&self.local, self.receive_limits)
                    .ok_or(SessionError::Handshake("this node's advertised address is too long"))?;
                let mut record = vec![HELLO];
                varint::put(&mut record, hello.len() as u64);
                record.extend_from_slice(&hello);
                cipher.seal(&record, &mut self.handshake_bytes)?;
                Ok(State::Confirming(cipher))
            }
            State::Confirming(mut cipher) => {
                let record = cipher.open(&unit[2..])?;
                self.confirm(&record)?;
                self.reset_silence(now);
                self.tick_at = now + self.tick / 4;
                Ok(State::Up(cipher))
            }
            State::Up(mut cipher) => {
                let record = cipher.open(&unit[2..])?;
                self.reset_silence(now);
                if self.read_record(&record)? {
                    self.events.push_back(Event::Goodbye);
                    return Ok(State::Over(SessionError::Closed));
                }
                Ok(State::Up(cipher))
            }
            State::Over(error) => Err(error),
        }
    }

    fn reset_silence(&mut self, now: Instant) {
        self.silent_at = now + self.tick;
    }

    /// Reads the peer's hello and decides whether it may be up.
    fn confirm(&mut self, record: &[u8]) -> Result<(), SessionError> {
        let bad = |_| SessionError::Handshake("the first record is not a hello");
        let mut reader = Reader::new(record);
        let kind = reader.byte().map_err(bad)?;
        let length = reader.varint().map_err(bad)?;
        if kind != HELLO || length != reader.rest().len() as u64 {
            return Err(SessionError::Handshake("the first record is not a hello"));
        }
        let (peer, receive_limits) = hello::decode(reader.rest()).map_err(bad)?;
        if peer.instance == self.local.instance {
            return Err(SessionError::Reflected);
        }
        if peer.node.name == self.local.node.name {
            return Err(SessionError::SameName(peer.node.name));
        }
        // This node sends nothing larger than it takes itself, so that both ends of a setting agree.
        let frame = receive_limits.frame.min(self.receive_limits.frame);
        let refused = self.lanes.set_peer(ReceiveLimits { frame, ..receive_limits });
        self.events.push_back(Event::Up(peer));
        let limit = self.lanes.frame_limit();
        let frames = refused.into_iter().filter_map(|frame| frame.decode().ok());
        self.events.extend(frames.map(|frame| Event::Refused { frame, limit }));
        Ok(())
    }

    /// Reads a record's chunks; true if one was a goodbye.
    fn read_record(&mut self, record: &Bytes) -> Result<bool, SessionError> {
        let ended = |_| SessionError::Record("a chunk ends too early");
        let mut reader = Reader::new(record);
        while !reader.is_empty() {
            match reader.byte().map_err(ended)? {
                TICK => {}
                ACKNOWLEDGEMENT => {
                    if !self.lanes.acknowledge(reader.varint().map_err(ended)?) {
                        return Err(SessionError::Record("an acknowledgement of more than was sent"));
                    }
                }
                GOODBYE if reader.is_empty() => return Ok(true),
                GOODBYE => return Err(SessionError::Record("something after a goodbye")),
                kind if kind <= lanes::FIRST | lanes::LAST => {
                    let lane = reader.varint().map_err(ended)?;
                    let length = reader.varint().map_err(ended)?;
                    if length == 0 || length > lanes::FRAGMENT as u64 {
                        return Err(SessionError::Record("a piece that is empty or too large"));
                    }
                    let piece = reader.bytes(length as usize).map_err(ended)?;
                    let piece = record.slice_ref(piece);
                    let (first, last) = (kind & lanes::FIRST != 0, kind & lanes::LAST != 0);
                    if !(first && last) {
                        self.unacknowledged += piece.len();
                    }
                    if let Some(frame) = self.reassembly.accept(lane, first, last, piece)? {
                        let frame = Frame::decode(&frame).map_err(SessionError::Frame)?;
                        self.events.push_back(Event::Frame(frame));
                    }
                }
                _ => return Err(SessionError::Record("a chunk of no known kind")),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
