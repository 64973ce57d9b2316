//! A message that is encoded once, for the members of a group.

use std::sync::Arc;

use super::encode_caught;
use crate::base::{CastError, Definition, EncodeError, Encoder, MessageContext, NodeName, Payload, Protocol, Source};
use crate::call::Cast;
use crate::node::{Current, EncodedMessage, Node, OutgoingMessage, RemoteTarget, Room, SentMessage};
use crate::process::protocol_definition;
use crate::wire::Epoch;

/// The bytes of a message, and the definition of its protocol.
pub(crate) struct EncodedOnce {
    definition: Arc<Definition>,
    variant: u32,
    context: MessageContext,
    payload: Source,
}

impl EncodedOnce {
    /// Encodes a message.
    ///
    /// # Errors
    /// The message cannot be encoded, or contains a `Reply`.
    pub(crate) fn new<M: Protocol>(node: &Node, message: &M) -> Result<EncodedOnce, EncodeError> {
        let definition = protocol_definition::<M>(node).ok_or(EncodeError::Local)?;
        let definition = definition.get().map_err(|reason| EncodeError::Field(Arc::clone(reason)))?;
        let mut payload = Payload::default();
        let most = node.router().map_or(usize::MAX, |router| router.max_message_size());
        let mut encoder = Encoder::new(&mut payload, most);
        let encode = || encode_caught(node, M::NAME, || message.encode(&mut encoder));
        let (result, replies) = Current::collect_replies(node, encode);
        if !replies.is_empty() {
            let error = EncodeError::Field("a message to a group cannot contain a `Reply`".into());
            for id in replies {
                node.pending_calls().answer(id, None, Err(CastError::Encode(error.clone()).into()));
            }
            return Err(error);
        }
        result?;
        let variant = message.variant() as u32;
        let (definition, context) = (Arc::clone(definition), node.message_context());
        Ok(EncodedOnce { definition, variant, context, payload: payload.to_source() })
    }

    /// Sends the message to the members of a group on another node, as one frame. Returns the cast of a message that waits,
    /// or of one behind which the sender is to wait.
    ///
    /// # Errors
    /// The connection of this epoch did not take the message.
    pub(crate) fn send(
        &self,
        node: &Node,
        group: &Arc<str>,
        to: &NodeName,
        epoch: Epoch,
    ) -> Result<Option<Cast>, CastError> {
        let router = node.router().ok_or(CastError::NoConnection)?;
        let outgoing = OutgoingMessage {
            definition: Some(&self.definition),
            variant: self.variant,
            replies: Vec::new(),
            context: self.context.clone(),
            payload: &mut Payload::from(&self.payload),
        };
        match router.send_message(node, Current::process(), RemoteTarget::Group(group, to), outgoing, Some(epoch))? {
            SentMessage::Queued(Room::Left) => Ok(None),
            SentMessage::Queued(Room::Full) => Ok(Some(Cast::below_mark(node, to))),
            SentMessage::Waits((queue, id)) => Ok(Some(Cast::waiting(queue, id))),
        }
    }

    /// Returns the message as a process of this node receives it.
    pub(crate) fn message(&self) -> EncodedMessage<'_> {
        EncodedMessage {
            protocol: self.definition.fingerprint,
            variant: self.variant,
            context: &self.context,
            payload: &self.payload,
            from: None,
            definition: &|_| None,
        }
    }
}
