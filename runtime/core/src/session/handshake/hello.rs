//! The first sealed record of each side: who it is, and how much it takes.
//!
//! | bytes | |
//! |---|---|
//! | `6` | the chunk's kind |
//! | length *n* | of what follows, at most 2,048 |
//! | fields | each with tag *n*, length *n* and so many bytes; tags ascend |
//!
//! | tag | field | value |
//! |---|---|---|
//! | `1` | name of the node | 1..=255 bytes |
//! | `2` | address at which it may be dialled, if there is one | 1..=512 bytes |
//! | `3` | incarnation | *n* |
//! | `4` | features | *n*, one bit for each; a missing field is 0. Bit 0: a [pause](crate::session). Bit 1: the
//! node reads trace contexts |
//! | `5` | instance | 8 bytes, least byte first |
//! | `6` | [metadata](crate::wire::membership), if there is any | |
//! | `7` | name of the cluster | 1..=255 bytes |
//! | `8` | connections to other members; a missing field is 0 | *n*: `0` to all, `1` on demand, others: none |
//! | `9` | tick, in milliseconds | *n*, 10 or more |
//! | `11` | largest piece of a frame | *n*, 1,024 or more |
//! | `13` | largest frame | *n* |
//! | `15` | frames in pieces at one time | *n* |
//! | `17` | bytes of those | *n* |
//!
//! An odd tag is *critical*: a node that does not know it refuses the connection, and every odd tag of this table must
//! be there. An even tag is skipped by a node that does not know it. So a later version can add fields of either kind.
//!
//! Tick, piece, frame and features are agreed: each side uses the smaller value of the two, and the common features.
//!
//! A session is accepted only after this record. The record proves that the peer took part in *this* handshake; a
//! handshake message does not, since an attacker may have recorded it.

use std::time::Duration;

use crate::base::{NodeId, NodeName};
use crate::wire::membership::{MAX_ADDRESS, put_metadata, take_metadata};
use crate::wire::varint::{self, Reader};
use crate::wire::{MeshKind, Metadata, WireError};

use super::{Hello, Limits};

/// The longest hello, in bytes.
pub(in crate::session) const MAX: usize = 2048;
/// The longest advertised address, in bytes.
pub(crate) const MAX_ADVERTISE: usize = MAX_ADDRESS;
/// The longest name of a cluster, in bytes.
pub(crate) const MAX_CLUSTER: usize = 255;
/// The shortest tick. A peer cannot make a node send ticks more often than four times in this.
pub(crate) const MIN_TICK: Duration = Duration::from_millis(10);
/// The feature of a node that can [pause](crate::session::pause) a connection, and continue it.
pub(in crate::session) const CAN_PAUSE: u64 = 1;
/// The feature of a node that reads the trace contexts of messages.
const READS_CONTEXTS: u64 = 1 << 1;
/// The features that concern the session.
const FEATURES: u64 = CAN_PAUSE;
const MIN_FRAGMENT: usize = 1024;

const NAME: u64 = 1;
const ADVERTISE: u64 = 2;
const INCARNATION: u64 = 3;
const FEATURE_BITS: u64 = 4;
const INSTANCE: u64 = 5;
const METADATA: u64 = 6;
const CLUSTER: u64 = 7;
const MESH: u64 = 8;
const TICK: u64 = 9;
const FRAGMENT: u64 = 11;
const FRAME: u64 = 13;
const LANES: u64 = 15;
const REASSEMBLY: u64 = 17;

/// The error of a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) enum HelloError {
    /// The bytes are not a list of fields, or a field has an invalid value.
    Bytes(WireError),
    /// A required field is missing.
    Missing(u64),
    /// A critical field that this version does not know.
    Unknown(u64),
}

impl From<WireError> for HelloError {
    fn from(error: WireError) -> HelloError {
        HelloError::Bytes(error)
    }
}

/// The limits of what one side receives. The other side's sender obeys them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct ReceiveLimits {
    /// The largest piece of a frame.
    pub(in crate::session) fragment: usize,
    /// The largest frame.
    pub(in crate::session) frame: usize,
    /// Frames that are incomplete at one time.
    pub(in crate::session) lanes: usize,
    /// Bytes of those.
    pub(in crate::session) reassembly: usize,
}

/// The content of a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct PeerHello {
    pub(in crate::session) hello: Hello,
    pub(in crate::session) cluster: String,
    pub(in crate::session) tick: Duration,
    pub(in crate::session) receive_limits: ReceiveLimits,
    pub(in crate::session) features: u64,
}

impl ReceiveLimits {
    pub(in crate::session) fn of(limits: &Limits) -> ReceiveLimits {
        ReceiveLimits {
            fragment: limits.fragment.clamp(MIN_FRAGMENT, Limits::MAX_FRAGMENT),
            frame: limits.frame.min(limits.reassembly),
            lanes: limits.lanes.max(1),
            reassembly: limits.reassembly,
        }
    }

    /// Returns the limits of what may be sent to a peer with the limits `peer`. A node sends nothing larger than it takes
    /// itself, so that both ends of a setting agree.
    pub(in crate::session) fn for_peer(self, peer: ReceiveLimits) -> ReceiveLimits {
        ReceiveLimits { fragment: self.fragment.min(peer.fragment), frame: self.frame.min(peer.frame), ..peer }
    }
}

