//! From the first byte to common keys.
//!
//! | dialler | listener |
//! |---|---|
//! | *dialled*: sends its preamble, awaits the answer | *awaiting*: awaits a preamble |
//! | | answers, → *noise* |
//! | sends its handshake message, → *noise* | |
//! | | answers with its own, has the keys |
//! | has the keys | |
//!
//! Inside of [`tls`](super::super::tls) the bytes are encrypted already: the preambles are the whole exchange.
//!
//! The keys prove that the peer has the cookie. They do not prove that it is connected now: for that its
//! [`hello`](super::hello) must arrive.

use super::cipher::{self, Cipher, Handshake};
use super::preamble::{self, Size, VERSIONS};
use super::{CookieKey, CookieKeys, EphemeralKey, Role, SessionError};

pub(in crate::session) enum KeyExchange {
    /// The dialler's preamble is sent.
    Dialled(Secrets, Vec<u8>),
    /// The listener has received nothing yet.
    Awaiting(Secrets),
    /// The peer's handshake message is missing. A listener with two keys has a second handshake, for the case that the
    /// message is not of the first key.
    Noise(Role, Handshake, Option<Handshake>),
}

/// The inputs of the handshake.
pub(in crate::session) struct Secrets {
    /// `None` inside of TLS.
    keys: Option<CookieKeys>,
    ephemeral: EphemeralKey,
}

pub(in crate::session) enum Progress {
    More(KeyExchange),
    Done(Cipher),
}

impl KeyExchange {
    /// Returns the exchange, and the bytes that it begins with.
    pub(in crate::session) fn new(
        role: Role,
        keys: Option<CookieKeys>,
        ephemeral: EphemeralKey,
    ) -> (KeyExchange, Vec<u8>) {
        let secrets = Secrets { keys, ephemeral };
        match role {
            Role::Dialler => {
                let offer = preamble::offer(VERSIONS);
                (KeyExchange::Dialled(secrets, offer.clone()), offer)
            }
            Role::Listener => (KeyExchange::Awaiting(secrets), Vec::new()),
        }
    }

    /// The size of the unit that begins with `start`.
    pub(in crate::session) fn size(&self, start: &[u8]) -> Result<Size, SessionError> {
        match self {
            KeyExchange::Dialled(..) => preamble::answer_size(start),
            KeyExchange::Awaiting(_) => preamble::offer_size(start),
            KeyExchange::Noise(..) => {
                let bounds = cipher::MESSAGE..=cipher::MESSAGE;
                preamble::prefixed_size(start, bounds, SessionError::Handshake("a message of another size"))
            }
        }
    }

    /// Takes one unit, and appends the bytes to send for it to `handshake_bytes`, also upon an error.
    pub(in crate::session) fn step(self, unit: &[u8], handshake_bytes: &mut Vec<u8>) -> Result<Progress, SessionError> {
        match self {
            KeyExchange::Dialled(secrets, offer) => {
                preamble::chosen(unit, VERSIONS)?;
                let Some(keys) = &secrets.keys else { return Ok(Progress::Done(Cipher::Plain)) };
                let mut noise = secrets.handshake(Role::Dialler, &keys.own, &offer, unit)?;
                noise.write(handshake_bytes)?;
                Ok(Progress::More(KeyExchange::Noise(Role::Dialler, noise, None)))
            }
            KeyExchange::Awaiting(secrets) => {
                let (answer, chosen) = preamble::answer(unit, VERSIONS);
                handshake_bytes.extend_from_slice(&answer);
                chosen?;
                let Some(keys) = &secrets.keys else { return Ok(Progress::Done(Cipher::Plain)) };
                let handshake = |key| secrets.handshake(Role::Listener, key, unit, &answer);
                let second = keys.accepted.as_ref().map(handshake).transpose()?;
                Ok(Progress::More(KeyExchange::Noise(Role::Listener, handshake(&keys.own)?, second)))
            }
            KeyExchange::Noise(role, mut noise, second) => {
                if let Err(error) = noise.read(&unit[2..]) {
                    noise = second.ok_or(error)?;
                    noise.read(&unit[2..])?;
                }
                if role == Role::Listener {
                    noise.write(handshake_bytes)?;
                }
                noise.finish().map(Progress::Done)
            }
        }
    }
}

impl Secrets {
    fn handshake(&self, role: Role, key: &CookieKey, offer: &[u8], answer: &[u8]) -> Result<Handshake, SessionError> {
        // Both sides must agree on these parts. Each part has its length in front, so that two different lists of parts
        // never give the same bytes.
        let mut prologue = b"greenroom".to_vec();
        for part in [offer, answer] {
            prologue.extend_from_slice(&(part.len() as u64).to_le_bytes());
            prologue.extend_from_slice(part);
        }
        Handshake::new(role, key, &prologue, self.ephemeral)
    }
}
