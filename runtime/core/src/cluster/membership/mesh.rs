//! The kinds of meshes, and what a node can do about its members.

use crate::base::{Member, NodeName};
use crate::node::Node;
use crate::wire::MeshKind;

/// The connections that a node opens to the other members of its cluster, for
/// [`NodeBuilder::membership`](crate::NodeBuilder::membership).
///
/// A node dials its seeds in any case. They announce the other members to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mesh(MeshKind);

impl Mesh {
    /// Connects the node with all members, as Erlang's nodes do. The default.
    pub fn full() -> Mesh {
        Mesh(MeshKind::Full)
    }

    /// Connects the node with a member when the first message is sent to it. For clusters with more members than a node
    /// should have connections.
    ///
    /// A connection between two such nodes is closed when it was idle for a minute or little more: no message was sent or
    /// received, and no call, link, monitor or group depends on it. The two nodes agree on that, so no message is lost. Both receive
    /// [`NodeEvent::Down`](crate::NodeEvent::Down), and the next message opens the connection again. The connection to a seed
    /// stays.
    pub fn on_demand() -> Mesh {
        Mesh(MeshKind::OnDemand)
    }

    /// Connects the node with its seeds only. It is not a member: it is not announced to other nodes, nor they to it. As an
    /// Erlang node that is started with [`-hidden`](https://www.erlang.org/doc/system/distributed.html#hidden-nodes).
    pub fn hidden() -> Mesh {
        Mesh(MeshKind::Hidden)
    }

    pub(in crate::cluster) fn kind(self) -> MeshKind {
        self.0
    }
}

#[cfg(feature = "net")]
impl Node {
    /// Returns the other members of the cluster, as far as they were announced to this node, in the order of their names.
    ///
    /// A member that this node is not connected to is in the list until it [leaves](Node::leave), or until it was not
    /// reached for an hour. A process receives the changes as [`NodeEvent`](crate::NodeEvent)s. A [hidden](Mesh::hidden)
    /// node has no members: see [`peers`](Node::peers).
    pub fn members(&self) -> Vec<Member> {
        self.router().map(|router| router.members()).unwrap_or_default()
    }

    /// Leaves the cluster and stops the node.
    ///
    /// The node refuses new connections and dials no more. It notifies the connected nodes, which then no longer dial it,
    /// and receive [`NodeEvent::Left`](crate::NodeEvent::Left). Then it stops as by [`stop`](Node::stop). After `stop`
    /// alone, the other nodes expect that the node comes back.
    ///
    /// Cancel-safe as [`stop`](Node::stop): once it has begun, the node leaves and stops.
    pub async fn leave(&self) {
        if let Some(router) = self.router() {
            router.leave();
        }
        self.stop().await;
    }

    /// Closes the connection to another node in order. Links and monitors between the two nodes receive
    /// [`NoConnection`](crate::Exit::NoConnection). Returns `false` if there was no connection.
    ///
    /// Neither node dials the other one again until a message, a link or a monitor needs the connection, or until it is
    /// restarted. As Erlang's
    /// [`disconnect_node`](https://www.erlang.org/doc/apps/erts/erlang.html#disconnect_node/1).
    pub fn disconnect(&self, peer: impl AsRef<str>) -> bool {
        let Ok(name) = NodeName::new(peer) else { return false };
        self.router().is_some_and(|router| router.part(&name))
    }
}
