use std::time::Duration;

use super::CookieKey;
use crate::base::NodeId;

/// What a session starts with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Who this node is.
    pub local: Hello,
    /// What the cluster's cookie gives.
    pub key: CookieKey,
    /// The cluster's name; nodes of another cluster are refused as those of another cookie are.
    pub cluster: String,
    pub role: Role,
    pub limits: Limits,
    /// T: silence that counts as loss. A tick goes out when nothing else did for a quarter of it.
    pub tick: Duration,
    /// Fresh from the operating system, for this session alone: it becomes the ephemeral key.
    pub entropy: [u8; 32],
}

/// Who opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dialler,
    Listener,
}

/// Who a node is, as it tells its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub node: NodeId,
    /// Where others may dial it; 1..=512 bytes.
    pub advertise: Option<String>,
    /// Random in each life of the node: who meets it again meets itself.
    pub instance: u64,
}

/// How much one connection may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The largest frame, in bytes; never more than `reassembly`.
    pub frame: usize,
    /// Large frames of the peer that may be incomplete at one time.
    pub lanes: usize,
    /// Bytes of those.
    pub reassembly: usize,
    /// Bytes of large frames that may be under way to the peer and not acknowledged: more of them fill a long line
    /// better, fewer delay small frames less. 256 KiB at least.
    pub window: usize,
    /// Bytes waiting at which senders feel back-pressure.
    pub high_water: usize,
    /// Connections in handshake at one time, of all of a node's.
    pub handshakes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame: 16 << 20,
            lanes: 1024,
            reassembly: 64 << 20,
            window: 1 << 20,
            high_water: 1 << 20,
            handshakes: 64,
        }
    }
}
