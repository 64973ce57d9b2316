//! The means by which a node opens connections, and the report of their ends.

use std::sync::Arc;
use std::time::Duration;

use super::refused;
use crate::base::NodeName;
use crate::cluster::Cluster;
use crate::cluster::access::Access;
use crate::log;
use crate::net::{Closed, Transport};
use crate::node::Node;
use crate::session::{Hello, Role};

/// Opens and runs the connections of a node. Each of its tasks has a clone.
#[derive(Clone)]
pub(in crate::cluster) struct Connector {
    pub(in crate::cluster) node: Node,
    pub(in crate::cluster) cluster: Arc<Cluster>,
    pub(in crate::cluster) transport: Arc<dyn Transport>,
    pub(in crate::cluster) access: Access,
    pub(in crate::cluster) cluster_name: String,
    pub(in crate::cluster) hello: Hello,
    pub(in crate::cluster) tick: Duration,
}

/// The reason for which a connection is opened.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// The peer has dialled this node.
    Accept,
    /// The peer is at the address of a seed.
    Seed,
    /// The peer is the member with this name, or the connection is refused.
    Member(NodeName),
}

impl Purpose {
    pub(super) fn role(&self) -> Role {
        match self {
            Purpose::Accept => Role::Listener,
            Purpose::Seed | Purpose::Member(_) => Role::Dialler,
        }
    }
}

/// The end of a connection.
pub(super) struct ConnectionEnd {
    pub(super) closed: Closed,
    /// The peer's name, if its hello has arrived.
    pub(super) peer: Option<NodeName>,
    /// The time that the connection was up, if it was.
    pub(super) up_for: Option<Duration>,
    /// The connection was paused, and another one can continue it.
    pub(super) is_suspended: bool,
}

impl Connector {
    /// Logs the end of a connection with this address.
    pub(super) fn report(&self, role: Role, address: &str, ended: &ConnectionEnd) {
        let node = self.node.name();
        match (&ended.peer, &ended.closed) {
            (Some(peer), closed) if ended.is_suspended => {
                log::info!(target: "greenroom", %node, %peer, reason = %log::Escaped(closed), "paused connection ended: its successor continues it");
            }
            (Some(peer), closed @ (Closed::ByThisNode | Closed::ByPeer)) if ended.up_for.is_some() => {
                log::info!(target: "greenroom", %node, %peer, reason = %log::Escaped(closed), "connection closed");
            }
            (Some(peer), closed) if ended.up_for.is_some() => {
                log::warn!(target: "greenroom", %node, %peer, reason = %log::Escaped(closed), "node down");
            }
            (_, closed) => refused::refused(&self.node, role, address, closed),
        }
    }
}
