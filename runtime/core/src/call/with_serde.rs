//! Stubs, recipients and replies as bytes in messages between nodes.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reply::remote_caller::RemoteCaller;
use super::reply::slot::Slot;
use super::target::{FOLLOWING, ReceiverId, Target, TargetCell};
use super::{Address, Recipient, Reply};
use crate::base::{CastError, NodeName, OwnDefinition, Pid, Protocol};
#[cfg(feature = "net")]
use crate::base::{DecodeError, Decoder};
#[cfg(feature = "registry")]
use crate::node::ActorKey;
use crate::node::{AnswerSlot, AnyCell, Current, LocalProcess, Node};
use crate::process::type_definition;
use crate::shape::{REPLY, STUB};

/// The serialized form of a target.
#[derive(Serialize, Deserialize)]
enum EncodedTarget {
    Pid(Pid),
    Name(String, NodeName),
    /// A supervised child over its restarts: its id and its path. The path does not identify the child, since another tree
    /// can have it later.
    Child(Pid, String),
    /// The process that has a global name.
    Global(String),
    /// The process of a key, by its name.
    Key(String),
}

/// The longest name of a process in a stub that is received, in bytes. No process has a longer one.
const MAX_NAME: usize = 255;
/// The longest path that a stub carries, in bytes. Of a longer one it carries the end.
const MAX_PATH: usize = 255;

/// A process of this node can be reached from other nodes once a stub of it was serialized.
impl<C: AnyCell + ?Sized> Serialize for Target<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded: EncodedTarget = match self {
            Target::Cell { cell, number: FOLLOWING } => match cell.child_id().zip(cell.path()) {
                Some((id, path)) => {
                    let _ = Arc::clone(cell).list_child();
                    cell.export_child();
                    EncodedTarget::Child(id, shortened(path))
                }
                // A child that ended in its `init` and is not restarted.
                None => EncodedTarget::Pid(cell.node().pid(0)),
            },
            Target::Cell { cell, number } => {
                cell.export_pid();
                EncodedTarget::Pid(cell.node().pid(*number))
            }
            Target::Identity(identity) => match &identity.receiver {
                ReceiverId::Pid(pid) => EncodedTarget::Pid(pid.clone()),
                ReceiverId::Child { id, path } => EncodedTarget::Child(id.clone(), path.to_string()),
                ReceiverId::Name(name, at) => EncodedTarget::Name(name.to_string(), at.clone()),
                ReceiverId::Global(name) => EncodedTarget::Global(name.to_string()),
                #[cfg(feature = "registry")]
                ReceiverId::Key(key) => EncodedTarget::Key(key.name.to_string()),
            },
        };
        encoded.serialize(serializer)
    }
}

/// Requires a current node: a running process, or `node.enter()`.
impl<'de, C: TargetCell + ?Sized> Deserialize<'de> for Target<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let encoded = EncodedTarget::deserialize(deserializer)?;
        use EncodedTarget::{Global, Key, Name};
        if matches!(&encoded, Name(name, _) | Global(name) | Key(name) if name.len() > MAX_NAME) {
            return Err(D::Error::custom("the name of a process in a stub is longer than 255 bytes"));
        }
        let node = Current::node().ok_or_else(|| {
            D::Error::custom("a stub can be deserialized only inside a process, or after `node.enter()`")
        })?;
        decode(node, encoded).map_err(D::Error::custom)
    }
}

fn decode<C: TargetCell + ?Sized>(node: Node, encoded: EncodedTarget) -> Result<Target<C>, CastError> {
    Ok(match encoded {
        EncodedTarget::Pid(pid) => match exported(&node, &pid) {
            Some(LocalProcess { number, cell }) if number != FOLLOWING => {
                Target::Cell { cell: C::of_process(cell, &pid)?, number }
            }
            _ => Target::identity(node, ReceiverId::Pid(pid)),
        },
        EncodedTarget::Child(id, path) => match exported(&node, &id) {
            Some(LocalProcess { number: FOLLOWING, cell }) => {
                Target::Cell { cell: C::of_process(cell, &path)?, number: FOLLOWING }
            }
            _ => Target::identity(node, ReceiverId::Child { id, path: shortened(&path).into() }),
        },
        EncodedTarget::Name(name, at) => Target::identity(node, ReceiverId::Name(name.into(), at)),
        EncodedTarget::Global(name) => Target::identity(node, ReceiverId::Global(name.into())),
        #[cfg(feature = "registry")]
        EncodedTarget::Key(name) => Target::identity(node, ReceiverId::Key(ActorKey::new(name.into()))),
        #[cfg(not(feature = "registry"))]
        EncodedTarget::Key(name) => Target::identity(node, ReceiverId::Global(name.into())),
    })
}

/// Returns the process or child of this node, if it was sent to another node before. Any other was guessed.
fn exported(node: &Node, pid: &Pid) -> Option<LocalProcess> {
    if pid.belongs_to(node.id()) { node.exported(pid.number()) } else { None }
}

/// Returns the end of a path that is too long to be sent.
fn shortened(path: &str) -> String {
    let start = path.ceil_char_boundary(path.len().saturating_sub(MAX_PATH));
    if start == 0 { path.to_owned() } else { format!("…{}", &path[start..]) }
}

impl<M: Protocol> Serialize for Address<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Protocol> Deserialize<'de> for Address<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(STUB, StubVisitor::of(M::NAME)).map(Address)
    }
}

