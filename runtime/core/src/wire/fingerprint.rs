//! Fingerprints of protocols.

use crate::base::Protocol;

/// A number that two nodes have in common if, and only if, they mean the same protocol: FNV-1a over its name,
/// its version and every variant with its shape.
pub(crate) const fn fingerprint<M: Protocol>() -> u64 {
    const { of::<M>() }
}

const fn of<M: Protocol>() -> u64 {
    let mut hash = text(0xcbf2_9ce4_8422_2325, M::NAME);
    hash = bytes(hash, &M::VERSION.to_le_bytes());
    let mut at = 0;
    while at < M::VARIANTS.len() {
        hash = text(hash, M::VARIANTS[at].name);
        hash = text(hash, M::VARIANTS[at].shape);
        at += 1;
    }
    hash
}

const fn text(hash: u64, text: &str) -> u64 {
    // The terminator keeps "ab", "c" apart from "a", "bc": no text has this byte.
    bytes(bytes(hash, text.as_bytes()), &[0xff])
}

const fn bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
