//! Requests to another node itself: to start a process, or to call a function.
//!
//! A request is a message with a variant that no protocol has. Its payload is the name and the constructor of what is
//! requested, and what the [`Exports`](crate::node::Exports) of the other node read behind them.

use std::sync::Arc;

use super::route;
use crate::base::{DecodeError, Decoder, DeserializeOwned, EncodeError, Encoder, NodeName, Serialize};
use crate::call::noted_call::Callee;
use crate::call::reply::slot::Slot;
use crate::call::target::{Identity, ReceiverId};
use crate::call::with_serde::read_typed_reply;
use crate::call::{Call, CallName, Cast, Reply};
use crate::node::{CallId, EncodedMessage, Node, RemoteTarget};

/// A request to another node.
pub(crate) struct Request<'a> {
    pub(crate) node: &'a Node,
    pub(crate) at: &'a NodeName,
    /// The export's name, and that of the constructor.
    pub(crate) name: &'a str,
    pub(crate) constructor: &'a str,
    /// For errors.
    pub(crate) call: &'static CallName,
}

impl Request<'_> {
    /// Sends the request with a reply, and with the rest that `encode` writes. Returns the future of the answer.
    pub(crate) fn send<T: Serialize + DeserializeOwned + Send + 'static>(
        self,
        encode: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Call<T> {
        let Request { node, at, name, constructor, call } = self;
        let slot = Slot::for_call(node);
        let reply = Reply::new(Arc::clone(&slot));
        let write = |encoder: &mut Encoder<'_>| {
            encoder.field(&(name.to_owned(), constructor.to_owned()))?;
            encoder.field(&reply)?;
            encode(encoder)
        };
        let (to, context) = (RemoteTarget::Node(at), node.message_context());
        let placement = route(node, to, (call.message, None), EncodedMessage::REQUEST, context, write);
        let queued = match placement {
            Ok(placement) => Cast::from(placement),
            Err(error) => {
                slot.fill_and_wake(Err(error.into()));
                Cast::sent()
            }
        };
        let identity = Identity { node: node.clone(), receiver: ReceiverId::Name(name.into(), at.clone()) };
        Call::new(slot, Callee { number: 0, identity: Some(Arc::new(identity)) }, call, queued)
    }
}

/// Returns a reply, and the future of the answer that is sent through it.
pub(crate) fn reply_pair<T: 'static>(node: &Node, name: &'static CallName) -> (Reply<T>, Call<T>) {
    let slot = Slot::for_call(node);
    let reply = Reply::new(Arc::clone(&slot));
    (reply, Call::new(slot, Callee { number: 0, identity: None }, name, Cast::sent()))
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Reply<T> {
    /// Reads the reply of a request, whose caller may have another version of the answer's type.
    pub(crate) fn read_typed(decoder: &mut Decoder<'_>) -> Result<Reply<T>, DecodeError> {
        read_typed_reply(decoder)
    }

    /// Returns the call of another node that the reply answers.
    pub(crate) fn call_id(&self) -> Option<CallId> {
        let (caller, id) = self.slot.as_ref()?.remote_caller.as_ref()?.call();
        Some(CallId { epoch: caller.epoch, id })
    }
}
