//! The groups of a node, as its processes and connections use them.

use std::any::Any;
use std::sync::Arc;

use crate::base::{NodeId, SortedMap};
use crate::node::{AnyCell, Node};
use crate::wire::{Epoch, GroupUpdate};

/// The members of a group that belong to this node, by number.
pub(crate) type LocalMembers = SortedMap<u64, Arc<dyn AnyCell>>;

/// The groups of a node that takes part in them. Implemented by the registry, which sets it at the first use of a group.
pub(crate) trait GroupService: Send + Sync {
    /// Removes a process that has exited from all its groups.
    fn process_exited(&self, node: &Node, number: u64);

    /// Notes that the connection of this epoch is up.
    fn peer_up(&self, node: &Node, epoch: Epoch);

    /// Notes that another connection continues that of this epoch, with another process of the peer. Its members stay until it
    /// has announced others.
    fn peer_continued(&self, node: &Node, epoch: Epoch);

    /// Notes that the connection of this epoch is lost: the members on the peer have left.
    fn peer_down(&self, epoch: Epoch);

    /// Returns `true` if the peer of this connection takes part in groups, too.
    fn has_peer(&self, epoch: Epoch) -> bool;

    /// Acts on an update of a peer.
    fn handle_update(&self, node: &Node, peer: &Arc<NodeId>, epoch: Epoch, update: GroupUpdate);

    /// Returns the local members of the group with this name whose protocol has this name.
    fn local_members(&self, group: &str, protocol: &str) -> Option<Arc<LocalMembers>>;

    /// Returns the names of the groups of a process of this node.
    #[cfg(feature = "upgrade")]
    fn groups_of(&self, number: u64) -> Vec<String>;

    /// Returns the service for a downcast to its type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl Node {
    /// Returns the groups, once the node takes part in them.
    pub(crate) fn group_service(&self) -> Option<&Arc<dyn GroupService>> {
        self.inner.groups.get()
    }

    /// Returns the groups. At the first call, the node begins to take part in them, with the service that `make` returns.
    pub(crate) fn group_service_or_init(&self, make: impl FnOnce() -> Arc<dyn GroupService>) -> &Arc<dyn GroupService> {
        let mut is_first = false;
        let service = self.inner.groups.get_or_init(|| {
            is_first = true;
            make()
        });
        if is_first && let Some(router) = self.router() {
            // A connection that comes up meanwhile is in this list, or finds the service.
            for epoch in router.epochs() {
                service.peer_up(self, epoch);
            }
        }
        service
    }
}
