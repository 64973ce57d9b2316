//! Noise, by the crate snow: the handshake, and sealed records.
//!
//! `Noise_NNpsk0_25519_AESGCM_SHA256`: two fresh keys and one secret that both have. A peer without the secret fails
//! at the first message. An attacker who gets it later cannot read earlier records.
//!
//! | unit | bytes |
//! |---|---|
//! | handshake message | length (2 bytes, high first, always 48), ephemeral key (32), tag (16) |
//! | record | length (2 bytes, high first, 17..=65,535), ciphertext, tag (16) |
//!
//! A record's number is its nonce, so a record that is missing, repeated or moved does not open. After each
//! 2^20 records of a direction its key is replaced (Noise's rekey), by both sides without a message.

use bytes::Bytes;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver, FallbackResolver, RingResolver};
use snow::types::{Cipher as SnowCipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState, TransportState};

use super::{CookieKey, Role, SessionError};

/// A handshake message's size without its length: a key and a tag.
pub(super) const MESSAGE: usize = 48;
/// The most bytes in clear that one record holds.
pub(super) const PLAIN: usize = 65_535 - TAG;
/// The bytes that a seal adds.
pub(super) const TAG: usize = 16;
/// Records between two keys of one direction.
const REKEY: u64 = 1 << 20;

const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";

/// A handshake under way.
pub(super) struct Handshake(Box<HandshakeState>);

impl Handshake {
    /// `entropy` becomes this side's ephemeral key: fresh from the operating system for each session.
    pub(super) fn new(
        role: Role,
        key: &CookieKey,
        prologue: &[u8],
        entropy: [u8; 32],
    ) -> Result<Handshake, SessionError> {
        let ring = FallbackResolver::new(Box::new(RingResolver), Box::new(DefaultResolver));
        let params = PATTERN.parse().map_err(refused)?;
        let builder = Builder::with_resolver(params, Box::new(Resolver { crypto: ring, entropy }))
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
        Ok(Cipher { state, rekey: REKEY })
    }
}

/// The two directions' keys.
pub(super) struct Cipher {
    state: TransportState,
    rekey: u64,
}

impl Cipher {
    /// Appends `plain`, at most [`PLAIN`] bytes, as one record.
    pub(super) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        put_length(out, plain.len() + TAG);
        let start = out.len();
        out.resize(start + plain.len() + TAG, 0);
        self.state.write_message(plain, &mut out[start..]).map_err(refused)?;
        if self.state.sending_nonce().is_multiple_of(self.rekey) {
            self.state.rekey_outgoing();
        }
        Ok(())
    }

    /// Opens a record, without its length.
    pub(super) fn open(&mut self, record: &[u8]) -> Result<Bytes, SessionError> {
        let mut plain = vec![0; record.len()];
        let length = self.state.read_message(record, &mut plain).map_err(|_| SessionError::Forged)?;
        plain.truncate(length);
        if self.state.receiving_nonce().is_multiple_of(self.rekey) {
            self.state.rekey_incoming();
        }
        Ok(plain.into())
    }

    #[cfg(test)]
    pub(super) fn rekey_every(&mut self, records: u64) {
        self.rekey = records;
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

fn refused(error: snow::Error) -> SessionError {
    SessionError::Cipher(error.to_string())
}

/// Snow's own primitives, with the session's randomness instead of the operating system's.
struct Resolver {
    crypto: FallbackResolver,
    entropy: [u8; 32],
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneKey(Some(self.entropy))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        self.crypto.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        self.crypto.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn SnowCipher>> {
        self.crypto.resolve_cipher(choice)
    }
}

/// The random bytes of one ephemeral key, the only ones that the pattern needs. A second request fails.
struct OneKey(Option<[u8; 32]>);

impl Random for OneKey {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), snow::Error> {
        match self.0.take() {
            Some(entropy) if out.len() == entropy.len() => {
                out.copy_from_slice(&entropy);
                Ok(())
            }
            _ => Err(snow::Error::Rng),
        }
    }
}

#[cfg(test)]
mod pair;
