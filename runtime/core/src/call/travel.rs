//! Stubs and replies in bytes: what of them goes to another node, and what becomes of it there.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::{Address, Kind};
use super::recipient::{Recipient, Whom};
use super::reply::{Far, RemoteCaller, Reply};
use super::slot::Slot;
use crate::base::{NodeId, NodeName, Pid, Protocol};
use crate::node::{Answerable, Current, Node, Resident};
use crate::process::Cell;

/// An address in bytes: a pid, or else a name on a node. An enum of two, and one that serde knows.
type Travelling = Result<Pid, (String, NodeName)>;

/// A process of this node in bytes: from now on others can reach it.
fn written(node: &Node, resident: &dyn Resident, pid: Option<Pid>, follows: bool) -> Travelling {
    // A place travels by its path, and so follows the child from there too.
    if follows && let Some(path) = resident.export_place() {
        return Err((path, node.name().clone()));
    }
    resident.export();
    Ok(pid.unwrap_or_else(|| node.pid(0)))
}

/// A process of this node can be reached from others once its stub was written.
impl<M: Protocol> Serialize for Address<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let travelling = match self.kind() {
            Kind::Direct { cell, .. } => written(self.node(), &**cell, self.pid(), false),
            Kind::Child(cell) => written(self.node(), &**cell, self.pid(), true),
            Kind::Remote { pid, .. } => Ok(pid.clone()),
            Kind::Named { name, at, .. } => Err((name.to_string(), at.clone())),
        };
        travelling.serialize(serializer)
    }
}

/// Works where a node is current: inside a process, or after `node.enter()`.
impl<'de, M: Protocol> Deserialize<'de> for Address<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let travelling = Travelling::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| D::Error::custom("a stub is read only where a node is current"))?;
        let address = match travelling {
            Err((name, at)) => match own_place(&node, &name, &at).map(|place| place.into_any().downcast()) {
                Some(Ok(cell)) => Address::child(cell),
                Some(Err(_)) | None => Address::named(node, &name, Some(at)),
            },
            // A stub that was written has been exported; any other is a guess.
            Ok(pid) if **pid.node_id() == **node.id() => match node.exported(pid.number()) {
                Some(resident) => {
                    let cell = resident
                        .into_any()
                        .downcast::<Cell<M>>()
                        .map_err(|_| D::Error::custom("a stub of another protocol than its process"))?;
                    Address::direct(cell, pid.number())
                }
                None => Address::remote(node, pid),
            },
            Ok(pid) => Address::remote(node, pid),
        };
        Ok(address)
    }
}

/// The place of a tree of this node, come home; a name is none.
fn own_place(node: &Node, path: &str, at: &NodeName) -> Option<Arc<dyn Resident>> {
    let place = if at == node.name() { node.names().place(path) } else { None }?;
    // Only one whose stub was sent out can come home.
    place.is_place_exported().then_some(place)
}

/// A process of this node can be reached from others once its stub was written.
impl<E> Serialize for Recipient<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let travelling = match &self.whom {
            Whom::Here { node, resident, number } => written(node, &**resident, self.pid(), number.is_none()),
            Whom::Remote { pid, .. } => Ok(pid.clone()),
            Whom::Named { name, at, .. } => Err((name.to_string(), at.clone())),
        };
        travelling.serialize(serializer)
    }
}

/// Works where a node is current: inside a process, or after `node.enter()`.
impl<'de, E> Deserialize<'de> for Recipient<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let travelling = Travelling::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| D::Error::custom("a stub is read only where a node is current"))?;
        Ok(Recipient::new(match travelling {
            Err((name, at)) => match own_place(&node, &name, &at) {
                Some(resident) => Whom::Here { node, resident, number: None },
                None => Whom::Named { node, name: name.into(), at },
            },
            // A stub that was written has been exported; any other is a guess.
            Ok(pid) if **pid.node_id() == **node.id() => match node.exported(pid.number()) {
                Some(resident) => Whom::Here { node, resident, number: Some(pid.number()) },
                None => Whom::Remote { node, pid },
            },
            Ok(pid) => Whom::Remote { node, pid },
        }))
    }
}

/// A reply in bytes: on which node its call waits, and which one it is.
type Awaited = (NodeId, u64);

/// Works only within a message to another node: a reply in a file would be a duty that nobody has.
impl<T: DeserializeOwned + Send + 'static> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut here = None;
        let id = self.slot.as_ref().and_then(|slot| {
            Current::note_reply(|node| {
                here = Some(NodeId::clone(node.id()));
                match &slot.far {
                    None => {
                        let id = node.pending().insert(Arc::clone(slot) as Arc<dyn Answerable>);
                        if !slot.set_remote(node.clone(), id) {
                            node.pending().remove(id);
                        }
                        id
                    }
                    // The answer comes back here and goes on from here, and so does the news that there is none:
                    // the new holder need not know the caller's node.
                    Some(far) => node.pending().insert(Arc::new(far.caller.clone())),
                }
            })
        });
        let awaited: Option<Awaited> = here.zip(id);
        let awaited = awaited.ok_or_else(|| S::Error::custom("a reply travels only inside a message"))?;
        if let Some(slot) = &self.slot {
            slot.pass_on();
        }
        awaited.serialize(serializer)
    }
}

impl<'de, T: Serialize + 'static> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply<T>, D::Error> {
        let (caller, id) = Awaited::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| D::Error::custom("a reply travels only inside a message"))?;
        let caller = RemoteCaller { node: node.clone(), caller: Arc::new(caller), id };
        let far = Far { caller, write: |value, encoder| encoder.field(value) };
        Ok(Reply::new(Slot::new(&node, Some(Box::new(far)))))
    }
}
