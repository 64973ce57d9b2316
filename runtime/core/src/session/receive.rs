//! The input of a session: from bytes to units, records, chunks and events.

use std::mem;
use std::time::Instant;

use bytes::Bytes;

use super::handshake::hello::{self, HelloError};
use super::handshake::key_exchange::Progress;
use super::handshake::preamble::{Size, prefixed_size};
use super::{
    ACKNOWLEDGEMENT, ADMISSION, Cipher, Closing, DEFINITION, Deciding, EXTENSIONS, Event, GOODBYE, HELLO, PROBE_ANSWER,
    PROBE_REQUEST, Refusal, Session, SessionError, State, TICK, Tls, Token, Tokens, cipher, lanes, pause,
};
use crate::wire::varint::{self, Reader};
use crate::wire::{Frame, NameDefinition};

/// The most bytes of a record with an admission.
const MAX_ADMISSION: usize = 1 + varint::MAX + Tokens::MOST * Token::SIZE;

impl Session {
    /// Takes received bytes, in slices of any size. They may have given events, also upon an error.
    pub(crate) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        let read = match self.tls.take() {
            None => self.read_input(now, bytes),
            Some(tls) => self.read_tls(tls, now, bytes),
        };
        read.map_err(|error| self.fail(error))
    }

    fn read_tls(&mut self, mut tls: Box<Tls>, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        let mut inside = mem::take(&mut self.inside);
        let opened = tls.open(bytes, &mut inside);
        // The names in the certificate are needed for the hello.
        self.tls = Some(tls);
        let read = self.read_input(now, &inside);
        inside.clear();
        self.inside = inside;
        // Bytes before the failure are read all the same: they may have the reason.
        read.and(opened)
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

    /// The size of the unit that begins with `start`.
    fn size(&self, start: &[u8]) -> Result<Size, SessionError> {
        // Before the session is up the peer may not send a large record.
        let (tag, max, otherwise) = match &self.state {
            State::Exchanging(exchange) => return exchange.size(start),
            State::Confirming(cipher) => (cipher.tag(), hello::MAX, SessionError::Handshake("a hello of another size")),
            State::Deciding(cipher, _) => {
                (cipher.tag(), MAX_ADMISSION, SessionError::Handshake("an admission of another size"))
            }
            State::Up(cipher) => (cipher.tag(), cipher::PLAIN, SessionError::Record("an empty record")),
            State::Over(error) => return Err(error.clone()),
        };
        prefixed_size(start, tag + 1..=tag + max, otherwise)
    }

    fn handle_unit(&mut self, now: Instant, unit: &[u8]) -> Result<(), SessionError> {
        let state = mem::replace(&mut self.state, State::Over(SessionError::Closed));
        self.state = self.step(state, now, unit)?;
        Ok(())
    }

    /// From one state to the next, by one unit.
    fn step(&mut self, state: State, now: Instant, unit: &[u8]) -> Result<State, SessionError> {
        match state {
            State::Exchanging(exchange) => {
                let mut cipher = match exchange.step(unit, &mut self.handshake_bytes)? {
                    Progress::More(exchange) => return Ok(State::Exchanging(exchange)),
                    Progress::Done(cipher) => cipher,
                };
                self.send_hello(&mut cipher)?;
                Ok(State::Confirming(cipher))
            }
            State::Confirming(mut cipher) => {
                let record = cipher.open(&unit[2..])?;
                let deciding = self.read_hello(&record, &mut cipher)?;
                Ok(State::Deciding(cipher, Box::new(deciding)))
            }
            State::Deciding(mut cipher, mut deciding) => {
                let record = cipher.open(&unit[2..])?;
                let (refusal, tokens) = read_admission(&record)?;
                if let Some(refusal) = refusal {
                    return Err(SessionError::Refused(refusal));
                }
                // The deciding node admits first, and each node once.
                if deciding.offered || deciding.decides && !deciding.admitted {
                    return Err(SessionError::Handshake("an admission out of turn"));
                }
                (deciding.offered, deciding.peer_tokens) = (true, tokens);
                if !deciding.admitted {
                    self.events.push_back(Event::Offered);
                }
                Ok(self.settle(cipher, deciding, now))
            }
            State::Up(mut cipher) => {
                let record = cipher.open(&unit[2..])?;
                self.silent_at = now + self.tick;
                if self.read_record(now, &record)? {
                    self.events.push_back(Event::Goodbye);
                    return Ok(State::Over(SessionError::Closed));
                }
                Ok(State::Up(cipher))
            }
            State::Over(error) => Err(error),
        }
    }

    pub(super) fn send_hello(&mut self, cipher: &mut Cipher) -> Result<(), SessionError> {
        let hello = hello::encode(&self.local, &self.cluster, self.tick, self.receive_limits)
            .ok_or(SessionError::Handshake("this node's address or cluster name is too long"))?;
        let mut record = vec![HELLO];
        varint::put(&mut record, hello.len() as u64);
        record.extend_from_slice(&hello);
        cipher.seal(&record, &mut self.handshake_bytes)
    }

    /// Reads the peer's hello and agrees on the common values.
    fn read_hello(&mut self, record: &[u8], cipher: &mut Cipher) -> Result<Deciding, SessionError> {
        let bad = SessionError::Handshake("the first record is not a hello");
        let mut reader = Reader::new(record);
        let (Ok(HELLO), Ok(length)) = (reader.byte(), reader.varint()) else { return Err(bad) };
        if length != reader.rest().len() as u64 {
            return Err(bad);
        }
        let peer = match hello::decode(reader.rest()) {
            Ok(peer) => peer,
            Err(HelloError::Bytes(_)) => return Err(bad),
            Err(HelloError::Missing(_)) => return Err(SessionError::Handshake("a hello without a required field")),
            Err(HelloError::Unknown(tag)) => {
                // A peer of a later version receives the reason.
                self.send_refusal(cipher, Refusal::Incompatible)?;
                return Err(SessionError::UnknownField(tag));
            }
        };
        let role = match self.tls.as_ref().map(|tls| tls.certify(&peer.hello.node.name)) {
            None => None,
            Some(Ok(role)) => role,
            Some(Err((refusal, error))) => {
                self.send_refusal(cipher, refusal)?;
                return Err(error);
            }
        };
        if peer.hello.instance == self.local.instance {
            return Err(SessionError::Reflected);
        }
        if peer.hello.node.name == self.local.node.name {
            return Err(SessionError::SameName(peer.hello.node.name));
        }
        if peer.cluster != self.cluster {
            return Err(SessionError::Cluster { theirs: peer.cluster, ours: self.cluster.clone() });
        }
        self.tick = self.tick.min(peer.tick);
        self.pause.set_can_pause(peer.features & hello::CAN_PAUSE != 0);
        let decides = self.local.node.name < peer.hello.node.name;
        self.events.push_back(Event::Hello { peer: Box::new(peer.hello.clone()), role, decides });
        let (own_tokens, peer_tokens) = Default::default();
        Ok(Deciding { peer, decides, admitted: false, offered: false, own_tokens, peer_tokens })
    }

    /// Sends the reason to a peer whose hello is refused.
    fn send_refusal(&mut self, cipher: &mut Cipher, refusal: Refusal) -> Result<(), SessionError> {
        let mut record = vec![ADMISSION];
        varint::put(&mut record, refusal.code());
        cipher.seal(&record, &mut self.handshake_bytes)
    }

    /// Reads a record's chunks; true if one was a goodbye.
    fn read_record(&mut self, now: Instant, record: &Bytes) -> Result<bool, SessionError> {
        let ended = |_| SessionError::Record("a chunk ends too early");
        let mut reader = Reader::new(record);
        while !reader.is_empty() {
            match reader.byte().map_err(ended)? {
                TICK => {}
                ACKNOWLEDGEMENT => {
                    if !self.lanes.acknowledge(now, reader.varint().map_err(ended)?) {
                        return Err(SessionError::Record("an acknowledgement of more than was sent"));
                    }
                }
                // Nothing is sent after a goodbye.
                PROBE_REQUEST => self.answer_due = !matches!(self.closing, Closing::GoodbyeSent(_)),
                PROBE_ANSWER => {
                    if self.probe_end.take().is_some() {
                        self.events.push_back(Event::Probed { alive: true });
                    }
                }
                DEFINITION => self.read_definition(&mut reader)?,
                GOODBYE if reader.is_empty() => return Ok(true),
                GOODBYE => return Err(SessionError::Record("something after a goodbye")),
                kind if kind <= lanes::FIRST | lanes::LAST => self.read_piece(kind, record, &mut reader)?,
                kind @ pause::PAUSE..=pause::RESUME => {
                    let bytes = take_prefixed(&mut reader)?;
                    self.read_pause(kind, bytes)?;
                }
                kind if EXTENSIONS.contains(&kind) => {
                    take_prefixed(&mut reader)?;
                }
                _ => return Err(SessionError::Record("a chunk of no known kind")),
            }
        }
        Ok(false)
    }

    /// Reads the definition of a name, after its kind.
    fn read_definition(&mut self, reader: &mut Reader<'_>) -> Result<(), SessionError> {
        let bytes = take_prefixed(reader)?;
        let definition = NameDefinition::decode(bytes).map_err(SessionError::Frame)?;
        self.names.define(&definition).map_err(SessionError::Frame)?;
        if let NameDefinition::Protocol(definition) = definition {
            self.events.push_back(Event::Definition(definition));
        }
        Ok(())
    }

    /// Reads one piece of a frame, after its kind.
    fn read_piece(&mut self, kind: u8, record: &Bytes, reader: &mut Reader<'_>) -> Result<(), SessionError> {
        let ended = |_| SessionError::Record("a chunk ends too early");
        let lane = reader.varint().map_err(ended)?;
        let length = reader.varint().map_err(ended)?;
        if length == 0 || length > self.receive_limits.fragment as u64 {
            return Err(SessionError::Record("a piece that is empty or too large"));
        }
        let piece = reader.bytes(length as usize).map_err(ended)?;
        let piece = record.slice_ref(piece);
        let (first, last) = (kind & lanes::FIRST != 0, kind & lanes::LAST != 0);
        if !(first && last) || piece.len() > lanes::SMALL {
            self.unacknowledged += piece.len();
        }
        if let Some(frame) = self.reassembly.accept(lane, first, last, piece)? {
            let frame = Frame::decode(&frame, &self.names).map_err(SessionError::Frame)?;
            self.events.extend(frame.map(|frame| Event::Frame { lane, frame }));
        }
        Ok(())
    }
}

/// Reads a length, and so many bytes.
fn take_prefixed<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], SessionError> {
    let ended = |_| SessionError::Record("a chunk ends too early");
    let length = usize::try_from(reader.varint().map_err(ended)?).unwrap_or(usize::MAX);
    reader.bytes(length).map_err(ended)
}

/// Reads the peer's decision, `None` if it admits this node, and the tokens with it.
fn read_admission(record: &[u8]) -> Result<(Option<Refusal>, Tokens), SessionError> {
    let bad = |_| SessionError::Handshake("the second record is not an admission");
    let mut reader = Reader::new(record);
    if reader.byte().map_err(bad)? != ADMISSION {
        return Err(SessionError::Handshake("the second record is not an admission"));
    }
    let code = reader.varint().map_err(bad)?;
    let (tokens, rest) = reader.rest().as_chunks();
    let mut tokens = tokens.iter().map(|bytes| Token(*bytes));
    let tokens = match (tokens.next(), tokens.next(), tokens.next(), rest) {
        (peer, own, None, []) => Tokens { own, peer },
        _ => return Err(SessionError::Handshake("the second record is not an admission")),
    };
    Ok((Refusal::of_code(code), tokens))
}
