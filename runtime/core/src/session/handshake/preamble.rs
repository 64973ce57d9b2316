//! The only bytes in clear under a cookie: which versions of the wire the dialler has, and which the listener picks.
//!
//! | from | bytes |
//! |---|---|
//! | dialler | `GRNM`, count (1..=8), so many versions (2 bytes each, high byte first) |
//! | listener | `GRNM`, the version chosen (2 bytes) |
//! | listener, if none fits | `GRNM`, `0` `0`, count (1..=8), so many versions of its own; then it hangs up |
//! | listener, to `GRNT` | `GRNM`; then it hangs up |
//!
//! `GRNT` are the first bytes of a node with certificates: see [`tls`](super::super::tls), inside of which these bytes
//! are exchanged, too. So both sides recognize that one of them has certificates and the other one a cookie.
//!
//! Both become part of the Noise prologue: if one is changed on its way, the handshake fails, so no attacker can force
//! an older version. Another protocol is recognized at the first byte that differs.

use std::ops::RangeInclusive;

use super::SessionError;

/// The versions of the wire format that this node has, the best first.
pub(in crate::session) const VERSIONS: &[u16] = &[1];

pub(in crate::session) const MAGIC: &[u8; 4] = b"GRNM";
/// The first bytes of a node with certificates.
pub(in crate::session) const TLS_MAGIC: &[u8; 4] = b"GRNT";
const MAX_VERSIONS: u8 = 8;

/// The size of a unit, as far as its first bytes determine it.
pub(in crate::session) enum Size {
    /// At least so many bytes are needed to determine it.
    AtLeast(usize),
    /// The unit has exactly so many.
    Exactly(usize),
}

/// Returns the size of a unit with its length (2 bytes, high first) in front; `otherwise` if it is out of `bounds`.
pub(in crate::session) fn prefixed_size(
    start: &[u8],
    bounds: RangeInclusive<usize>,
    otherwise: SessionError,
) -> Result<Size, SessionError> {
    let Some(&[high, low]) = start.first_chunk::<2>() else { return Ok(Size::AtLeast(2)) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if bounds.contains(&length) { Ok(Size::Exactly(2 + length)) } else { Err(otherwise) }
}

/// Returns the first bytes of the dialler.
pub(in crate::session) fn offer(versions: &[u16]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    put_versions(&mut bytes, versions);
    bytes
}

pub(in crate::session) fn offer_size(start: &[u8]) -> Result<Size, SessionError> {
    if start.starts_with(TLS_MAGIC) {
        return Ok(Size::Exactly(TLS_MAGIC.len()));
    }
    check_magic(start)?;
    list_size(start, MAGIC.len())
}

/// Returns the listener's answer to an offer: its bytes, and the version if the two have one in common.
pub(in crate::session) fn answer(offer: &[u8], ours: &[u16]) -> (Vec<u8>, Result<u16, SessionError>) {
    if offer == TLS_MAGIC {
        return (MAGIC.to_vec(), Err(SessionError::PeerHasCertificates));
    }
    let theirs = take_versions(&offer[MAGIC.len()..]);
    let mut bytes = MAGIC.to_vec();
    let chosen = ours.iter().copied().find(|version| theirs.contains(version));
    bytes.extend_from_slice(&chosen.unwrap_or(0).to_be_bytes());
    if chosen.is_none() {
        put_versions(&mut bytes, ours);
    }
    (bytes, chosen.ok_or_else(|| SessionError::Version { theirs, ours: ours.to_vec() }))
}

pub(in crate::session) fn answer_size(start: &[u8]) -> Result<Size, SessionError> {
    check_magic(start)?;
    let head = MAGIC.len() + 2;
    match start.get(MAGIC.len()..head) {
        None => Ok(Size::AtLeast(head)),
        Some([0, 0]) => list_size(start, head),
        Some(_) => Ok(Size::Exactly(head)),
    }
}

/// Returns the version that the listener chose out of `ours`.
pub(in crate::session) fn chosen(answer: &[u8], ours: &[u16]) -> Result<u16, SessionError> {
    let (head, list) = answer.split_at(MAGIC.len() + 2);
    let version = u16::from_be_bytes([head[MAGIC.len()], head[MAGIC.len() + 1]]);
    if version != 0 && ours.contains(&version) {
        return Ok(version);
    }
    let theirs = if version == 0 { take_versions(list) } else { vec![version] };
    Err(SessionError::Version { theirs, ours: ours.to_vec() })
}

fn check_magic(start: &[u8]) -> Result<(), SessionError> {
    let known = start.len().min(MAGIC.len());
    match start {
        _ if start[..known] == MAGIC[..known] => Ok(()),
        _ if start.starts_with(TLS_MAGIC) => Err(SessionError::PeerHasCertificates),
        _ => Err(SessionError::Magic),
    }
}

/// The size of a preamble whose count of versions is at `at`.
fn list_size(start: &[u8], at: usize) -> Result<Size, SessionError> {
    match start.get(at) {
        None => Ok(Size::AtLeast(at + 1)),
        Some(&count) if (1..=MAX_VERSIONS).contains(&count) => Ok(Size::Exactly(at + 1 + 2 * usize::from(count))),
        Some(_) => Err(SessionError::Handshake("no versions, or too many")),
    }
}

fn put_versions(out: &mut Vec<u8>, versions: &[u16]) {
    let versions = &versions[..versions.len().min(usize::from(MAX_VERSIONS))];
    out.push(versions.len() as u8);
    for version in versions {
        out.extend_from_slice(&version.to_be_bytes());
    }
}

/// Reads what follows the count, whose size was checked before.
fn take_versions(list: &[u8]) -> Vec<u16> {
    list.get(1..).unwrap_or_default().chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}
