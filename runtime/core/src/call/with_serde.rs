//! Stubs and replies in bytes: what of them goes to another node, and what becomes of it there.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::remote_caller::RemoteCaller;
use super::slot::Slot;
use super::target::{FOLLOWING, Target, TargetCell};
use super::{Address, Recipient, Reply};
use crate::base::{CastError, NodeId, NodeName, Pid, Protocol, Subject};
use crate::node::{Answerable, AnyCell, Current, Node};

/// A target in bytes: a pid, or else a name on a node. A type with two variants that serde knows.
type EncodedTarget = Result<Pid, (String, NodeName)>;

/// A process of this node can be reached from others once its target was encoded.
impl<C: AnyCell + ?Sized> Serialize for Target<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded: EncodedTarget = match self {
            Target::Cell { cell, number } => match if *number == FOLLOWING { cell.export_path() } else { None } {
                // By its path a stub follows the child from other nodes too.
                Some(path) => Err((path, cell.node().name().clone())),
                None => {
                    cell.export_pid();
                    Ok(self.pid().unwrap_or_else(|| cell.node().pid(0)))
                }
            },
            Target::Identity(identity) => match &identity.subject {
                Subject::Pid(pid) => Ok(pid.clone()),
                Subject::Name(name, at) => Err((name.clone(), at.clone())),
            },
        };
        encoded.serialize(serializer)
    }
}

/// Works where a node is current: inside a process, or after `node.enter()`.
impl<'de, C: TargetCell + ?Sized> Deserialize<'de> for Target<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let encoded = EncodedTarget::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| D::Error::custom("a stub is read only where a node is current"))?;
        decode(node, encoded).map_err(D::Error::custom)
    }
}

fn decode<C: TargetCell + ?Sized>(node: Node, encoded: EncodedTarget) -> Result<Target<C>, CastError> {
    Ok(match encoded {
        Ok(pid) => match exported_process(&node, &pid) {
            Some(process) => Target::Cell { cell: C::of_process(process, &pid)?, number: pid.number() },
            None => Target::identity(node, Subject::Pid(pid)),
        },
        Err((name, at)) => match exported_place(&node, &name, &at).map(|process| C::of_process(process, &name)) {
            Some(Ok(cell)) => Target::Cell { cell, number: FOLLOWING },
            Some(Err(_)) | None => Target::identity(node, Subject::Name(name, at)),
        },
    })
}

/// The process of this node that a pid came back to. Only one that was sent out can come back; any other is a guess.
fn exported_process(node: &Node, pid: &Pid) -> Option<Arc<dyn AnyCell>> {
    if pid.is_of(node.id()) { node.exported(pid.number()) } else { None }
}

/// The supervised child of this node that a path came back to. Only one that was sent out can come back.
fn exported_place(node: &Node, path: &str, at: &NodeName) -> Option<Arc<dyn AnyCell>> {
    let place = if at == node.name() { node.names().place(path) } else { None }?;
    place.is_path_exported().then_some(place)
}

impl<M: Protocol> Serialize for Address<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Protocol> Deserialize<'de> for Address<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Target::deserialize(deserializer).map(Address)
    }
}

impl<E> Serialize for Recipient<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.target.serialize(serializer)
    }
}

impl<'de, E> Deserialize<'de> for Recipient<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Target::deserialize(deserializer).map(Recipient::new)
    }
}

/// A reply in bytes: the caller's node, and the call's id there.
type EncodedReply = (NodeId, u64);

/// Works only within a message to another node: a reply in a file would be a duty that nobody has.
impl<T: DeserializeOwned + Send + 'static> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut here = None;
        let id = self.slot.as_ref().and_then(|slot| {
            Current::note_reply(|node| {
                here = Some(NodeId::clone(node.id()));
                match &slot.remote_caller {
                    None => {
                        let id = node.pending().insert(Arc::clone(slot) as Arc<dyn Answerable>);
                        if !slot.set_remote(node.clone(), id) {
                            node.pending().remove(id);
                        }
                        id
                    }
                    Some(caller) => node.pending().insert(caller.forward()),
                }
            })
        });
        let awaited: Option<EncodedReply> = here.zip(id);
        let awaited = awaited.ok_or_else(|| S::Error::custom("a reply travels only inside a message"))?;
        if let Some(slot) = &self.slot {
            slot.pass_on();
        }
        awaited.serialize(serializer)
    }
}

impl<'de, T: Serialize + 'static> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply<T>, D::Error> {
        let (caller, id) = EncodedReply::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| D::Error::custom("a reply travels only inside a message"))?;
        let caller = RemoteCaller::new(node.clone(), Arc::new(caller), id, |value, encoder| encoder.field(value));
        Ok(Reply::new(Slot::new(&node, Some(Box::new(caller)))))
    }
}
