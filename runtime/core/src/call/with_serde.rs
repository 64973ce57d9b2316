//! Stubs, recipients and replies as bytes in messages between nodes.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reply::remote_caller::RemoteCaller;
use super::reply::slot::Slot;
use super::target::{FOLLOWING, Target, TargetCell};
use super::{Address, Recipient, Reply};
use crate::base::{CastError, NodeId, NodeName, Pid, Protocol, Subject};
use crate::node::{AnswerSlot, AnyCell, Current, Node};

/// The serialized form of a target: a pid, or a name on a node.
type EncodedTarget = Result<Pid, (String, NodeName)>;

/// A process of this node can be reached from other nodes once a stub of it was serialized.
impl<C: AnyCell + ?Sized> Serialize for Target<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded: EncodedTarget = match self {
            Target::Cell { cell, number } => match if *number == FOLLOWING { cell.export_path() } else { None } {
                // The path identifies the child over all restarts, on every node.
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

/// Requires a current node: a running process, or `node.enter()`.
impl<'de, C: TargetCell + ?Sized> Deserialize<'de> for Target<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let encoded = EncodedTarget::deserialize(deserializer)?;
        let node = Current::node().ok_or_else(|| {
            D::Error::custom("a stub can be deserialized only inside a process, or after `node.enter()`")
        })?;
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

/// Returns the process of this node with this pid, if the pid was sent to another node before. Any other was guessed.
fn exported_process(node: &Node, pid: &Pid) -> Option<Arc<dyn AnyCell>> {
    if pid.belongs_to(node.id()) { node.exported_process(pid.number()) } else { None }
}

/// Returns the supervised child of this node with this path, if the path was sent to another node before.
fn exported_place(node: &Node, path: &str, at: &NodeName) -> Option<Arc<dyn AnyCell>> {
    let place = if at == node.name() { node.names().cell_at(path) } else { None }?;
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

/// The serialized form of a reply: the node on which the call waits, and the call's id there.
type EncodedReply = (NodeId, u64);

/// Works only in a message to another node. A reply written elsewhere, as to a file, could not be answered.
impl<T: DeserializeOwned + Send + 'static> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut caller_node = None;
        let id = self.slot.as_ref().and_then(|slot| {
            Current::record_reply(|node| {
                caller_node = Some(NodeId::clone(node.id()));
                match &slot.remote_caller {
                    None => {
                        let id = node.pending_calls().insert(Arc::clone(slot) as Arc<dyn AnswerSlot>);
                        if !slot.set_remote_id(node.clone(), id) {
                            node.pending_calls().remove(id);
                        }
                        id
                    }
                    Some(caller) => node.pending_calls().insert(caller.forward()),
                }
            })
        });
        let encoded: Option<EncodedReply> = caller_node.zip(id);
        let encoded =
            encoded.ok_or_else(|| S::Error::custom("a reply can be serialized only in a message to a node"))?;
        if let Some(slot) = &self.slot {
            slot.mark_passed_on();
        }
        encoded.serialize(serializer)
    }
}

impl<'de, T: Serialize + 'static> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply<T>, D::Error> {
        let (caller, id) = EncodedReply::deserialize(deserializer)?;
        let node = Current::node()
            .ok_or_else(|| D::Error::custom("a reply can be deserialized only in a message from a node"))?;
        let caller = RemoteCaller::new(node.clone(), Arc::new(caller), id, |value, encoder| encoder.field(value));
        Ok(Reply::new(Slot::new(&node, Some(Box::new(caller)))))
    }
}
