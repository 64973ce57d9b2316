//! The state of one connection: handshake, admission, heartbeat, fragments and back-pressure, without a socket or a clock.
//!
//! A [`Session`] is a state machine between the bytes of one connection and [`Frame`]s. Its driver passes in the bytes
//! that it received ([`handle_bytes`](Session::handle_bytes)) and the time
//! ([`handle_timeout`](Session::handle_timeout)). It takes out the bytes to send
//! ([`poll_transmit`](Session::poll_transmit)), the time of the next timeout ([`poll_timeout`](Session::poll_timeout))
//! and the events ([`poll_event`](Session::poll_event)).
//!
//! # States
//! *exchanging* (preambles in clear, then Noise: [`handshake`], [`cipher`]) → *confirming* (keys agreed, the peer's hello
//! is missing) → *deciding* (both hellos have arrived) → *up* → *over*. Until *up* all is bounded by five
//! seconds and two kilobytes, and no frame is sent. A recorded first message passes the handshake, but its hello does not.
//!
//! # Admission
//! After the hellos the node with the smaller name decides. Its session returns [`Event::Hello`] with
//! `decides` and waits for [`admit`](Session::admit) or [`refuse`](Session::refuse). When it admits the peer, the other
//! node's session returns [`Event::Offered`] and waits likewise. A session is *up* once both have admitted: on the other node when it admits, on
//! the deciding node when it receives that. So two nodes never differ for longer than one message takes.
//!
//! # The wire
//! After the handshake, records ([`cipher`]) of chunks, one after another to the record's end:
//!
//! | kind | chunk |
//! |---|---|
//! | `0`..=`3` | a frame or a piece of one, [`lanes`] |
//! | `4` | tick: nothing, but a sign of life |
//! | `5` | goodbye: the last chunk of the last record |
//! | `6` | hello, [`handshake`]: the first record's only chunk, and nowhere else |
//! | `7` | acknowledgement, [`lanes`] |
//! | `8` | admission, [`handshake`]: the only chunk of its record, before the session is up |
//! | `9` | probe: the peer answers it before everything that waits |
//! | `10` | the answer to a probe |
//! | `11` | definition of a name: length *n*, so many bytes, [`names`](crate::wire) |
//! | `16`..=`31` | extension: length *n*, so many bytes. Skipped by a version that does not know it |
//!
//! Of the extensions, `16` to `18` are those of a [`pause`], and `19` (membership) is reserved.
//!
//! # Invariants
//! - The order of the frames of one lane is kept.
//! - A tick and the answer to a probe are sent in the next record, before all waiting frames.
//! - A definition is sent before every frame that was queued after it.
//! - Only a record that opens is a sign of life.
//! - Memory is bounded by [`Limits`] for every input, also the memory of all sessions of a node together:
//!   [`reassembly_budget`].
//! - No input leads to a panic.
//!
//! # How it fails
//! Each violation is a [`SessionError`]. The session is then over: it returns the error from every function, and sends
//! only the rest of its handshake (the list of versions, a refusal). A frame that cannot be sent is a
//! [`SendError`], and the session goes on.

mod cipher;
mod config;
mod encoded;
mod error;
mod handshake;
mod intake;
mod lanes;
mod pause;
mod reassembly;
mod reassembly_budget;
mod receive;
mod tls;
mod transmit;
mod window;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::base::Definition;
use crate::wire::varint;
use crate::wire::{Frame, NameDefinition, ReceivedNames};

use cipher::Cipher;
pub(crate) use cipher::EphemeralKey;
pub(crate) use config::{Config, Hello, Limits, Role, Security};
pub(crate) use encoded::Encoded;
pub(crate) use error::{SendError, SessionError};
pub(crate) use handshake::hello::{MAX_ADVERTISE, MAX_CLUSTER, MIN_TICK};
use handshake::hello::{PeerHello, ReceiveLimits};
use handshake::key_exchange::KeyExchange;
pub(crate) use handshake::{CookieKey, CookieKeys, Refusal};
pub(crate) use intake::Intake;
pub(crate) use lanes::Backlog;
use lanes::Lanes;
use pause::Pause;
pub(crate) use pause::{PauseStatus, Token, Tokens};
use reassembly::Reassembly;
pub(crate) use reassembly_budget::ReassemblyBudget;
#[cfg(feature = "tls")]
pub use tls::CertificateFault;
#[cfg(not(feature = "tls"))]
use tls::Credentials;
use tls::Tls;
#[cfg(feature = "tls")]
pub(crate) use tls::{Credentials, CredentialsError, KeyMaterial};

