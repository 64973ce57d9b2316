//! Casts and calls to actors by key.

use std::sync::Arc;

use super::unowned::{Unowned, WaitList, send_to_owner};
use super::{Address, SendError};
use crate::base::{CallErrorKind, CastError, MessageContext, NodeName, Protocol, UnreadMessage};
use crate::call::Cast;
use crate::call::target::{ReceiverId, Target, TargetCell};
use crate::mailbox::{Addressee, Refused, WaiterId};
use crate::node::{ActorKey, AdmissionQueue, EncodedMessage, KeyPlace, LocalProcess, Node, Owner, WaitingMessage};
use crate::process::{Cell, drop_message};

impl<M: Protocol> Address<M> {
    /// Creates the address of the process that has a key.
    pub(crate) fn keyed(node: Node, key: ActorKey) -> Address<M> {
        Address(Target::identity(node, ReceiverId::Key(key)))
    }

    /// Sends a message to the process of a key. A missing process is started. While the slot of the key has no owner, the
    /// message waits: with `is_kept` also if its sender does not wait for it.
    pub(super) fn send_keyed(node: &Node, key: &ActorKey, message: M, is_kept: bool) -> Result<Cast, SendError<M>> {
        let Some(place) = key.place(node) else { return Err(SendError { error: CastError::NoProc, message }) };
        let context = node.message_context();
        let message = match place.actors.route(node, place.slot, &key.name, None) {
            Some(owner) => match send_to_owner(node, &key.name, &owner, context.clone(), message) {
                Err(SendError { error: CastError::NoProc, message }) => message,
                result => return result,
            },
            None => message,
        };
        Ok(Unowned::wait(node, WaitList::Key { key: key.clone(), place: place.clone(), is_kept }, context, message))
    }
}

/// Decodes a message of the node `from`, and sends it to the process of a key, or lets it wait. Returns its place if it
/// waits.
///
/// # Errors
/// The bytes are not a message of the protocol, or the message would have to wait without `can_wait`.
pub(crate) fn deliver_keyed<M: Protocol>(
    node: &Node,
    key: &ActorKey,
    encoded: EncodedMessage<'_>,
    can_wait: bool,
    from: &NodeName,
) -> Result<Option<WaitingMessage>, UnreadMessage> {
    let message = Cell::<M>::read_message(node, &encoded)?;
    let place = key.place(node).ok_or(CallErrorKind::NoProc)?;
    let KeyPlace { actors, slot } = place;
    let refuse = |error: CallErrorKind, message| {
        // The calls in it are answered by their ids, with this error.
        drop_message(node, M::NAME, message);
        Err(error.into())
    };
    let message = match actors.route(node, *slot, &key.name, Some(from)) {
        None => message,
        Some(owner) => match send_received(node, (key, place), &owner, encoded.context, message, can_wait) {
            Ok(waiting) => return Ok(waiting),
            Err(SendError { error: CastError::NoProc, message }) => message,
            Err(SendError { error, message }) => return refuse(error.into(), message),
        },
    };
    if !can_wait {
        return refuse(CallErrorKind::Full, message);
    }
    let unowned = Unowned::wait_received(node, key, place, encoded.context.clone(), message, from);
    Ok(Some((unowned as Arc<dyn AdmissionQueue>, WaiterId::after(None))))
}

/// Sends a received message to the owner of its key. Returns its place if it waits in front of a full mailbox or connection.
fn send_received<M: Protocol>(
    node: &Node,
    (key, place): (&ActorKey, &KeyPlace),
    owner: &Owner,
    context: &MessageContext,
    message: M,
    can_wait: bool,
) -> Result<Option<WaitingMessage>, SendError<M>> {
    let Owner::Process(LocalProcess { number, cell }) = owner else {
        let cast = send_to_owner(node, &key.name, owner, context.clone(), message)?;
        let forwarded = Unowned::<M>::sent(node, key, place, cast);
        return Ok(can_wait.then(|| (forwarded as Arc<dyn AdmissionQueue>, WaiterId::after(None))));
    };
    let cell = match Cell::<M>::of_process(Arc::clone(cell), &key.name) {
        Ok(cell) => cell,
        Err(error) => return Err(SendError { error, message }),
    };
    match cell.send(Addressee::of(*number), context.clone(), message, can_wait) {
        Ok(waiting) => Ok(waiting.filter(|_| can_wait).map(|id| (cell as Arc<dyn AdmissionQueue>, id))),
        Err(Refused::Gone(message)) => Err(SendError { error: CastError::NoProc, message }),
        Err(Refused::Full(message)) => Err(SendError { error: CastError::Full, message }),
    }
}
