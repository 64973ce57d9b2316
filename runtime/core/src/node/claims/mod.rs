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

    /// Returns the claims for the successor of this process in a live upgrade, if it can continue them. This process makes no
    /// requests from then on.
    #[cfg(feature = "upgrade")]
    fn hand_over(self: Arc<Self>) -> Option<Vec<u8>>;

    /// Makes requests again: the upgrade has failed, or this process is the successor and serves.
    #[cfg(feature = "upgrade")]
    fn resume(self: Arc<Self>);

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

    pub(crate) fn claims_held(&self) -> usize {
        self.inner.claims.get().map_or(0, |claims| claims.held())
    }

    /// Returns the claims for the successor of this process: see [`NodeClaims::hand_over`].
    #[cfg(feature = "upgrade")]
    pub(crate) fn hand_claims_over(&self) -> Option<Vec<u8>> {
        Arc::clone(self.inner.claims.get()?).hand_over()
    }

    /// Returns whether the claims have begun.
    #[cfg(all(feature = "registry", feature = "upgrade"))]
    pub(crate) fn has_used_claims(&self) -> bool {
        self.inner.claims.get().is_some()
    }

    /// Lets the claims make requests again: see [`NodeClaims::resume`].
    #[cfg(feature = "upgrade")]
    pub(crate) fn resume_claims(&self) {
        if let Some(claims) = self.inner.claims.get() {
            Arc::clone(claims).resume();
        }
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
