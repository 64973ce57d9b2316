//! The primitives of Noise, by the crate ring.
//!
//! Snow has an adapter to ring too. That one needs a second implementation of the ciphers, the hash and the curve. They are
//! twenty-two more packages for each program to compile.

use std::sync::{Mutex, PoisonError};

use ring::aead::{self, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use ring::digest::{self, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};

/// The source of a session's ephemeral key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EphemeralKey {
    /// The operating system, afresh for each session.
    Random,
    /// A key that a test determines. An exclusive or takes the place of the curve, so no time is spent on it.
    #[cfg(test)]
    Fixed([u8; 32]),
}

/// Resolves the names in the pattern of a handshake: 25519, AESGCM and SHA256, and no others.
pub(super) struct Ring(pub(super) EphemeralKey);

impl CryptoResolver for Ring {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OsRandom(SystemRandom::new())))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match (choice, self.0) {
            (DHChoice::Curve25519, EphemeralKey::Random) => Some(Box::<Curve25519>::default()),
            #[cfg(test)]
            (DHChoice::Curve25519, EphemeralKey::Fixed(key)) => Some(Box::new(exclusive_or::ExclusiveOr(key))),
            _ => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::new(Sha256(digest::Context::new(&SHA256))) as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::new(AesGcm::new(&[0; 32])) as Box<dyn Cipher>)
    }
}

struct OsRandom(SystemRandom);

impl Random for OsRandom {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0.fill(out).map_err(|_| Error::Rng)
    }
}

/// An ephemeral key pair. Ring gives the secret away once, and the pattern needs it once.
#[derive(Default)]
struct Curve25519 {
    secret: Mutex<Option<EphemeralPrivateKey>>,
    public: [u8; 32],
}

impl Dh for Curve25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    // For keys that last. The pattern has none.
    fn set(&mut self, _: &[u8]) {}

    fn generate(&mut self, _: &mut dyn Random) -> Result<(), Error> {
        let secret = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| Error::Rng)?;
        let public = secret.compute_public_key().map_err(|_| Error::Dh)?;
        self.public.copy_from_slice(public.as_ref());
        self.secret = Mutex::new(Some(secret));
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &[]
    }

    fn dh(&self, key: &[u8], out: &mut [u8]) -> Result<(), Error> {
        // Snow gives a buffer that has room for the key of any curve.
        let key = key.get(..32).ok_or(Error::Dh)?;
        let secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Error::Dh)?;
        // Fails if the peer's key gives a secret of zeros only, which is the same for every key of this side.
        agreement::agree_ephemeral(secret, &UnparsedPublicKey::new(&X25519, key), |common| {
            out[..32].copy_from_slice(common);
        })
        .map_err(|_| Error::Dh)
    }
}

struct Sha256(digest::Context);

impl Hash for Sha256 {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0 = digest::Context::new(&SHA256);
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(self.0.clone().finish().as_ref());
    }
}

/// A cipher whose nonces are the numbers of the records. Snow counts them, so none repeats under a key.
struct AesGcm(LessSafeKey);

impl AesGcm {
    fn new(key: &[u8; 32]) -> AesGcm {
        // A key of another length is the only error.
        AesGcm(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 has a key of 32 bytes")))
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        *self = AesGcm::new(key);
    }

    fn encrypt(&self, number: u64, header: &[u8], plain: &[u8], out: &mut [u8]) -> usize {
        let (text, tag) = out.split_at_mut(plain.len());
        text.copy_from_slice(plain);
        // A text of 64 GiB is the only error. A record has less than 64 KiB.
        let sealed = self.0.seal_in_place_separate_tag(nonce(number), Aad::from(header), text);
        let sealed = sealed.expect("a record is shorter than the cipher's limit");
        tag[..aead::MAX_TAG_LEN].copy_from_slice(sealed.as_ref());
        plain.len() + aead::MAX_TAG_LEN
    }

    fn decrypt(&self, number: u64, header: &[u8], text: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        // Ring opens in place, so the tag needs room too. The callers give it.
        let place = out.get_mut(..text.len()).ok_or(Error::Decrypt)?;
        place.copy_from_slice(text);
        let plain = self.0.open_in_place(nonce(number), Aad::from(header), place).map_err(|_| Error::Decrypt)?;
        Ok(plain.len())
    }
}

/// Returns the nonce of a record: 4 bytes of zero, and its number with the high byte first.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; aead::NONCE_LEN];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod exclusive_or;
