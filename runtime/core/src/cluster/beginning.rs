//! The beginning of a node, which a layer above determines: anew, or in place of a predecessor. The connections of a node
//! begin when it is the turn of this process.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::links::{Connector, Seed};
use super::membership::{DynDiscovery, Request};
use crate::base::NodeName;
use crate::net::{BoxFuture, BoxedListener, Listener, Transport, is_at};
use crate::node::Node;
#[cfg(all(feature = "upgrade", unix))]
use crate::node::{PausedPeer, SocketName};

/// The beginning of a node.
pub(crate) struct Beginning {
    /// The incarnation that the node continues.
    pub(crate) incarnation: Option<u64>,
    /// The socket at which the node continues to listen, if that is its address.
    pub(crate) listener: Option<BoxedListener>,
    /// The peers whose connections the node continues.
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) peers: Vec<PausedPeer>,
    /// Executed with the new node, before it has connections.
    pub(crate) begun: Box<dyn FnOnce(&Node) + Send>,
    /// Executed when the node has started.
    pub(crate) started: Box<dyn FnOnce() + Send>,
}

/// Returns the beginning of the node with a name.
pub(super) type Begin = Box<dyn FnOnce(NodeName) -> BoxFuture<'static, Beginning> + Send + Sync>;

impl Default for Beginning {
    fn default() -> Beginning {
        Beginning {
            incarnation: None,
            listener: None,
            #[cfg(all(feature = "upgrade", unix))]
            peers: Vec::new(),
            begun: Box::new(|_| {}),
            started: Box::new(|| {}),
        }
    }
}

/// Returns the inherited listener if it is at `address`, and otherwise a new one.
pub(super) async fn listener_at(
    address: &str,
    inherited: Option<BoxedListener>,
    transport: &dyn Transport,
) -> io::Result<BoxedListener> {
    if let Some(listener) = inherited {
        let is_same = match listener.address().parse() {
            Ok(socket) => is_at(socket, address).await?,
            // In memory.
            Err(_) => listener.address() == address,
        };
        if is_same {
            return Ok(listener);
        }
    }
    transport.listen(address).await
}

impl Connector {
    /// Lets a successor take over the socket at which the node listens.
    pub(super) fn keep_socket(&self, listener: &dyn Listener) {
        #[cfg(all(feature = "upgrade", unix))]
        if let Some(socket) = listener.socket() {
            self.node.succession().keep_socket(SocketName::Node, &socket);
        }
    }

    /// Dials the seeds and the addresses that the discoveries return, and keeps the members connected, from the turn of this
    /// process on. Resolves after the first attempt at each.
    pub(super) async fn dial_all(
        self,
        seeds: Vec<String>,
        discoveries: Vec<Arc<dyn DynDiscovery>>,
        requests: mpsc::UnboundedReceiver<Request>,
    ) {
        self.node.own_turn().await;
        let (spawner, closing) = (self.node.spawner(), &self.cluster.closing);
        spawner.spawn(self.clone().keep_members(requests, closing.subscribe()));
        // Each task drops a sender after the first attempt.
        let (tried, mut all_tried) = mpsc::channel(1);
        for address in seeds {
            spawner.spawn(self.clone().seed(Seed::lasting(address), Some(tried.clone()), closing.subscribe()));
        }
        for discovery in discoveries {
            spawner.spawn(self.clone().discover(discovery, tried.clone(), closing.subscribe()));
        }
        drop(tried);
        all_tried.recv().await;
    }
}