/// An event that a session returns. Nearly all are frames, so a rare one is not larger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The peer is authenticated. Its certificate may give it a `role`. If this node `decides`, it admits or refuses the
    /// peer now.
    Hello { peer: Box<Hello>, role: Option<String>, decides: bool },
    /// The peer decides, and has admitted this node: admit or refuse the peer.
    Offered,
    /// The two nodes have a token in common: the connection continues a paused one. Precedes [`Up`](Event::Up).
    Continued,
    /// Both nodes have admitted each other. Precedes every frame.
    Up(Box<Hello>),
    /// A frame of the peer, and its lane. The frames of one lane are in their order.
    Frame { lane: u64, frame: Frame },
    /// The definition of a protocol that the peer uses. Precedes the first message of that protocol.
    Definition(Arc<Definition>),
    /// The result of a probe: the peer has answered it, or has not within two seconds.
    Probed { alive: bool },
    /// The pause of the connection has changed.
    Pause(PauseStatus),
    /// The peer closes the connection in good order; the last event.
    Goodbye,
}

/// One connection to a peer. See the module's docs.
pub(crate) struct Session {
    local: Hello,
    cluster: String,
    /// The encryption of all bytes, if the node has certificates.
    tls: Option<Box<Tls>>,
    receive_limits: ReceiveLimits,
    /// This node's tick, and the shorter one of the two nodes from the hello on.
    tick: Duration,
    state: State,
    /// The start of a unit whose rest has not been received.
    partial: Vec<u8>,
    /// Bytes of the handshake to send before all else.
    handshake_bytes: Vec<u8>,
    /// One record in clear, kept for its memory.
    plain: Vec<u8>,
    /// The bytes inside of TLS that are received or sent at present, kept for their memory.
    inside: Vec<u8>,
    lanes: Lanes,
    /// Definitions to send before all frames.
    definitions: VecDeque<NameDefinition>,
    /// The names that the peer has defined.
    names: ReceivedNames,
    reassembly: Reassembly,
    /// Bytes of received pieces that are not acknowledged.
    unacknowledged: usize,
    intake: Intake,
    events: VecDeque<Event>,
    /// The time by which the next record must be received; before the session is up, the end of the handshake's time.
    silent_at: Instant,
    /// The time to send a tick, unless something is sent before.
    tick_at: Instant,
    tick_due: bool,
    /// A probe is to be sent.
    probe_due: bool,
    /// The time by which the peer must answer the probe that was sent.
    probe_end: Option<Instant>,
    /// The peer's probe is to be answered.
    answer_due: bool,
    pause: Pause,
    closing: Closing,
}

enum State {
    /// Preambles, then the Noise handshake.
    Exchanging(KeyExchange),
    /// The peer's hello is missing.
    Confirming(Cipher),
    /// The peer's hello has arrived. At least one of the two nodes has not admitted the other yet.
    Deciding(Cipher, Box<Deciding>),
    Up(Cipher),
    Over(SessionError),
}

