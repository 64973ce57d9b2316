//! A key exchange whose keys a test determines.

use super::*;

/// A commutative function in place of Diffie-Hellman.
pub(super) struct ExclusiveOr(pub(super) [u8; 32]);

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

    fn set(&mut self, _: &[u8]) {}

    fn generate(&mut self, _: &mut dyn Random) -> Result<(), Error> {
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.0
    }

    fn privkey(&self) -> &[u8] {
        &self.0
    }

    fn dh(&self, key: &[u8], out: &mut [u8]) -> Result<(), Error> {
        for (at, byte) in out[..32].iter_mut().enumerate() {
            *byte = key[at] ^ self.0[at];
        }
        Ok(())
    }
}
