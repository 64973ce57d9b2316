//! The pause of a connection before an upgrade: afterwards no frame is under way in either direction. Pure.
//!
//! Either node can pause the connection, or both. A node *stops* while its own pause or that of the peer is in force: its
//! session takes no further frames. Those that it has taken are sent, and a *drain* behind them. A node whose pause ends
//! sends a *resume*.
//!
//! | extension | bytes |
//! |---|---|
//! | `16` pause | [token](Token), 16 bytes |
//! | `17` drain | `0`, or `1` if the sender has received a drain of the receiver; the token of the receiver's pause, 16 bytes, if it is in force |
//! | `18` resume | nothing |
//!
//! | state | reached | the owner of the connection |
//! |---|---|---|
//! | *stopped* | a pause is in force | keeps its frames |
//! | *quiet* | its own drain is sent, and the peer's has arrived | keeps its frames beyond the end of the connection |
//! | *agreed* | the peer has acknowledged this node's pause and its drain, and is drained | can end the connection |
//!
//! Invariants:
//! - A node that is agreed has received all frames of the peer, and the peer all of its frames. The peer is quiet, and stays
//!   so until this node resumes.
//! - A drain counts only if it acknowledges the pause that is in force, so one from before a resume has no effect.

use std::collections::VecDeque;

use super::{EXTENSIONS, Event, Session, SessionError, State};
use crate::wire::varint;

#[cfg(test)]
mod model_tests;
mod token;

pub(crate) use token::{Token, Tokens};

pub(super) const PAUSE: u8 = *EXTENSIONS.start();
pub(super) const DRAIN: u8 = PAUSE + 1;
pub(super) const RESUME: u8 = PAUSE + 2;

/// The pause of one connection, as its owner sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PauseStatus {
    /// The tokens of the pauses that are in force.
    pub(crate) tokens: Tokens,
    /// Nothing is under way. If the connection ends now, its successor can continue it.
    pub(crate) is_quiet: bool,
    /// The peer is quiet, too, and waits for this node.
    pub(crate) is_agreed: bool,
    pub(crate) can_pause: bool,
}

impl PauseStatus {
    /// Returns `true` if no frames are sent.
    pub(crate) fn is_stopped(&self) -> bool {
        self.tokens != Tokens::default()
    }
}

/// The state of one side.
#[derive(Debug, Default)]
pub(super) struct Pause {
    tokens: Tokens,
    /// The peer's last drain, until the peer sends frames again.
    drained: Option<Drain>,
    is_drain_due: bool,
    is_drain_sent: bool,
    /// Chunks to send before all frames.
    outgoing: VecDeque<Chunk>,
    reported: PauseStatus,
    /// Both nodes can pause.
    can_pause: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drain {
    /// The token of the receiver's pause that the sender has received.
    acknowledged: Option<Token>,
    /// The sender has received a drain.
    has_seen: bool,
}

/// A chunk about the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Pause(Token),
    Drain(Drain),
    Resume,
}

impl Pause {
    /// Notes whether the peer can pause.
    pub(super) fn set_can_pause(&mut self, can_pause: bool) {
        (self.can_pause, self.reported.can_pause) = (can_pause, can_pause);
    }

    /// Returns `true` if both nodes can pause.
    pub(super) fn can_pause(&self) -> bool {
        self.can_pause
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.tokens != Tokens::default()
    }

    /// Begins the pause of this node.
    fn begin(&mut self, token: Token) {
        self.tokens.own = Some(token);
        self.outgoing.push_back(Chunk::Pause(token));
        self.is_drain_due = true;
    }

    /// Ends the pause of this node.
    fn end(&mut self) {
        if self.tokens.own.take().is_none() {
            return;
        }
        self.outgoing.push_back(Chunk::Resume);
        if self.is_stopped() {
            // The peer forgets the earlier one.
            self.is_drain_due = true;
        } else {
            self.flow();
        }
    }

    /// Lets frames flow in both directions.
    fn flow(&mut self) {
        (self.drained, self.is_drain_due, self.is_drain_sent) = (None, false, false);
    }

