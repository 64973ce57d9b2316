//! Messages to other nodes: encoding, and the queue of the connection.

#[cfg(feature = "registry")]
mod encoded_once;
#[cfg(feature = "net")]
mod request;
#[cfg(feature = "inspect")]
mod untyped;

use std::sync::Arc;

#[cfg(feature = "registry")]
pub(crate) use encoded_once::EncodedOnce;
#[cfg(feature = "net")]
pub(crate) use request::{Request, reply_pair};
#[cfg(feature = "inspect")]
pub(crate) use untyped::{UntypedMessage, send_untyped};

use super::cast::Placement;

use crate::base::{CastError, EncodeError, Encoder, MessageContext, OwnDefinition, Protocol};
#[cfg(feature = "net")]
use crate::node::{CallId, EncodedMessage};
use crate::node::{Current, Node, OutgoingMessage, RemoteTarget, Room, SentMessage, SpareBuffer};
use crate::process::{catch, protocol_definition, report_message_panic};

/// Puts a message into the queue of the connection to its node.
pub(super) fn send_remote<'a, M: Protocol>(
    node: &'a Node,
    to: RemoteTarget<'a>,
    context: MessageContext,
    message: &M,
) -> Result<Placement<'a>, CastError> {
    let definition = protocol_definition::<M>(node).ok_or(CastError::Encode(EncodeError::Local))?;
    let variant = message.variant() as u32;
    route(node, to, (M::NAME, Some(definition)), variant, context, |encoder| message.encode(encoder))
}

/// Puts the bytes that `encode` writes into the queue of the connection to their node. `name` is for reports. A request to
/// the node itself has no definition.
pub(super) fn route<'a>(
    node: &'a Node,
    to: RemoteTarget<'a>,
    (name, definition): (&'static str, Option<&OwnDefinition>),
    variant: u32,
    context: MessageContext,
    encode: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
) -> Result<Placement<'a>, CastError> {
    let router = node.router().ok_or(CastError::NoConnection)?;
    let unsendable = |reason: &Arc<str>| CastError::Encode(EncodeError::Field(Arc::clone(reason)));
    let definition = definition.map(|definition| definition.get().map_err(unsendable)).transpose()?;
    let mut payload = SpareBuffer::take();
    let mut encoder = Encoder::new(&mut payload.0, router.max_message_size());
    let (result, replies) = Current::collect_replies(node, || encode_caught(node, name, || encode(&mut encoder)));
    // A reply in the message was passed on with the bytes. It is answered from there, or by `fail`.
    let fail = |error: CastError| {
        for id in &replies {
            node.pending_calls().answer(*id, None, Err(error.clone().into()));
        }
        node.report_lost_message(to.node(), &error);
        error
    };
    result.map_err(|error| fail(CastError::Encode(error)))?;
    let (sent, payload) = (replies.clone(), &mut payload.0);
    let outgoing = OutgoingMessage { definition, variant, replies: sent, context, payload };
    let mut epoch = None;
    if !replies.is_empty() {
        // Before the message is sent, and for the connection that sends it: its loss ends the calls.
        let chosen = router.open_epoch(node, to.node()).ok_or(CastError::NoConnection).map_err(&fail)?;
        node.pending_calls().sent(&replies, chosen);
        #[cfg(feature = "net")]
        if variant == EncodedMessage::REQUEST {
            // The other node ends what it does for a caller that gives up.
            for id in &replies {
                node.pending_calls().note_passed_on(CallId { epoch: chosen, id: *id });
            }
        }
        epoch = Some(chosen);
    }
    match router.send_message(node, Current::process(), to, outgoing, epoch).map_err(fail)? {
        SentMessage::Queued(Room::Left) => Ok(Placement::Queue),
        SentMessage::Queued(Room::Full) => Ok(Placement::FullConnection(node, to.node())),
        SentMessage::Waits((queue, id)) => Ok(Placement::WaitQueue(queue, id)),
    }
}

/// Runs `encode` for a message of this protocol; a panic becomes an error of the message.
pub(super) fn encode_caught(
    node: &Node,
    protocol: &'static str,
    encode: impl FnOnce() -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    catch(encode).unwrap_or_else(|panic| {
        report_message_panic(node, protocol, "encoding a message", &panic);
        Err(EncodeError::Field(panic.to_string().into()))
    })
}
