//! The ciphers of both sides of a connection, without the cost of a curve.

use super::*;

impl Cipher {
    /// Returns the ciphers of two peers. They are those of a real handshake, except that its curve is replaced by an
    /// exclusive or.
    pub(in crate::session) fn pair() -> [Cipher; 2] {
        let key = CookieKey::derive(b"sixteen bytes or more");
        let [mut dialler, mut listener] = [(Role::Dialler, 1), (Role::Listener, 2)].map(|(role, entropy)| {
            let ring = FallbackResolver::new(Box::new(RingResolver), Box::new(DefaultResolver));
            let resolver = NoCurve(Resolver { crypto: ring, entropy: [entropy; 32] });
            let builder = Builder::with_resolver(PATTERN.parse().unwrap(), Box::new(resolver));
            let builder = builder.psk(0, &key.0).unwrap();
            match role {
                Role::Dialler => Handshake(Box::new(builder.build_initiator().unwrap())),
                Role::Listener => Handshake(Box::new(builder.build_responder().unwrap())),
            }
        });
        let mut message = Vec::new();
        dialler.write(&mut message).unwrap();
        listener.read(&message[2..]).unwrap();
        message.clear();
        listener.write(&mut message).unwrap();
        dialler.read(&message[2..]).unwrap();
        [dialler, listener].map(|side| side.finish().unwrap())
    }
}

struct NoCurve(Resolver);

impl CryptoResolver for NoCurve {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        self.0.resolve_rng()
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        Some(Box::new(ExclusiveOr([0; 32])))
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        self.0.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn SnowCipher>> {
        self.0.resolve_cipher(choice)
    }
}

/// A commutative function in place of Diffie-Hellman.
struct ExclusiveOr([u8; 32]);

impl Dh for ExclusiveOr {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, key: &[u8]) {
        self.0.copy_from_slice(key);
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), snow::Error> {
        random.try_fill_bytes(&mut self.0)
    }

    fn pubkey(&self) -> &[u8] {
        &self.0
    }

    fn privkey(&self) -> &[u8] {
        &self.0
    }

    fn dh(&self, key: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        for (at, byte) in out[..32].iter_mut().enumerate() {
            *byte = key[at] ^ self.0[at];
        }
        Ok(())
    }
}