    fn receive(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::Pause(token) => {
                self.tokens.peer = Some(token);
                self.is_drain_due = true;
            }
            Chunk::Drain(drain) => {
                if self.is_stopped() && drain.acknowledged == self.tokens.own {
                    // The peer needs to receive that its drain has arrived.
                    self.is_drain_due |= self.drained.is_none();
                    self.drained = Some(drain);
                }
            }
            Chunk::Resume => {
                (self.tokens.peer, self.drained) = (None, None);
                if !self.is_stopped() {
                    self.flow();
                }
            }
        }
    }

    /// Returns the next chunk to send. `is_empty` states whether all frames that the session has taken are sent.
    fn next_chunk(&mut self, is_empty: bool) -> Option<Chunk> {
        if let Some(chunk) = self.outgoing.pop_front() {
            return Some(chunk);
        }
        if !(self.is_drain_due && is_empty) {
            return None;
        }
        (self.is_drain_due, self.is_drain_sent) = (false, true);
        Some(Chunk::Drain(Drain { acknowledged: self.tokens.peer, has_seen: self.drained.is_some() }))
    }

    fn status(&self) -> PauseStatus {
        let is_agreed =
            self.tokens.own.is_some() && self.drained == Some(Drain { acknowledged: self.tokens.own, has_seen: true });
        let is_quiet = self.is_stopped() && self.is_drain_sent && self.drained.is_some();
        PauseStatus { tokens: self.tokens, is_quiet, is_agreed, can_pause: self.can_pause }
    }
}

impl Chunk {
    fn put(self, record: &mut Vec<u8>) {
        let (kind, bytes) = match self {
            Chunk::Pause(token) => (PAUSE, token.0.to_vec()),
            Chunk::Drain(Drain { acknowledged, has_seen }) => {
                let token = acknowledged.map(|token| token.0);
                (DRAIN, [u8::from(has_seen)].into_iter().chain(token.into_iter().flatten()).collect())
            }
            Chunk::Resume => (RESUME, Vec::new()),
        };
        record.push(kind);
        varint::put(record, bytes.len() as u64);
        record.extend_from_slice(&bytes);
    }

    fn read(kind: u8, bytes: &[u8]) -> Option<Chunk> {
        let token = |bytes: &[u8]| Some(Token(bytes.try_into().ok()?));
        match (kind, bytes) {
            (PAUSE, bytes) => token(bytes).map(Chunk::Pause),
            (DRAIN, [seen @ (0 | 1), rest @ ..]) => {
                let acknowledged = if rest.is_empty() { None } else { Some(token(rest)?) };
                Some(Chunk::Drain(Drain { acknowledged, has_seen: *seen == 1 }))
            }
            (RESUME, []) => Some(Chunk::Resume),
            _ => None,
        }
    }
}

impl Session {
    /// Pauses the connection for this node. Has no effect before the session is up, nor on a peer that cannot pause.
    pub(crate) fn pause(&mut self, token: Token) {
        if matches!(self.state, State::Up(_)) && self.pause.can_pause {
            self.pause.begin(token);
        }
        self.report_pause(true);
    }

    /// Ends the pause of this node.
    pub(crate) fn resume(&mut self) {
        self.pause.end();
        self.report_pause(false);
    }

    /// Returns `true` if the driver should pass in further frames.
    pub(crate) fn is_flowing(&self) -> bool {
        !self.pause.is_stopped()
    }

    /// Reads a chunk about the pause.
    pub(super) fn read_pause(&mut self, kind: u8, bytes: &[u8]) -> Result<(), SessionError> {
        let chunk = Chunk::read(kind, bytes).ok_or(SessionError::Record("an invalid chunk about a pause"))?;
        self.pause.receive(chunk);
        self.report_pause(false);
        Ok(())
    }

    /// Appends the chunks that precede all frames; with `is_last`, also the drain behind them.
    pub(super) fn put_pause(&mut self, record: &mut Vec<u8>, is_last: bool, end: usize) {
        let is_empty = is_last && self.lanes.backlog().bytes == 0 && self.definitions.is_empty();
        while record.len() + MOST <= end
            && let Some(chunk) = self.pause.next_chunk(is_empty)
        {
            chunk.put(record);
        }
        self.report_pause(false);
    }

    /// Notifies the owner if the status has changed, or `always`.
    fn report_pause(&mut self, always: bool) {
        let status = self.pause.status();
        if always || status != self.pause.reported {
            self.pause.reported = status;
            // Of several in a row, only the last one counts.
            match self.events.back_mut() {
                Some(Event::Pause(last)) => *last = status,
                _ => self.events.push_back(Event::Pause(status)),
            }
        }
    }
}

/// The most bytes of one chunk.
const MOST: usize = 2 + 1 + Token::SIZE;
