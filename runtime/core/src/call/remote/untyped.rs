//! Messages of protocols that this program does not have, which are written by the shape that their receiver has sent.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeTuple};

use super::route;
use crate::base::{CallErrorKind, NodeName, OwnDefinition, Untyped};
use crate::call::noted_call::Callee;
use crate::call::reply::slot::Slot;
use crate::call::target::{Identity, ReceiverId};
use crate::call::{Call, CallName, Cast, Reply};
use crate::node::{Node, RemoteTarget};

/// A message of another program's protocol.
pub(crate) struct UntypedMessage<'a> {
    /// The protocol, whose first variant is that of the message.
    pub(crate) protocol: &'a OwnDefinition,
    /// The bytes of each field; `None` for the one reply.
    pub(crate) fields: Vec<Option<Vec<u8>>>,
}

/// Bytes that are written as they are.
struct Raw(Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // postcard writes nothing but the elements of a tuple.
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in &self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

/// Sends a message to the process with this name on another node. Returns the call, if the message has a reply.
///
/// # Errors
/// The message was not sent.
pub(crate) fn send_untyped(
    node: &Node,
    (process, at): (&Arc<str>, &NodeName),
    message: UntypedMessage<'_>,
    call: &'static CallName,
) -> Result<Option<Call<Untyped>>, CallErrorKind> {
    let UntypedMessage { protocol, fields } = message;
    let slot = Slot::for_call(node);
    let is_call = fields.iter().any(Option::is_none);
    let mut reply = is_call.then(|| Reply::new(Arc::clone(&slot)));
    let (to, context) = (RemoteTarget::Name(process, at), node.message_context());
    let placement = route(node, to, (call.message, Some(protocol)), 0, context, |encoder| {
        for field in fields {
            match field {
                Some(bytes) => encoder.field(&Raw(bytes))?,
                None => reply.take().map_or(Ok(()), |reply| encoder.field(&reply))?,
            }
        }
        Ok(())
    })?;
    let receiver = ReceiverId::Name(Arc::clone(process), at.clone());
    let callee = Callee { number: 0, identity: Some(Arc::new(Identity { node: node.clone(), receiver })) };
    Ok(is_call.then(|| Call::new(slot, callee, call, Cast::from(placement))))
}
