//! The handle of a sharded actor, and the changes of its claims.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::sync::Arc;

use super::hosts::Hosts;
use super::sharding::Sharding;
use crate::actor::{Actor, Ref, Stub};
use crate::base::{NodeId, NodeName};
use crate::call::Address;
use crate::node::{ActorKey, KeyedActors, Node, Owner};
use crate::registry::Claim;
use crate::sync::PoisonError;
use crate::wire::FrameTarget;

/// An actor of which each key has one process in the cluster.
///
/// A process is started by the first message for its key, on the node to which the key belongs at that time. So a program
/// neither starts it nor looks for it. Nodes with [`host`](Sharded::host) run the processes; every node of the cluster can
/// send to them. A `Sharded` is a handle that is cheap to clone. The model is Akka's
/// [cluster sharding](https://doc.akka.io/libraries/akka-core/current/typed/cluster-sharding.html), and Orleans' grains.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::registry::Sharded;
///
/// #[actor]
/// struct Room {
///     name: String,
///     lines: Vec<String>,
/// }
///
/// #[actor]
/// impl Room {
///     #[init]
///     async fn open(name: String) -> Room {
///         Room { name, lines: Vec::new() }
///     }
///
///     #[call]
///     fn say(&mut self, line: String) -> String {
///         self.lines.push(line);
///         format!("{}: {} lines", self.name, self.lines.len())
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let rooms = Sharded::<Room>::named("rooms");
/// rooms.host(Room::open).start().await?;
///
/// // On any node of the cluster.
/// assert_eq!(rooms.at("lobby").say("hello".into()).await?, "lobby: 1 lines");
/// assert_eq!(rooms.at("lobby").say("bye".into()).await?, "lobby: 2 lines");
/// assert_eq!(rooms.at(7).say("hello".into()).await?, "7: 1 lines");
/// # Ok(())
/// # }
/// ```
///
/// # Slots
/// A key belongs to one of 4,096 slots. A slot has one owner: the node with the claim `slot/rooms/17` in the cluster's
/// [registry](crate::registry::Registry). So there is at most one process for a key, as far as that registry guarantees one
/// owner. With the [local view](crate::registry::LocalView), a network that is split can have one in each part. When the
/// parts connect again, the processes on one side receive [`Exit::ClaimLost`](crate::Exit::ClaimLost).
///
/// # Messages
/// - A message waits while the slot of its key is claimed or moves, and while there is no host. Calls wait within their
///   timeouts. A cast that is dropped waits for at most 10 s. At most 10,000 such casts of a sharded actor wait on a node;
///   more of them are lost, and counted.
/// - Messages of one process to one key arrive in their order, except while the slot of the key moves to another node.
/// - A message that was sent to a node which is lost is lost with it: its call fails with
///   [`NoConnection`](crate::CallErrorKind::NoConnection).
/// - Links and monitors start no process. A key without a process has none to them:
///   [`NoProc`](crate::Exit::NoProc).
/// - An event to a [`Recipient`](crate::Recipient) of a key does not wait: it fails with
///   [`NoProc`](crate::CastError::NoProc).
/// - A peer needs the right [`Right::Names`](crate::Right::Names) to send to keys, and the right
///   [`Right::Claim`](crate::Right::Claim) to be a host.
pub struct Sharded<A: Actor> {
    node: Node,
    /// `None` if the name is not valid, or is used with another protocol.
    sharding: Option<Arc<Sharding>>,
    name: Arc<str>,
    _actor: PhantomData<fn(A)>,
}

/// The longest name of a sharded actor, in bytes.
pub(super) const MAX_NAME: usize = 100;

impl<A: Actor> Sharded<A> {
    /// Returns the sharded actor with this name, on the current node. All nodes use the same name for it.
    ///
    /// A name has 1 to 100 bytes, and no slash. With another name, or one that the node uses for another protocol, the
    /// stubs reach no process, and [`Host::start`](super::Host::start) fails.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::sharded`] there.
    #[track_caller]
    pub fn named(name: &str) -> Sharded<A> {
        Node::current().sharded(name)
    }

    /// Returns the stub for the process of a key. The text of the key identifies it: `7` and `"7"` are one key.
    ///
    /// The name of the actor and the key together have at most 253 bytes; with a longer key the stub reaches no process.
    pub fn at(&self, key: impl Display) -> Ref<A> {
        let key = key_name(&self.name, &key);
        let address = match &self.sharding {
            Some(sharding) if key.len() <= FrameTarget::MAX_NAME => {
                let actors = Arc::clone(sharding) as Arc<dyn KeyedActors>;
                Address::keyed(self.node.clone(), ActorKey::of(actors, key))
            }
            _ => Address::of_pid(self.node.clone(), self.node.pid(0)),
        };
        Ref::<A>::__new(address)
    }

