//! The seal of records: Noise, by the crate snow, with its handshake; or none, inside of [`tls`](super::tls).
//!
//! `Noise_NNpsk0_25519_AESGCM_SHA256`: two fresh keys and one secret that both have. A peer without the secret fails
//! at the first message. An attacker who gets it later cannot read earlier records.
//!
//! | unit | bytes |
//! |---|---|
//! | handshake message | length (2 bytes, high first, always 48), ephemeral key (32), tag (16) |
//! | record | length (2 bytes, high first, 17..=65,535), ciphertext, tag (16) |
//! | record inside of TLS | length (2 bytes, high first, 1..=65,519), the bytes in clear |
//!
//! A record's number is its nonce, so a record that is missing, repeated or moved does not open. After each
//! 2^20 records of a direction its key is replaced (Noise's rekey), by both sides without a message.

mod primitives;

use bytes::Bytes;
use snow::{Builder, HandshakeState, TransportState};

pub(crate) use primitives::EphemeralKey;

use super::{CookieKey, Role, SessionError};
use primitives::Ring;

/// A handshake message's size without its length: a key and a tag.
pub(super) const MESSAGE: usize = 48;
/// The most bytes in clear that one record holds.
pub(super) const PLAIN: usize = 65_535 - TAG;
/// The bytes that a seal of Noise adds.
const TAG: usize = 16;
/// Records between two keys of one direction.
const REKEY: u64 = 1 << 20;

const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";

/// A handshake under way.
pub(super) struct Handshake(Box<HandshakeState>);

impl Handshake {
    /// Starts the handshake of one side of a new session.
    pub(super) fn new(
        role: Role,
        key: &CookieKey,
        prologue: &[u8],
        ephemeral: EphemeralKey,
    ) -> Result<Handshake, SessionError> {
        let params = PATTERN.parse().map_err(refused)?;
        let builder = Builder::with_resolver(params, Box::new(Ring(ephemeral)))
            .prologue(prologue)
            .and_then(|builder| builder.psk(0, &key.0))
            .map_err(refused)?;
        let state = match role {
            Role::Dialler => builder.build_initiator(),
            Role::Listener => builder.build_responder(),
        };
        Ok(Handshake(Box::new(state.map_err(refused)?)))
    }

    /// Appends this side's message with its length.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Result<(), SessionError> {
        let mut message = [0; MESSAGE];
        let length = self.0.write_message(&[], &mut message).map_err(refused)?;
        put_length(out, length);
        out.extend_from_slice(&message[..length]);
        Ok(())
    }

    /// Reads the peer's message, without its length.
    pub(super) fn read(&mut self, message: &[u8]) -> Result<(), SessionError> {
        self.0.read_message(message, &mut [0; MESSAGE]).map(drop).map_err(|_| SessionError::Cookie)
    }

    /// Returns the cipher after both messages.
    pub(super) fn finish(self) -> Result<Cipher, SessionError> {
        let state = self.0.into_transport_mode().map_err(refused)?;
        Ok(Cipher::Noise(Box::new(Noise { state, rekey: REKEY })))
    }
}

/// The seal of a session's records.
pub(super) enum Cipher {
    Noise(Box<Noise>),
    /// TLS encrypts all bytes of the session.
    Plain,
}

/// The two directions' keys.
pub(super) struct Noise {
    state: TransportState,
    rekey: u64,
}

impl Cipher {
    /// Returns the bytes that a seal adds.
    pub(super) fn tag(&self) -> usize {
        match self {
            Cipher::Noise(_) => TAG,
            Cipher::Plain => 0,
        }
    }

    /// Appends `plain`, at most [`PLAIN`] bytes, as one record.
    pub(super) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        match self {
            Cipher::Noise(noise) => noise.seal(plain, out),
            Cipher::Plain => {
                put_length(out, plain.len());
                out.extend_from_slice(plain);
                Ok(())
            }
        }
    }

    /// Opens a record, without its length.
    pub(super) fn open(&mut self, record: &[u8]) -> Result<Bytes, SessionError> {
        match self {
            Cipher::Noise(noise) => noise.open(record),
            Cipher::Plain => Ok(Bytes::copy_from_slice(record)),
        }
    }

    #[cfg(test)]
    pub(super) fn rekey_every(&mut self, records: u64) {
        let Cipher::Noise(noise) = self else { panic!("no keys to replace") };
        noise.rekey = records;
    }
}

impl Noise {
    fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        put_length(out, plain.len() + TAG);
        let start = out.len();
        out.resize(start + plain.len() + TAG, 0);
        self.state.write_message(plain, &mut out[start..]).map_err(refused)?;
        if self.state.sending_nonce().is_multiple_of(self.rekey) {
            self.state.rekey_outgoing();
        }
        Ok(())
    }

    fn open(&mut self, record: &[u8]) -> Result<Bytes, SessionError> {
        let mut plain = vec![0; record.len()];
        let length = self.state.read_message(record, &mut plain).map_err(|_| SessionError::Forged)?;
        plain.truncate(length);
        if self.state.receiving_nonce().is_multiple_of(self.rekey) {
            self.state.rekey_incoming();
        }
        Ok(plain.into())
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

fn refused(error: snow::Error) -> SessionError {
    SessionError::Cipher(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns two nodes' handshakes, with keys as a real session has them.
    fn handshakes() -> [Handshake; 2] {
        let key = CookieKey::derive(b"sixteen bytes or more");
        [Role::Dialler, Role::Listener]
            .map(|role| Handshake::new(role, &key, b"prologue", EphemeralKey::Random).unwrap())
    }

    #[test]
    fn two_sides_with_random_keys_open_each_others_records() {
        let [mut dialler, mut listener] = handshakes();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        dialler.write(&mut first).unwrap();
        listener.read(&first[2..]).unwrap();
        listener.write(&mut second).unwrap();
        dialler.read(&second[2..]).unwrap();
        let [mut dialler, mut listener] = [dialler, listener].map(|side| side.finish().unwrap());
        for (from, to) in [(0, 1), (1, 0)] {
            let sides = [&mut dialler, &mut listener];
            let mut record = Vec::new();
            sides[from].seal(b"an order", &mut record).unwrap();
            assert_eq!(&sides[to].open(&record[2..]).unwrap()[..], b"an order");
        }
    }

    #[test]
    fn each_handshake_has_a_key_of_its_own() {
        let messages = handshakes().map(|mut side| {
            let mut message = Vec::new();
            side.write(&mut message).map(|()| message)
        });
        let [Ok(first), Err(_)] = messages else { panic!("a listener does not begin") };
        let [mut again, _] = handshakes();
        let mut second = Vec::new();
        again.write(&mut second).unwrap();
        assert_ne!(first, second);
    }

    /// A key of the curve's small subgroup gives a common secret that any attacker can compute.
    #[test]
    fn a_peers_key_that_gives_no_secret_ends_the_handshake() {
        let key = CookieKey::derive(b"sixteen bytes or more");
        for (byte, is_accepted) in [(0, false), (9, true)] {
            let [_, mut listener] = handshakes();
            let mut dialler =
                Handshake::new(Role::Dialler, &key, b"prologue", EphemeralKey::Fixed([byte; 32])).unwrap();
            let mut message = Vec::new();
            dialler.write(&mut message).unwrap();
            listener.read(&message[2..]).unwrap();
            assert_eq!(listener.write(&mut Vec::new()).is_ok(), is_accepted);
        }
    }
}

#[cfg(test)]
mod pair;
