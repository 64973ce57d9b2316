//! The parts of the exchange of claims between two nodes.
//!
//! A frame has the parts of one moment, in order. After the connection has come up, each node sends all claims of its own,
//! and then [`Part::Synced`].

use serde::{Deserialize, Serialize};

use crate::base::NodeId;
use crate::registry::Claim;

/// A part of the exchange. Later versions append variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// The sender has this claim.
    Claimed { key: String, token: u64, value: Vec<u8> },
    /// The sender's claim has ended, or the claim that was reserved for it is not made.
    Ended { key: String, token: u64 },
    /// The sender keeps the key, for which the receiver has the claim with this token: that one has to end.
    Kept { key: String, token: u64 },
    /// All claims of the sender were sent.
    Synced,
    /// The sender requests a key for which the receiver has the claim with this token, as far as the sender has received.
    Confirm { request: u64, key: String, token: u64 },
    /// The claim of [`Confirm`](Part::Confirm) has ended.
    Gone { request: u64 },
    /// The sender requests a key from its home node.
    Reserve { request: u64, key: String, value: Vec<u8> },
    /// The key is reserved for the receiver, which now claims it with this token.
    Reserved { request: u64, key: String, token: u64 },
    /// The key has another claim.
    Taken { request: u64, node: NodeId, token: u64, value: Vec<u8> },
    /// The key cannot be reserved, for this reason.
    Unable { request: u64, reason: String },
}

/// The bytes of parts in one frame, about.
const MAX_FRAME: usize = 16 * 1024;

impl Part {
    pub(super) fn claimed(claim: &Claim) -> Part {
        Part::Claimed { key: claim.key.clone(), token: claim.token, value: claim.value.clone() }
    }

    fn size(&self) -> usize {
        32 + match self {
            Part::Claimed { key, value, .. } | Part::Reserve { key, value, .. } => key.len() + value.len(),
            Part::Taken { node, value, .. } => node.name.as_str().len() + value.len(),
            Part::Ended { key, .. }
            | Part::Kept { key, .. }
            | Part::Confirm { key, .. }
            | Part::Reserved { key, .. } => key.len(),
            Part::Unable { reason, .. } => reason.len(),
            Part::Synced | Part::Gone { .. } => 0,
        }
    }
}

/// Returns the frames with these parts.
pub(super) fn encode(parts: Vec<Part>) -> Vec<Vec<u8>> {
    let (mut frames, mut next, mut size) = (Vec::new(), Vec::new(), 0);
    for part in parts {
        size += part.size();
        next.push(part);
        if size >= MAX_FRAME {
            frames.push(std::mem::take(&mut next));
            size = 0;
        }
    }
    frames.extend((!next.is_empty()).then_some(next));
    // Fails only without memory: the sizes are known.
    frames.iter().filter_map(|parts| postcard::to_allocvec(parts).ok()).collect()
}

/// Returns the parts of a frame, up to the first that cannot be read: it is of a later version.
pub(super) fn decode(frame: &[u8]) -> Vec<Part> {
    let Ok((count, mut rest)) = postcard::take_from_bytes::<u32>(frame) else { return Vec::new() };
    let mut parts = Vec::new();
    for _ in 0..count {
        let Ok((part, after)) = postcard::take_from_bytes(rest) else { break };
        parts.push(part);
        rest = after;
    }
    parts
}
