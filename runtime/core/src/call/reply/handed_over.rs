//! Replies whose holder is handed over to the successor of its node.
//!
//! The caller is on another node and waits on: the connection to it is continued by the successor. A call whose reply is not
//! handed over is answered with an error once the successor serves.

use super::Reply;
use super::remote_caller::RemoteCaller;
use super::slot::Slot;
use crate::base::{DeserializeOwned, Encoder, Serialize};
use crate::node::{CallId, KeptCall, Node};
use crate::process::type_definition;

impl<T: Serialize + DeserializeOwned + 'static> Reply<T> {
    /// Returns the call that the reply answers, if its caller is on another node. The reply is not changed, so that it
    /// answers if the upgrade fails.
    pub(crate) fn kept_call(&self) -> Option<KeptCall> {
        let remote = self.slot.as_ref()?.remote_caller.as_ref()?;
        let (caller, id) = remote.call();
        Some(KeptCall { call: CallId { epoch: caller.epoch, id }, is_typed: remote.is_typed() })
    }

    /// Returns the reply for a call that the predecessor of `node` has kept. It is made before the commit: as soon as the
    /// connection is continued, the other calls of the peer fail. If the connection of the call is not continued,
    /// its answer is dropped, as after the loss of a connection.
    pub(crate) fn of_kept_call(node: &Node, KeptCall { call, is_typed }: KeptCall) -> Reply<T> {
        let slot = node.router().and_then(|router| router.keep_call(call)).map(|caller| {
            let definition = is_typed.then(|| type_definition::<T>(node));
            let encode = |value: &T, encoder: &mut Encoder<'_>| encoder.field(value);
            let caller = RemoteCaller::new(node.clone(), (caller, call.id), definition, encode);
            Slot::new(node, Some(Box::new(caller)))
        });
        Reply { slot }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::NodeId;
    use crate::node::{CallerNode, OutstandingCalls};
    use crate::wire::Epoch;

    #[tokio::test]
    async fn a_reply_of_a_caller_on_another_node_is_the_id_of_its_call() {
        let node = Node::local();
        let calls = OutstandingCalls::default();
        let caller = CallerNode { id: Arc::new(NodeId::local(3)), epoch: Epoch(4), calls: calls.clone() };
        let remote = RemoteCaller::new(node.clone(), (caller, 77), Some(type_definition::<u32>(&node)), |_, _| Ok(()));
        let reply = Reply::<u32>::new(Slot::new(&node, Some(Box::new(remote))));
        let kept = KeptCall { call: CallId { epoch: Epoch(4), id: 77 }, is_typed: true };
        assert_eq!((reply.kept_call(), calls.count()), (Some(kept), 1));
        let local = Reply::new(Slot::<u32>::for_call(&node));
        assert_eq!(local.kept_call(), None);
        let lost = Reply::<u32>::of_kept_call(&node, kept);
        assert!(!lost.is_awaited(), "this node has no connection with the caller");
    }
}