/// Encodes a hello; `None` if the advertised address or the cluster's name is too long.
pub(in crate::session) fn encode(
    hello: &Hello,
    cluster: &str,
    tick: Duration,
    limits: ReceiveLimits,
) -> Option<Vec<u8>> {
    let fits = |text: &str, max| (1..=max).contains(&text.len());
    if !fits(cluster, MAX_CLUSTER) || hello.advertise.as_deref().is_some_and(|address| !fits(address, MAX_ADVERTISE)) {
        return None;
    }
    let mut out = Vec::new();
    put(&mut out, NAME, hello.node.name.as_str().as_bytes());
    if let Some(address) = &hello.advertise {
        put(&mut out, ADVERTISE, address.as_bytes());
    }
    put_number(&mut out, INCARNATION, hello.node.incarnation);
    let contexts = if hello.reads_contexts { READS_CONTEXTS } else { 0 };
    put_number(&mut out, FEATURE_BITS, FEATURES | contexts);
    put(&mut out, INSTANCE, &hello.instance.to_le_bytes());
    if !hello.metadata.is_empty() {
        let mut metadata = Vec::new();
        put_metadata(&mut metadata, &hello.metadata);
        put(&mut out, METADATA, &metadata);
    }
    put(&mut out, CLUSTER, cluster.as_bytes());
    if hello.mesh != MeshKind::Full {
        put_number(&mut out, MESH, hello.mesh.code());
    }
    put_number(&mut out, TICK, u64::try_from(tick.as_millis()).unwrap_or(u64::MAX));
    let ReceiveLimits { fragment, frame, lanes, reassembly } = limits;
    for (tag, value) in [(FRAGMENT, fragment), (FRAME, frame), (LANES, lanes), (REASSEMBLY, reassembly)] {
        put_number(&mut out, tag, value as u64);
    }
    Some(out)
}

pub(in crate::session) fn decode(bytes: &[u8]) -> Result<PeerHello, HelloError> {
    let (mut name, mut advertise, mut incarnation, mut instance, mut cluster) = (None, None, None, None, None);
    let (mut tick, mut fragment, mut frame, mut lanes, mut reassembly) = (None, None, None, None, None);
    let (mut features, mut metadata, mut mesh) = (0, Metadata::new(), MeshKind::Full);
    let mut reader = Reader::new(bytes);
    let mut last = 0;
    while !reader.is_empty() {
        let tag = reader.varint()?;
        // Each field once, in one order: a hello has one encoding.
        if tag <= last {
            return Err(WireError::Kind(tag.min(0xff) as u8).into());
        }
        last = tag;
        let length = usize::try_from(reader.varint()?).map_err(|_| WireError::Truncated)?;
        let value = reader.bytes(length)?;
        match tag {
            NAME => name = Some(NodeName::new(text(value, NodeName::MAX)?).map_err(|_| WireError::Text)?),
            ADVERTISE => advertise = Some(text(value, MAX_ADVERTISE)?.to_owned()),
            INCARNATION => incarnation = Some(number(value)?),
            FEATURE_BITS => features = number(value)?,
            INSTANCE => instance = Some(u64::from_le_bytes(value.try_into().map_err(|_| WireError::Number)?)),
            METADATA => {
                let mut reader = Reader::new(value);
                metadata = take_metadata(&mut reader)?;
                reader.finish()?;
            }
            MESH => mesh = MeshKind::of_code(number(value)?),
            CLUSTER => cluster = Some(text(value, MAX_CLUSTER)?.to_owned()),
            TICK => tick = Some(Duration::from_millis(number(value)?)),
            FRAGMENT => fragment = Some(size(value)?),
            FRAME => frame = Some(size(value)?),
            LANES => lanes = Some(size(value)?.max(1)),
            REASSEMBLY => reassembly = Some(size(value)?),
            critical if critical % 2 == 1 => return Err(HelloError::Unknown(critical)),
            _ => {}
        }
    }
    let missing = HelloError::Missing;
    let node = NodeId { name: name.ok_or(missing(NAME))?, incarnation: incarnation.ok_or(missing(INCARNATION))? };
    let instance = instance.ok_or(missing(INSTANCE))?;
    let cluster = cluster.ok_or(missing(CLUSTER))?;
    let tick = tick.ok_or(missing(TICK))?;
    let fragment = fragment.ok_or(missing(FRAGMENT))?;
    let reassembly = reassembly.ok_or(missing(REASSEMBLY))?;
    // A frame within the limit must fit into the peer's reassembly, or a large one would wait for ever.
    let frame = frame.ok_or(missing(FRAME))?.min(reassembly);
    let lanes = lanes.ok_or(missing(LANES))?;
    if tick < MIN_TICK || fragment < MIN_FRAGMENT {
        return Err(WireError::Number.into());
    }
    let receive_limits = ReceiveLimits { fragment, frame, lanes, reassembly };
    Ok(PeerHello {
        hello: Hello { node, advertise, instance, metadata, mesh, reads_contexts: features & READS_CONTEXTS != 0 },
        cluster,
        tick,
        receive_limits,
        features: features & FEATURES,
    })
}

fn put(out: &mut Vec<u8>, tag: u64, value: &[u8]) {
    varint::put(out, tag);
    varint::put(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_number(out: &mut Vec<u8>, tag: u64, value: u64) {
    let mut bytes = Vec::new();
    varint::put(&mut bytes, value);
    put(out, tag, &bytes);
}

fn number(value: &[u8]) -> Result<u64, WireError> {
    let mut reader = Reader::new(value);
    let number = reader.varint()?;
    reader.finish()?;
    Ok(number)
}

fn size(value: &[u8]) -> Result<usize, WireError> {
    number(value).map(|value| usize::try_from(value).unwrap_or(usize::MAX))
}

fn text(value: &[u8], max: usize) -> Result<&str, WireError> {
    if value.is_empty() || value.len() > max {
        return Err(WireError::Text);
    }
    std::str::from_utf8(value).map_err(|_| WireError::Text)
}
