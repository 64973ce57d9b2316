//! The question to another node for the calls that a process there waits for.
//!
//! It is a message with a variant that no protocol has. The other node answers it itself, so the process may be blocked.
//! The answer has the calls on that node. The caller's node puts the next question to the node behind them.

use std::sync::{Arc, Weak};

use super::noted_call::PendingQuestion;
use super::reply::slot::Slot;
use crate::base::{CallErrorKind, Decoder, MessageContext, Payload};
use crate::node::{AnswerSlot, EncodedMessage, Node, OutgoingMessage, ReceivedAnswer, RemoteTarget, SentMessage};
use crate::observe::{CallChain, RemoteCallee};

/// The place for the answer to a question.
struct ChainAnswer<T> {
    node: Node,
    slot: Weak<Slot<T>>,
    /// The chain up to the process whose call is requested.
    chain: CallChain,
}

/// Requests the chain that begins with the call of `callee`. Each answer is added to `chain`, which then is the chain of
/// the slot's call.
pub(super) fn ask<T: 'static>(
    node: &Node,
    callee: &RemoteCallee,
    slot: Weak<Slot<T>>,
    chain: CallChain,
) -> Option<PendingQuestion> {
    let router = node.router()?;
    let name;
    let to = match callee {
        RemoteCallee::Pid(pid) => RemoteTarget::Pid(pid),
        RemoteCallee::Name(text, at) => {
            name = Arc::from(text.as_str());
            RemoteTarget::Name(&name, at)
        }
    };
    let epoch = router.epoch(to.node())?;
    let calls = node.pending_calls();
    let id = calls.insert(Arc::new(ChainAnswer { node: node.clone(), slot, chain }), None);
    let question = PendingQuestion { node: node.clone(), id };
    calls.sent(&[id], epoch);
    let message = OutgoingMessage {
        definition: None,
        variant: EncodedMessage::CALL_CHAIN,
        replies: vec![id],
        context: MessageContext::NONE,
        payload: &mut Payload::default(),
    };
    match router.send_message(node, 0, to, message, Some(epoch)) {
        Ok(SentMessage::Queued(_)) => Some(question),
        // The connection has more than enough to send.
        Ok(SentMessage::Waits((queue, id))) => {
            queue.withdraw(id);
            None
        }
        Err(_) => None,
    }
}

impl<T: 'static> AnswerSlot for ChainAnswer<T> {
    fn answer(&self, result: Result<ReceivedAnswer<'_>, CallErrorKind>) {
        // Without an answer the chain ends here: the process has exited, or the connection is lost.
        let further = result.ok().and_then(|answer| {
            let mut decoder = Decoder::new(answer.payload);
            decoder.field::<CallChain>().ok()
        });
        let (Some(further), Some(slot)) = (further, self.slot.upgrade()) else { return };
        let mut caller = None;
        slot.change_noted(|noted| caller.clone_from(&noted.caller));
        let mut chain = self.chain.clone();
        chain.extend(further, caller.as_ref());
        let next = chain.next.take();
        let question = next.and_then(|next| ask(&self.node, &next, self.slot.clone(), chain.clone()));
        let mut before = None;
        slot.change_noted(|noted| {
            noted.chain = chain;
            before = std::mem::replace(&mut noted.question, question);
        });
    }
}
