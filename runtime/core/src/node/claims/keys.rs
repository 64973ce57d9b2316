//! Actors by key, as stubs, connections and the ends of processes use them.
//!
//! A key such as `lobby` of the sharded actor `rooms` has the name `/rooms/lobby`. No registered name begins with a slash.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{AwaitsOwner, Owner};
use crate::base::{NodeName, UnreadMessage};
use crate::node::{EncodedMessage, LocalProcess, Node, WaitingMessage};
use crate::sync::{PoisonError, RwLock};

/// A key of a sharded actor.
#[derive(Clone)]
pub(crate) struct ActorKey {
    /// The name, such as `/rooms/lobby`.
    pub(crate) name: Arc<str>,
    /// The sharded actor and the key's slot in it, once they were looked up.
    place: OnceLock<KeyPlace>,
}

/// A sharded actor, and the slot of a key in it.
#[derive(Clone)]
pub(crate) struct KeyPlace {
    pub(crate) actors: Arc<dyn KeyedActors>,
    pub(crate) slot: u16,
}

/// A sharded actor on one node: its processes, and the messages that wait for them. Implemented by the registry.
pub(crate) trait KeyedActors: Send + Sync {
    /// Returns the slot of the key with this name.
    fn slot_of(&self, name: &str) -> u16;

    /// Returns the owner of a key, to which a message is sent now. A missing process of this node is started. `None` if the
    /// message has to wait. `from` is the node that has sent the message to this one.
    fn route(&self, node: &Node, slot: u16, name: &Arc<str>, from: Option<&NodeName>) -> Option<Owner>;

    /// Returns the process of the key, or else the node to which it belongs. Starts nothing.
    fn find(&self, node: &Node, slot: u16, name: &str) -> Option<Owner>;

    /// Lets a message wait, and sends it when that is possible.
    fn wait(&self, node: &Node, slot: u16, name: &Arc<str>, message: Arc<dyn AwaitsOwner>, from: Option<&NodeName>);

    /// Removes a message that is not to be sent any more.
    fn withdraw(&self, slot: u16, name: &str, message: *const ());

    /// Returns the time until which a message may wait whose sender does not wait for it. `None` if too many wait.
    fn keep(&self, node: &Node) -> Option<KeptMessage>;

    /// Decodes a message of another node, and sends it or lets it wait. Returns its place if it waits.
    ///
    /// # Errors
    /// The bytes are not a message of the protocol, or the message would have to wait without `can_wait`.
    fn deliver(
        &self,
        node: &Node,
        key: &ActorKey,
        message: EncodedMessage<'_>,
        can_wait: bool,
        from: &NodeName,
    ) -> Result<Option<WaitingMessage>, UnreadMessage>;

    /// Notes that the process of the key has ended.
    fn ended(&self, node: &Node, slot: u16, name: &Arc<str>, number: u64);

    /// Returns the actors for a downcast to their type.
    fn into_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync>;
}

/// The count of a message whose sender does not wait for it, as long as it waits, and the end of its time.
pub(crate) struct KeptMessage {
    pub(crate) until: std::time::Instant,
    pub(crate) _count: Arc<()>,
}

/// The sharded actors that a node hosts or has used, by name.
#[derive(Default)]
pub(crate) struct ShardedActors(RwLock<HashMap<Arc<str>, Arc<dyn KeyedActors>>>);

impl ShardedActors {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn KeyedActors>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns the actors with this name, or those that `make` returns, and whether they are new.
    pub(crate) fn get_or_insert(
        &self,
        name: &str,
        make: impl FnOnce() -> Arc<dyn KeyedActors>,
    ) -> (Arc<dyn KeyedActors>, bool) {
        let mut actors = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = actors.get(name) {
            return (Arc::clone(found), false);
        }
        let made = make();
        actors.insert(name.into(), Arc::clone(&made));
        (made, true)
    }
}

impl ActorKey {
    /// Returns the key with this name.
    pub(crate) fn new(name: Arc<str>) -> ActorKey {
        ActorKey { name, place: OnceLock::new() }
    }

    /// Returns the key of actors that are known.
    pub(crate) fn of(actors: Arc<dyn KeyedActors>, name: Arc<str>) -> ActorKey {
        let slot = actors.slot_of(&name);
        ActorKey { name, place: OnceLock::from(KeyPlace { actors, slot }) }
    }

    /// Returns the sharded actor and the slot. `None` if this node does not use the actor, and no node hosts it.
    pub(crate) fn place(&self, node: &Node) -> Option<&KeyPlace> {
        if let Some(place) = self.place.get() {
            return Some(place);
        }
        let (of, _) = self.name.strip_prefix('/')?.split_once('/')?;
        let actors = node.sharded_actors().get(of).or_else(|| node.inner.claims.get()?.hosted_actors(node, of))?;
        let slot = actors.slot_of(&self.name);
        Some(self.place.get_or_init(|| KeyPlace { actors, slot }))
    }

    /// Returns the owner of the key, to which a message is sent now: see [`KeyedActors::route`].
    pub(crate) fn route(&self, node: &Node) -> Option<Owner> {
        let KeyPlace { actors, slot } = self.place(node)?;
        actors.route(node, *slot, &self.name, None)
    }

    /// Returns the process of the key, or else the node to which it belongs. Starts nothing.
    pub(crate) fn find(&self, node: &Node) -> Option<Owner> {
        let KeyPlace { actors, slot } = self.place(node)?;
        actors.find(node, *slot, &self.name)
    }
}

impl Node {
    /// Returns the process that has a registered name, or the key with a name such as `/rooms/lobby`.
    pub(crate) fn find_name(&self, name: &str) -> Option<LocalProcess> {
        if !name.starts_with('/') {
            return self.names().find(name);
        }
        match ActorKey::new(name.into()).find(self)? {
            Owner::Process(process) => Some(process),
            Owner::Pid(_) | Owner::Node(_) => None,
        }
    }

    /// Frees the name of a process that ends.
    pub(crate) fn free_name(&self, name: &str, number: u64) {
        if !name.starts_with('/') {
            return self.names().free(name, number);
        }
        let key = ActorKey::new(name.into());
        if let Some(KeyPlace { actors, slot }) = key.place(self) {
            actors.ended(self, *slot, &key.name, number);
        }
    }
}

impl fmt::Debug for ActorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}