    /// Returns the node that has the slot of a key, in the view of this node. `None` if no node does.
    pub fn node_of(&self, key: impl Display) -> Option<NodeName> {
        let sharding = self.sharding.as_ref()?;
        let name = key_name(&self.name, &key);
        match sharding.find(&self.node, sharding.slot_of(&name), &name)? {
            Owner::Process(_) => Some(self.node.name().clone()),
            Owner::Node(name) => Some(name),
            Owner::Pid(pid) => Some(pid.node().clone()),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn sharding(&self) -> Option<&Arc<Sharding>> {
        self.sharding.as_ref()
    }
}

#[cfg(feature = "registry")]
impl Node {
    /// Returns the sharded actor with this name, as [`Sharded::named`].
    pub fn sharded<A: Actor>(&self, name: &str) -> Sharded<A> {
        let is_valid = !name.is_empty() && name.len() <= MAX_NAME && !name.contains('/');
        let sharding = is_valid.then(|| sharding(self, name));
        let sharding = sharding.filter(|sharding| sharding.set_protocol::<A::Protocol>());
        Sharded { node: self.clone(), sharding, name: name.into(), _actor: PhantomData }
    }
}

fn key_name(actor: &str, key: &impl Display) -> Arc<str> {
    format!("/{actor}/{key}").into()
}

/// Returns the sharded actor with this name on a node.
fn sharding(node: &Node, name: &str) -> Arc<Sharding> {
    let (actors, is_new) = node.sharded_actors().get_or_insert(name, || Sharding::new(name));
    if is_new {
        // The claims until now. Later ones are published as they change.
        let claims = node.claims();
        for kind in ["host", "slot"] {
            claims.publish_all(node, &format!("{kind}/{name}/"));
        }
    }
    downcast(actors)
}

/// Returns the sharded actor with this name, if the node uses it.
pub(super) fn local_sharding(node: &Node, name: &str) -> Option<Arc<Sharding>> {
    node.sharded_actors().get(name).map(downcast)
}

fn downcast(actors: Arc<dyn KeyedActors>) -> Arc<Sharding> {
    actors.into_any().downcast().unwrap_or_else(|_| unreachable!("a node has one type of sharded actors"))
}

/// Returns the sharded actor with this name, if a node hosts it.
pub(in crate::registry) fn hosted_actors(node: &Node, name: &str) -> Option<Arc<dyn KeyedActors>> {
    let has_hosts = !node.claims().list(&format!("host/{name}/")).is_empty();
    has_hosts.then(|| sharding(node, name) as Arc<dyn KeyedActors>)
}

/// A change after which messages may be sent that wait.
pub(in crate::registry) struct Published {
    sharding: Arc<Sharding>,
    /// `None` for a change of the hosts.
    slot: Option<u16>,
}

/// Sets the owner of the slot, or the host, with this key. Returns `None` for another key, or if the node does not use the
/// actor.
pub(in crate::registry) fn publish(node: &Node, key: &str, claim: Option<&Claim>) -> Option<Published> {
    let (kind, rest) = key.split_once('/')?;
    if !matches!(kind, "host" | "slot") {
        return None;
    }
    let (name, rest) = rest.split_once('/')?;
    let sharding = local_sharding(node, name)?;
    if kind == "host" {
        let of = NodeName::new(rest).ok()?;
        let host = claim.filter(|claim| claim.node.name == of).map(|claim| (claim.node.clone(), version_of(claim)));
        let set = |hosts: &mut Hosts| hosts.set(name, &of, host);
        let is_changed = set(&mut sharding.hosts.write().unwrap_or_else(PoisonError::into_inner));
        return is_changed.then_some(Published { sharding, slot: None });
    }
    let at = rest.parse().ok().filter(|at| *at < super::SLOTS)?;
    sharding.slot(at).set_owner(claim.map(|claim: &Claim| (NodeId::clone(&claim.node), claim.token)));
    Some(Published { sharding, slot: Some(at) })
}

impl Published {
    /// Sends the messages that wait, as far as possible.
    pub(in crate::registry) fn flush(self, node: &Node) {
        match self.slot {
            Some(at) => self.sharding.flush_slot(node, at),
            None => self.sharding.flush_all(node),
        }
        self.sharding.changed.notify_one();
    }
}

/// Returns the version of the program in the claim of a host.
fn version_of(claim: &Claim) -> u64 {
    claim.value.as_slice().try_into().map_or(0, u64::from_be_bytes)
}

impl<A: Actor> Clone for Sharded<A> {
    fn clone(&self) -> Sharded<A> {
        let Sharded { node, sharding, name, .. } = self;
        Sharded { node: node.clone(), sharding: sharding.clone(), name: Arc::clone(name), _actor: PhantomData }
    }
}

impl<A: Actor> fmt::Debug for Sharded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("name", &self.name).finish_non_exhaustive()
    }
}
