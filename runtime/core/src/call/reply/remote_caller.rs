//! Callers on other nodes. Their calls are answered by a frame instead of in a reply slot.

use std::any::type_name;
use std::sync::Arc;

use crate::base::{CallError, EncodeError, Encoder, NodeId};
use crate::call::remote::encode_caught;
use crate::node::{AnswerSlot, Current, Node, WaitingCaller};

/// A caller on another node that waits for a `T`.
pub(in crate::call) struct RemoteCaller<T> {
    route: ReplyRoute,
    encode: Encode<T>,
}

type Encode<T> = fn(&T, &mut Encoder<'_>) -> Result<(), EncodeError>;

/// The route of an answer from one node to a call of another.
#[derive(Clone)]
struct ReplyRoute {
    node: Node,
    caller: Arc<NodeId>,
    /// The call's id on the caller's node.
    id: u64,
}

/// A call whose reply the process `holder` dropped.
struct DroppedReply {
    route: ReplyRoute,
    holder: u64,
}

impl<T> RemoteCaller<T> {
    /// Creates the caller of the call with this `id` on the node `caller`, to be answered from `node`.
    pub(in crate::call) fn new(node: Node, caller: Arc<NodeId>, id: u64, encode: Encode<T>) -> RemoteCaller<T> {
        RemoteCaller { route: ReplyRoute { node, caller, id }, encode }
    }

    /// Sends the answer.
    pub(in crate::call) fn answer_with(&self, value: &T) {
        let ReplyRoute { node, caller, id } = &self.route;
        let Some(router) = node.router() else { return };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, router.max_message_size());
        let encode = || encode_caught(node, type_name::<T>(), || (self.encode)(value, &mut encoder));
        let (result, _) = Current::collect_replies(node, encode);
        let answer = result.map(|()| bytes).map_err(CallError::Encode);
        router.send_answer(Current::process(), caller, *id, answer);
    }

    /// Returns the route for the answer of a third node, to which the reply is passed on.
    ///
    /// That node answers to this one, which forwards the answer or the error. The third node needs no connection to the
    /// caller's node.
    pub(in crate::call) fn forward(&self) -> Arc<dyn AnswerSlot> {
        Arc::new(self.route.clone())
    }

    /// Returns the call as one whose reply the process `holder` dropped.
    pub(in crate::call) fn unanswered_by(&self, holder: u64) -> Arc<dyn WaitingCaller> {
        Arc::new(DroppedReply { route: self.route.clone(), holder })
    }
}

impl AnswerSlot for ReplyRoute {
    fn answer(&self, result: Result<&[u8], CallError>) {
        if let Some(router) = self.node.router() {
            router.send_answer(0, &self.caller, self.id, result.map(<[u8]>::to_vec));
        }
    }
}

impl WaitingCaller for DroppedReply {
    fn fail(&self, error: CallError) {
        if let Some(router) = self.route.node.router() {
            router.send_answer(self.holder, &self.route.caller, self.route.id, Err(error));
        }
    }
}
