//! Callers on other nodes. Their calls are answered by a frame instead of in a reply slot.

use std::any::type_name;
use std::sync::Arc;

use crate::base::{CallErrorKind, Definition, EncodeError, Encoder, OwnDefinition, Payload};
use crate::call::remote::encode_caught;
use crate::node::{
    AnswerSlot, CallId, CallNote, CallerNode, Current, EncodedAnswer, Node, OutstandingCall, ReceivedAnswer, Room,
    WaitingCaller,
};

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
    caller: CallerNode,
    /// The call's id on the caller's node.
    id: u64,
    /// The definition of the answer's type, if the caller may have another one.
    definition: Option<Arc<OwnDefinition>>,
    _call: OutstandingCall,
}

/// A call whose reply the process `holder` dropped.
struct DroppedReply {
    route: ReplyRoute,
    holder: u64,
}

impl<T> RemoteCaller<T> {
    /// Creates the caller of the call with this `id` on the node `caller`, to be answered from `node`. With a
    /// `definition`, which is that of the answer's type, the caller may have another version of the type.
    pub(in crate::call) fn new(
        node: Node,
        (caller, id): (CallerNode, u64),
        definition: Option<Arc<OwnDefinition>>,
        encode: Encode<T>,
    ) -> RemoteCaller<T> {
        RemoteCaller { route: ReplyRoute::new(node, caller, id, definition), encode }
    }

    /// Returns the caller's node, and the id of the call there.
    #[cfg(feature = "net")]
    pub(in crate::call) fn call(&self) -> (&CallerNode, u64) {
        (&self.route.caller, self.route.id)
    }

    /// Returns whether the answer is sent with the definition of its type.
    #[cfg(feature = "upgrade")]
    pub(in crate::call) fn is_typed(&self) -> bool {
        self.route.definition.is_some()
    }

    /// Sends the answer.
    pub(in crate::call) fn answer_with(&self, value: &T) {
        let node = &self.route.node;
        let Some(router) = node.router() else { return };
        let mut payload = Payload::default();
        let mut encoder = Encoder::new(&mut payload, router.max_message_size());
        let encode = || encode_caught(node, type_name::<T>(), || (self.encode)(value, &mut encoder));
        let (result, replies) = Current::collect_replies(node, encode);
        let definition = self.route.definition();
        let answer = result.and_then(|()| Ok((payload, definition?))).map_err(CallErrorKind::Encode);
        self.route.send(Some(Current::process()), replies, answer);
    }

    /// Adds an entry for the reply, which is passed on to a third node in a message of `node`. Returns its id.
    ///
    /// The third node answers to this one, which forwards the answer or the error. It needs no connection to the caller's
    /// node.
    pub(in crate::call) fn pass_on(&self, node: &Node) -> u64 {
        self.route.pass_on(node)
    }

    /// Returns the call as one whose reply the process `holder` dropped.
    pub(in crate::call) fn unanswered_by(&self, holder: u64) -> Arc<dyn WaitingCaller> {
        Arc::new(DroppedReply { route: self.route.clone(), holder })
    }
}

impl ReplyRoute {
    fn new(node: Node, caller: CallerNode, id: u64, definition: Option<Arc<OwnDefinition>>) -> ReplyRoute {
        let _call = caller.calls.begin();
        ReplyRoute { node, caller, id, definition, _call }
    }

    /// Returns the definition of the answer's type, if it must be sent.
    fn definition(&self) -> Result<Option<Arc<Definition>>, EncodeError> {
        let Some(definition) = &self.definition else { return Ok(None) };
        let definition = definition.get().map_err(|reason| EncodeError::Field(Arc::clone(reason)))?;
        Ok(Some(Arc::clone(definition)))
    }

    fn pass_on(&self, node: &Node) -> u64 {
        // In a program with two nodes, another node than the called one may pass the reply on.
        let origin = CallId { epoch: self.caller.epoch, id: self.id };
        let origin = Some(origin).filter(|_| self.node.is_same(node));
        let id = node.pending_calls().insert(Arc::new(self.clone()), origin);
        // With the entry in place, the caller's node reports a caller that gives up, or has given up.
        if let Some(router) = self.node.router() {
            router.send_call_note(self.caller.epoch, CallNote::PassedOn(self.id));
        }
        id
    }

    /// Sends an answer with the replies of these calls in it, or an error.
    fn send(
        &self,
        from: Option<u64>,
        replies: Vec<u64>,
        result: Result<(Payload, Option<Arc<Definition>>), CallErrorKind>,
    ) {
        let Some(router) = self.node.router() else { return };
        let calls = self.node.pending_calls();
        calls.sent(&replies, self.caller.epoch);
        let encoded =
            result.map(|(payload, definition)| EncodedAnswer { replies: replies.clone(), payload, definition });
        let failed = encoded.as_ref().err().cloned();
        let sent = router.send_answer(from, &self.caller, self.id, encoded);
        if sent == Ok(Room::Full) {
            Current::wait_for_answers(&self.node, || {
                let room = router.backpressure(&self.caller.id.name)?;
                // The answer was sent on a connection that was up.
                Some(Box::pin(async move { drop(room.await) }))
            });
        }
        if let Some(error) = failed.or(sent.err()) {
            for id in replies {
                calls.answer(id, None, Err(error.clone()));
            }
        }
    }
}

impl AnswerSlot for ReplyRoute {
    fn answer(&self, result: Result<ReceivedAnswer<'_>, CallErrorKind>) {
        let mut replies = Vec::new();
        if let Some((caller, ids)) = Current::take_all_received() {
            let route = |id| ReplyRoute::new(self.node.clone(), caller.clone(), id, None);
            replies.extend(ids.into_iter().map(|id| route(id).pass_on(&self.node)));
        }
        let result = result.and_then(|answer| {
            let definition = match answer.definition {
                Some(received) => Some(Arc::clone(received.get())),
                None => self.definition().map_err(CallErrorKind::Encode)?,
            };
            Ok((Payload::from(answer.payload), definition))
        });
        self.send(None, replies, result);
    }
}

impl WaitingCaller for DroppedReply {
    fn fail(&self, error: CallErrorKind) {
        self.route.send(Some(self.holder), Vec::new(), Err(error));
    }
}