struct Deciding {
    peer: PeerHello,
    /// This node has the smaller name.
    decides: bool,
    /// This node has admitted the peer.
    admitted: bool,
    /// The peer has admitted this node.
    offered: bool,
    /// The tokens that the two nodes have sent with that.
    own_tokens: Tokens,
    peer_tokens: Tokens,
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
/// The time that a peer has to answer a probe. Shorter than a handshake, which may have to wait for it.
const PROBE: Duration = Duration::from_secs(2);
/// About how many bytes one `poll_transmit` gives.
const TRANSMIT: usize = 128 * 1024;
/// The pieces of large frames that one `poll_transmit` gives. A small frame that comes later waits for them.
const PIECES: usize = 1;

const TICK: u8 = 4;
const GOODBYE: u8 = 5;
const HELLO: u8 = 6;
const ACKNOWLEDGEMENT: u8 = 7;
const ADMISSION: u8 = 8;
const PROBE_REQUEST: u8 = 9;
const PROBE_ANSWER: u8 = 10;
const DEFINITION: u8 = 11;
/// A definition's kind and length take no more than this.
const DEFINITION_HEAD: usize = 1 + 3;
/// The kinds of extensions.
const EXTENSIONS: std::ops::RangeInclusive<u8> = 16..=31;

impl Session {
    pub(crate) fn new(config: Config, now: Instant) -> Session {
        let Config { local, security, cluster, role, limits, reassembly, tick, ephemeral } = config;
        let receive_limits = ReceiveLimits::of(&limits);
        let (keys, tls) = match security {
            Security::Cookie(keys) => (Some(keys), None),
            Security::Certificates(credentials) => (None, Some(Tls::boxed(role, credentials))),
        };
        let (exchange, handshake_bytes) = KeyExchange::new(role, keys, ephemeral);
        Session {
            local,
            cluster,
            tls,
            receive_limits,
            tick,
            handshake_bytes,
            state: State::Exchanging(exchange),
            partial: Vec::new(),
            plain: Vec::new(),
            inside: Vec::new(),
            lanes: Lanes::new(receive_limits, limits.window),
            definitions: VecDeque::new(),
            names: ReceivedNames::default(),
            reassembly: Reassembly::new(receive_limits, reassembly.share()),
            unacknowledged: 0,
            intake: Intake::All,
            events: VecDeque::new(),
            silent_at: now + TIMEOUT,
            tick_at: now + TIMEOUT,
            tick_due: false,
            probe_due: false,
            probe_end: None,
            answer_due: false,
            pause: Pause::default(),
            closing: Closing::No,
        }
    }

    /// Admits the peer, with the tokens of the paused connection that this one can continue. Has an effect only after
    /// [`Event::Hello`] or [`Event::Offered`].
    pub(crate) fn admit(&mut self, now: Instant, tokens: Tokens) -> Result<(), SessionError> {
        self.decide(now, Refusal::ACCEPTED, tokens)
    }

    /// Refuses the peer, which receives the reason. The session is over. Has an effect only before it is up.
    pub(crate) fn refuse(&mut self, now: Instant, refusal: Refusal) -> Result<(), SessionError> {
        self.decide(now, refusal.code(), Tokens::default())
    }

    fn decide(&mut self, now: Instant, code: u64, tokens: Tokens) -> Result<(), SessionError> {
        let (mut cipher, mut deciding) = match mem::replace(&mut self.state, State::Over(SessionError::Closed)) {
            State::Deciding(cipher, deciding)
                if !deciding.admitted && (deciding.decides || deciding.offered || code != Refusal::ACCEPTED) =>
            {
                (cipher, deciding)
            }
            other => {
                self.state = other;
                return Ok(());
            }
        };
        let mut record = vec![ADMISSION];
        varint::put(&mut record, code);
        if self.pause.can_pause() {
            deciding.own_tokens = tokens;
            tokens.iter().for_each(|token| record.extend_from_slice(&token.0));
        }
        cipher.seal(&record, &mut self.handshake_bytes).map_err(|error| self.fail(error))?;
        if let Some(refusal) = Refusal::of_code(code) {
            return Err(self.fail(SessionError::RefusedHere(refusal)));
        }
        deciding.admitted = true;
        self.state = self.settle(cipher, deciding, now);
        Ok(())
    }

