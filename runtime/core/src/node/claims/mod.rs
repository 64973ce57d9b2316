//! The claims of a node, as the layers below the registry use them.

mod global_names;
#[cfg(feature = "registry")]
mod keys;
mod owner;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use global_names::GlobalNames;
#[cfg(feature = "registry")]
pub(crate) use keys::{ActorKey, KeptMessage, KeyPlace, KeyedActors, ShardedActors};
pub(crate) use owner::{AwaitsOwner, Owner};

use super::Node;
use crate::base::NodeId;
#[cfg(feature = "net")]
use crate::wire::Epoch;

/// The claims of a node's processes and applications. Implemented by the registry.
pub(crate) trait NodeClaims: Send + Sync {
    /// Releases all claims at the stop of the node. Resolves when they are released, or after a limited time.
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Returns the number of claims that are held.
    fn held(&self) -> usize;

    /// Returns the sharded actor with this name, if a node hosts it.
    #[cfg(feature = "registry")]
    fn hosted_actors(&self, node: &Node, name: &str) -> Option<Arc<dyn KeyedActors>>;

    /// Returns the claims for a downcast to their type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The side of a node that exchanges claims with other nodes. Implemented by the registry.
#[cfg(feature = "net")]
pub(crate) trait ClaimExchange: Send + Sync {
    /// The connection to another member is up. Its frames follow.
    fn peer_up(&self, peer: &Arc<NodeId>, epoch: Epoch, is_full: bool);

    /// Another connection continues that of this epoch, with another process of the peer. Its frames follow.
    fn peer_continued(&self, peer: &Arc<NodeId>, epoch: Epoch, is_full: bool);

    /// A peer has sent a part of the exchange. `may_claim` states whether it has the right to.
    fn receive(&self, epoch: Epoch, part: &[u8], may_claim: bool);

    /// The connection is lost.
    fn peer_down(&self, epoch: Epoch);
}

impl Node {
    /// Returns the node's claims, which are started at the first use.
    pub(crate) fn claims_or_start(&self, start: impl FnOnce() -> Arc<dyn NodeClaims>) -> &Arc<dyn NodeClaims> {
        self.inner.claims.get_or_init(start)
    }

    pub(in crate::node) fn claims_held(&self) -> usize {
        self.inner.claims.get().map_or(0, |claims| claims.held())
    }

    /// Releases the claims of a node that stops.
    pub(in crate::node) async fn stop_claims(&self) {
        if let Some(claims) = self.inner.claims.get() {
            Arc::clone(claims).stop().await;
        }
    }

    /// Sets the side that exchanges claims with other nodes.
    #[cfg(feature = "net")]
    pub(crate) fn set_claim_exchange(&self, exchange: Arc<dyn ClaimExchange>) {
        // Called once, before the node is shared.
        let _ = self.inner.claim_exchange.set(exchange);
    }

    #[cfg(feature = "net")]
    pub(crate) fn claim_exchange(&self) -> Option<&Arc<dyn ClaimExchange>> {
        self.inner.claim_exchange.get()
    }
}
