use std::sync::Arc;
use std::time::Duration;

use super::Cookie;
use crate::net::Network;
use crate::node::Node;

/// Several nodes in one program, connected by links in memory: no socket, no waiting for a real clock.
///
/// Nodes are named `n0@test`, `n1@test`, and so on.
pub struct Cluster {
    network: Network,
    nodes: Vec<Node>,
}

/// Silence that counts as loss: short, since the clock of a test costs nothing.
const TICK: Duration = Duration::from_secs(4);

impl Cluster {
    /// Starts `count` nodes, each connected with all before it.
    ///
    /// # Panics
    /// If they do not connect, which is a failed test.
    pub async fn in_memory(count: usize) -> Cluster {
        let network = Network::new();
        let cookie = Cookie::random().expect("random bytes");
        let mut nodes: Vec<Node> = Vec::new();
        for index in 0..count {
            let name = host(index);
            let mut builder = Node::builder(format!("n{index}@test"))
                .cookie(cookie.clone())
                .listen(&name)
                .tick(TICK)
                .transport(Arc::new(network.host(&name)));
            for other in 0..index {
                builder = builder.seed(host(other));
            }
            let node = builder.start().await.expect("a node in memory starts");
            assert_eq!(node.peers().len(), index, "a node in memory reaches all others");
            nodes.push(node);
        }
        // Who dialled knows of a connection a moment before who was dialled.
        while nodes.iter().any(|node| node.peers().len() + 1 < count) {
            tokio::task::yield_now().await;
        }
        Cluster { network, nodes }
    }

    /// The node with this index.
    ///
    /// # Panics
    /// If there is none.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// Breaks the links between two nodes, and refuses new ones until [`heal`](Cluster::heal).
    pub fn partition(&self, a: usize, b: usize) {
        self.network.cut(&host(a), &host(b));
    }

    /// Lets the links between two nodes stand and carry nothing: the loss shows only by silence.
    pub fn stall(&self, a: usize, b: usize) {
        self.network.stall(&host(a), &host(b));
    }

    /// Undoes [`partition`](Cluster::partition) and [`stall`](Cluster::stall); the nodes find each other again.
    pub fn heal(&self, a: usize, b: usize) {
        self.network.heal(&host(a), &host(b));
    }

    /// Stops all nodes in order.
    pub async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

fn host(index: usize) -> String {
    format!("host{index}")
}
