//! The first sealed record of each side: who it is, and how much it takes.
//!
//! | bytes | |
//! |---|---|
//! | `6` | the chunk's kind |
//! | length *n* | of what follows, at most 1,024 |
//! | 8 bytes | instance, least byte first |
//! | *n* | incarnation |
//! | *n*, bytes | the node's name |
//! | `0`, or `1` *n*, bytes | the address that it advertises |
//! | *n*, *n*, *n* | the largest frame it takes, and how many frames and bytes of them in fragments at once |
//!
//! A session is up once it has received this. The record proves that the peer took part in *this* handshake; a
//! handshake message does not, since an attacker may have recorded it.

use crate::base::{NodeId, NodeName};
use crate::wire::WireError;
use crate::wire::varint::{self, Reader};

use super::{Hello, Limits};

/// The longest hello, in bytes.
pub(super) const MAX: usize = 1024;
/// The longest advertised address, in bytes.
pub(super) const MAX_ADVERTISE: usize = 512;

/// The limits of what one side receives. The other side's sender obeys them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceiveLimits {
    /// The largest frame.
    pub(super) frame: usize,
    /// Frames that are incomplete at one time.
    pub(super) lanes: usize,
    /// Bytes of those.
    pub(super) reassembly: usize,
}

impl ReceiveLimits {
    pub(super) fn of(limits: &Limits) -> ReceiveLimits {
        ReceiveLimits {
            frame: limits.frame.min(limits.reassembly),
            lanes: limits.lanes.max(1),
            reassembly: limits.reassembly,
        }
    }
}

/// Encodes a hello; `None` if the advertised address is too long.
pub(super) fn encode(hello: &Hello, receive_limits: ReceiveLimits) -> Option<Vec<u8>> {
    let mut out = hello.instance.to_le_bytes().to_vec();
    varint::put(&mut out, hello.node.incarnation);
    put_text(&mut out, hello.node.name.as_str());
    match &hello.advertise {
        None => out.push(0),
        Some(address) if address.is_empty() || address.len() > MAX_ADVERTISE => return None,
        Some(address) => {
            out.push(1);
            put_text(&mut out, address);
        }
    }
    for bound in [receive_limits.frame, receive_limits.lanes, receive_limits.reassembly] {
        varint::put(&mut out, bound as u64);
    }
    Some(out)
}

pub(super) fn decode(bytes: &[u8]) -> Result<(Hello, ReceiveLimits), WireError> {
    let mut reader = Reader::new(bytes);
    let instance = reader.fixed()?;
    let incarnation = reader.varint()?;
    let name = NodeName::new(reader.text(NodeName::MAX)?).map_err(|_| WireError::Text)?;
    let advertise = match reader.byte()? {
        0 => None,
        1 => Some(reader.text(MAX_ADVERTISE)?.to_owned()),
        other => return Err(WireError::Kind(other)),
    };
    let mut bound = || reader.varint().map(|value| usize::try_from(value).unwrap_or(usize::MAX));
    let receive_limits = ReceiveLimits { frame: bound()?, lanes: bound()?.max(1), reassembly: bound()? };
    reader.finish()?;
    // A frame within the limit must fit into the peer's reassembly, or a large one would wait for ever.
    let receive_limits = ReceiveLimits { frame: receive_limits.frame.min(receive_limits.reassembly), ..receive_limits };
    Ok((Hello { node: NodeId { name, incarnation }, advertise, instance }, receive_limits))
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    varint::put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