impl<E> Serialize for Recipient<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.target.serialize(serializer)
    }
}

impl<'de, E> Deserialize<'de> for Recipient<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(STUB, StubVisitor::of(type_name::<E>())).map(Recipient::new)
    }
}

/// Deserializes a target as a stub: see [`STUB`].
struct StubVisitor<C: ?Sized> {
    /// The name of the stub's protocol, or of the recipient's event.
    name: &'static str,
    /// The name has been read.
    is_named: bool,
    target: PhantomData<fn(Box<C>)>,
}

impl<C: ?Sized> StubVisitor<C> {
    fn of(name: &'static str) -> StubVisitor<C> {
        StubVisitor { name, is_named: false, target: PhantomData }
    }
}

impl<'de, C: TargetCell + ?Sized> Visitor<'de> for StubVisitor<C> {
    type Value = Target<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stub")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Target<C>, D::Error> {
        if self.is_named {
            return Target::deserialize(deserializer);
        }
        deserializer.deserialize_newtype_struct(self.name, StubVisitor { is_named: true, ..self })
    }
}

/// Works only in a message to another node, and for the successor of the node. A reply written elsewhere, as to a file, could not be answered.
///
/// The bytes are the index of the reply in its message. The frame of the message has the call's id, and the peer that
/// sends it is the caller.
impl<T: Serialize + DeserializeOwned + Send + 'static> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "upgrade")]
        if let Some(index) = Current::record_call(|| self.kept_call()) {
            return index.serialize(serializer);
        }
        let index = self.slot.as_ref().and_then(|slot| {
            Current::record_reply(|node| match &slot.remote_caller {
                None => {
                    let id = node.pending_calls().insert(Arc::clone(slot) as Arc<dyn AnswerSlot>, None);
                    if !slot.set_remote_id(node.clone(), id) {
                        node.give_up_call(id);
                    }
                    id
                }
                Some(caller) => caller.pass_on(node),
            })
        });
        let index = index.ok_or_else(|| S::Error::custom("a reply can be serialized only in a message to a node"))?;
        if let Some(slot) = &self.slot {
            slot.mark_passed_on();
        }
        index.serialize(serializer)
    }
}

impl<'de, T: Serialize + DeserializeOwned + 'static> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply<T>, D::Error> {
        deserializer.deserialize_newtype_struct(REPLY, ReplyVisitor(PhantomData))
    }
}

/// Deserializes a reply: see [`REPLY`].
struct ReplyVisitor<T>(PhantomData<fn(T)>);

impl<'de, T: Serialize + DeserializeOwned + 'static> Visitor<'de> for ReplyVisitor<T> {
    type Value = Reply<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reply")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Reply<T>, D::Error> {
        received(u32::deserialize(deserializer)?, |_| None)
    }

    /// In a message with another shape: the caller's version of the answer's type can differ, too.
    fn visit_u32<E: Error>(self, index: u32) -> Result<Reply<T>, E> {
        received(index, |node| Some(type_definition::<T>(node)))
    }

    /// The answer's type is recorded.
    fn visit_seq<A: SeqAccess<'de>>(self, mut answer: A) -> Result<Reply<T>, A::Error> {
        answer.next_element::<T>()?;
        Ok(Reply { slot: None })
    }
}

/// Reads a reply whose caller may have another version of the answer's type.
#[cfg(feature = "net")]
pub(super) fn read_typed_reply<T: Serialize + DeserializeOwned + 'static>(
    decoder: &mut Decoder<'_>,
) -> Result<Reply<T>, DecodeError> {
    let index = decoder.field::<u32>()?;
    let reply = received::<T, serde::de::value::Error>(index, |node| Some(type_definition::<T>(node)));
    reply.map_err(|error| DecodeError::Malformed(error.to_string().into()))
}

/// Returns the reply with this index in the message that is being decoded.
fn received<T: Serialize + DeserializeOwned + 'static, E: Error>(
    index: u32,
    definition: impl FnOnce(&Node) -> Option<Arc<OwnDefinition>>,
) -> Result<Reply<T>, E> {
    #[cfg(feature = "upgrade")]
    if let Some((node, call)) = Current::take_call(index) {
        return Ok(call.map_or(Reply { slot: None }, |call| Reply::of_kept_call(&node, call)));
    }
    let received = Current::take_received(index);
    let (node, caller, id) =
        received.ok_or_else(|| E::custom("a reply can be deserialized only in a message from a node"))?;
    let definition = definition(&node);
    let caller = RemoteCaller::new(node.clone(), (caller, id), definition, |value, encoder| encoder.field(value));
    Ok(Reply::new(Slot::new(&node, Some(Box::new(caller)))))
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;
    use crate::base::{Encoder, Payload};

    #[tokio::test]
    async fn the_name_in_a_received_stub_is_bounded() {
        let node = Node::local();
        let _entered = node.enter();
        let read = |length: usize| {
            let at = NodeName::new("shop@test").unwrap();
            let mut payload = Payload::default();
            let target = EncodedTarget::Name("n".repeat(length), at);
            Encoder::new(&mut payload, usize::MAX).field(&target).unwrap();
            Decoder::new(&payload.to_source()).field::<Target<dyn AnyCell>>().map(|_| ())
        };
        assert_eq!(read(MAX_NAME), Ok(()));
        assert!(matches!(read(MAX_NAME + 1), Err(DecodeError::Malformed(_))));
        assert!(matches!(read(1 << 20), Err(DecodeError::Malformed(_))));
    }
}