    /// Returns the state after one of the two nodes has admitted the other.
    fn settle(&mut self, cipher: Cipher, deciding: Box<Deciding>, now: Instant) -> State {
        if !(deciding.admitted && deciding.offered) {
            return State::Deciding(cipher, deciding);
        }
        self.silent_at = now + self.tick;
        self.tick_at = now + self.tick / 4;
        self.lanes.set_peer(self.receive_limits.for_peer(deciding.peer.receive_limits));
        self.events.extend(deciding.own_tokens.has_common(deciding.peer_tokens).then_some(Event::Continued));
        self.events.push_back(Event::Up(Box::new(deciding.peer.hello)));
        State::Up(cipher)
    }

    /// Has `waker` woken if this session must end since the incomplete frames of all sessions of the node are too large.
    ///
    /// # Errors
    /// It must end now: it has the largest ones.
    pub(crate) fn check_budget(&mut self, waker: &Waker) -> Result<(), SessionError> {
        self.reassembly.check_budget(waker).map_err(|error| self.fail(error))
    }

    /// Requests a sign of life from the peer. An [`Event::Probed`] follows within two seconds, unless the session ends.
    pub(crate) fn probe(&mut self, now: Instant) {
        if matches!(self.state, State::Up(_)) && self.probe_end.is_none() {
            self.probe_due = true;
            self.probe_end = Some(now + PROBE);
        }
    }

    /// Takes the end of the peer's bytes. It is an error before the session is up.
    pub(crate) fn handle_end(&mut self) -> Option<SessionError> {
        match &self.state {
            State::Exchanging(_) | State::Confirming(_) => {
                let hung_up = self.tls.as_ref().map_or(SessionError::HungUp, |tls| tls.hung_up());
                Some(self.fail(hung_up))
            }
            State::Deciding(..) => Some(self.fail(SessionError::Undecided)),
            State::Up(_) => None,
            State::Over(error) => Some(error.clone()),
        }
    }

    /// Does what is due at `now`: a tick, the result of a probe, or the end for lack of an answer.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.extend_deadlines(now);
        let error = match &self.state {
            State::Over(error) => return Err(error.clone()),
            State::Up(_) if now >= self.silent_at => SessionError::Silent { tick: self.tick },
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
                if self.probe_end.is_some_and(|end| now >= end) {
                    self.probe_end = None;
                    self.events.push_back(Event::Probed { alive: false });
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
        let due = match (&self.state, self.closing) {
            (State::Over(_), _) => return None,
            (State::Up(_), Closing::Sending(end)) => self.silent_at.min(self.tick_at).min(end),
            (State::Up(_), Closing::GoodbyeSent(end)) => self.silent_at.min(end),
            (State::Up(_), _) => self.silent_at.min(self.tick_at),
            _ => self.silent_at,
        };
        Some(self.probe_end.map_or(due, |end| due.min(end)))
    }

    /// Queues the definition of a name. It is sent before all frames that follow.
    pub(crate) fn define(&mut self, definition: NameDefinition) {
        if self.is_open() {
            self.definitions.push_back(definition);
        }
    }

    /// Queues a frame behind those of the same lane, which is the sending process's number.
    pub(crate) fn send(&mut self, lane: u64, frame: Encoded) -> Result<(), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        let limit = self.lanes.frame_limit();
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

    /// Returns the tick: this node's, and the shorter one of the two nodes once the peer's hello has arrived.
    pub(crate) fn tick(&self) -> Duration {
        self.tick
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
            State::Deciding(..) => {
                // The peer, which waits for a decision, receives the reason.
                let _ = self.refuse(now, Refusal::Stopping);
                self.fail(SessionError::Closed);
            }
            _ => {
                self.fail(SessionError::Closed);
            }
        }
    }

    /// Returns `true` after an error and after the goodbye: the session gives nothing more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.closing, Closing::GoodbyeSent(_)) || matches!(self.state, State::Over(_))
    }

    /// Returns `true` if frames are accepted.
    fn is_open(&self) -> bool {
        self.closing == Closing::No && matches!(self.state, State::Up(_))
    }

    fn fail(&mut self, error: SessionError) -> SessionError {
        self.state = State::Over(error.clone());
        self.partial = Vec::new();
        self.reassembly.clear();
        error
    }
}

#[cfg(test)]
mod tests;
