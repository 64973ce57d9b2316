//! The configuration of a session.

use std::sync::Arc;
use std::time::Duration;

use super::{CookieKeys, Credentials, EphemeralKey, ReassemblyBudget};
use crate::base::NodeId;
use crate::wire::{MeshKind, Metadata};

/// The configuration that a session starts with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// This node's own hello.
    pub local: Hello,
    pub security: Security,
    /// The cluster's name, 1..=255 bytes. A node of another cluster is refused.
    pub cluster: String,
    pub role: Role,
    pub limits: Limits,
    /// The budget of all connections of the node.
    pub reassembly: ReassemblyBudget,
    /// The time after which a silent peer counts as lost, at least 10 ms. The two nodes use the shorter one of theirs.
    /// After a quarter of it without a record, a tick is sent.
    pub tick: Duration,
    pub ephemeral: EphemeralKey,
}

/// The proof that the two nodes are of one cluster. A session never changes from one to the other.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// The keys that are derived from the cluster's cookies.
    Cookie(CookieKeys),
    /// The certificate of this node, and the authorities of its peers.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Certificates(Arc<Credentials>),
}

/// The side of a connection that this node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dialler,
    Listener,
}

/// The description of a node that its peer receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub node: NodeId,
    /// The address at which others may dial it; 1..=512 bytes.
    pub advertise: Option<String>,
    /// Random in each incarnation of the node. A node that receives its own instance has dialled itself.
    pub instance: u64,
    /// The values with which the node was started.
    pub metadata: Metadata,
    /// The connections that the node opens to other members.
    pub mesh: MeshKind,
    /// The node reads the trace contexts of messages.
    pub reads_contexts: bool,
}

impl Hello {
    /// The value of `reads_contexts` for this program.
    pub(crate) const READS_CONTEXTS: bool = cfg!(feature = "trace-context");
}

/// The bounds of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The largest piece of a frame, in bytes: 1,024 to [`MAX_FRAGMENT`](Limits::MAX_FRAGMENT).
    pub fragment: usize,
    /// The largest frame, in bytes; never more than `reassembly`.
    pub frame: usize,
    /// A received frame of more bytes is decoded beside the connection's task.
    pub large: usize,
    /// Large frames of the peer that may be incomplete at one time.
    pub lanes: usize,
    /// Bytes of those.
    pub reassembly: usize,
    /// Bytes of those on all connections of a node, at least `reassembly`. Beyond them the connection that has the most
    /// ends.
    pub node_reassembly: usize,
    /// Bytes of large frames that may be on their way to the peer without an acknowledgement, at first. At least 256 KiB.
    pub window: usize,
    /// Waiting bytes from which on senders have to wait.
    pub high_water: usize,
    /// Memory of waiting frames, in bytes, from which on an answer is replaced by an error. At twice that, a connection is
    /// closed: its peer takes nothing.
    pub budget: usize,
    /// Links, and monitors of the peer, that processes of this node may have with those of the peer. Further ones end at
    /// once.
    pub relations: usize,
    /// Calls of the peer that this node may hold without an answer. Messages with further ones are refused.
    pub calls: usize,
    /// Peers that a node may be connected to at one time.
    pub peers: usize,
    /// Connections of a node that may be in handshake at one time.
    pub handshakes: usize,
}

impl Limits {
    /// The largest piece of a frame that this version sends or takes. One record holds it.
    pub(crate) const MAX_FRAGMENT: usize = 60 * 1024;
    /// The relations and the calls of a peer by default: one for each process of an Erlang node with the default limit.
    const PROCESSES: usize = 1 << 20;

    /// Returns the budget that all connections of a node share. One connection alone never exceeds it.
    pub(crate) fn reassembly_budget(&self) -> ReassemblyBudget {
        ReassemblyBudget::new(self.node_reassembly.max(self.reassembly))
    }

    /// Sets the largest frame: 64 KiB to 4 GiB. The bounds that must hold one frame grow with it.
    pub(crate) fn set_frame(&mut self, bytes: u64) {
        let bytes = usize::try_from(bytes.clamp(64 << 10, 4 << 30)).unwrap_or(usize::MAX);
        self.frame = bytes;
        self.reassembly = self.reassembly.max(bytes);
        self.budget = self.budget.max(bytes.saturating_mul(2));
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fragment: Limits::MAX_FRAGMENT,
            frame: 64 << 20,
            large: 256 << 10,
            lanes: 1024,
            reassembly: 64 << 20,
            node_reassembly: 512 << 20,
            window: 256 << 10,
            high_water: 1 << 20,
            budget: 256 << 20,
            relations: Limits::PROCESSES,
            calls: Limits::PROCESSES,
            peers: 1024,
            handshakes: 64,
        }
    }
}
