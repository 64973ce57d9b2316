//! The callee's side of a call: it answers once.

#[cfg(feature = "upgrade")]
mod handed_over;
pub(super) mod remote_caller;
pub(super) mod slot;

use std::fmt;
use std::sync::Arc;

use crate::base::CallErrorKind;
use crate::mailbox::CheckedSend;
use crate::node::{Current, WaitingCaller};
use slot::Slot;

/// The handle with which a callee answers one call.
///
/// A reply can be kept, passed to another process or sent to another node; its holder answers. A reply that is dropped
/// without an answer fails the call:
/// - with [`CallErrorKind::Exit`] and the holder's exit reason, if the holder is exiting;
/// - else with [`CallErrorKind::Dropped`].
///
/// The model is `From` in [`gen_server:reply/2`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#reply/2).
///
/// ```
/// use greenroom::prelude::*;
///
/// #[protocol(local)]
/// enum Kitchen {
///     Cook { dish: String, reply: Reply<String> },
///     Serve,
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let kitchen = greenroom::spawn(|mut mailbox: Mailbox<Kitchen>| async move {
///     let mut orders = Vec::new();
///     loop {
///         receive!(match mailbox {
///             Kitchen::Cook { dish, reply } => orders.push((dish, reply)),
///             Kitchen::Serve => {
///                 for (dish, reply) in orders.drain(..) {
///                     reply.send(format!("hot {dish}"));
///                 }
///             }
///         });
///     }
/// });
/// let soup = kitchen.cook("soup".into());
/// kitchen.serve();
/// assert_eq!(soup.await?, "hot soup");
/// # Ok(())
/// # }
/// ```
#[must_use = "the caller waits for the answer that `send` gives"]
pub struct Reply<T: 'static> {
    /// Leads to the caller; `None` once it was answered. One word, as a reply is part of a message.
    pub(super) slot: Option<Arc<Slot<T>>>,
}

impl<T: 'static> Reply<T> {
    pub(super) fn new(slot: Arc<Slot<T>>) -> Reply<T> {
        Reply { slot: Some(slot) }
    }

    /// Answers the call. The answer is dropped if the caller no longer waits.
    pub fn send(mut self, value: T)
    where
        T: Send,
    {
        let Some(slot) = self.slot.take() else { return };
        if let Some(remote) = &slot.remote_caller {
            return remote.answer_with(&value);
        }
        let caller = slot.fill(|| Ok(CheckedSend::new(value)));
        // Before the caller runs: the slot can be reused only if nothing else refers to it.
        drop(slot);
        if let Some(caller) = caller {
            caller.wake();
        }
    }

    /// Fails the call of a caller on this node.
    #[cfg(feature = "net")]
    pub(crate) fn fail(mut self, error: CallErrorKind) {
        if let Some(slot) = self.slot.take() {
            slot.fill_and_wake(Err(error));
        }
    }

    /// Records that the message with this reply left a mailbox.
    #[doc(hidden)]
    pub fn mark_taken(&self) {
        if let Some(slot) = &self.slot {
            slot.mark_taken();
        }
    }

    /// Records that the callee's generated code keeps the reply until it answers.
    #[doc(hidden)]
    pub fn mark_held(&self) {
        if let Some(slot) = &self.slot {
            slot.mark_held();
        }
    }

    /// Returns whether the caller still waits. For a caller on another node that is not known, and the result is `true`.
    pub fn is_awaited(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| slot.remote_caller.is_some() || slot.is_awaited())
    }
}

impl<T: 'static> Drop for Reply<T> {
    // Inlined into the code that has answered, where there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            drop_unanswered(slot);
        }
    }
}

#[cold]
fn drop_unanswered<T: 'static>(slot: Arc<Slot<T>>) {
    if slot.is_passed_on() {
        return;
    }
    let caller: Arc<dyn WaitingCaller> = match &slot.remote_caller {
        Some(remote) => remote.unanswered_by(Current::process()),
        None => slot,
    };
    // Within a process the call fails after the poll, with the exit reason if the process has exited then.
    if let Some(caller) = Current::defer_dropped_reply(caller) {
        caller.fail(CallErrorKind::Dropped);
    }
}

impl<T: 'static> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;
    use crate::base::{Decoder, Encoder, NodeId, NodeName, Payload, Source};
    use crate::node::{CallerNode, Node, OutstandingCalls, ReceivedReplies};
    use crate::wire::Epoch;

    // A reply is part of a message, which is moved.
    const _: () = assert!(size_of::<Reply<String>>() == size_of::<usize>());

    #[tokio::test]
    async fn an_encoded_reply_is_a_pending_call_only_while_its_caller_waits() {
        let node = Node::local();
        for is_closed in [false, true] {
            let slot = Slot::<u32>::for_call(&node);
            let reply = Reply::new(Arc::clone(&slot));
            if is_closed {
                slot.close();
            }
            let mut payload = Payload::default();
            let (encoded, ids) =
                Current::collect_replies(&node, || Encoder::new(&mut payload, usize::MAX).field(&reply));
            assert!(encoded.is_ok());
            assert_eq!((ids.len(), node.pending_calls().count()), (1, usize::from(!is_closed)));
            slot.close();
            assert_eq!(node.pending_calls().count(), 0);
        }
    }

    #[tokio::test]
    async fn the_caller_of_a_received_reply_is_the_peer_that_sent_it() {
        let node = Node::local();
        let reply = Reply::new(Slot::<u32>::for_call(&node));
        let mut payload = Payload::default();
        let (encoded, ids) = Current::collect_replies(&node, || Encoder::new(&mut payload, usize::MAX).field(&reply));
        assert_eq!((encoded, ids.len()), (Ok(()), 1));
        assert_eq!(*payload.to_source(), [0], "the index in the message, and no node");
        let name = NodeName::new("peer@test").unwrap();
        let caller = CallerNode {
            id: Arc::new(NodeId { name, incarnation: 3 }),
            epoch: Epoch(4),
            calls: OutstandingCalls::default(),
        };
        let read = |bytes: &'static [u8]| Decoder::new(&Source::from_static(bytes)).field::<Reply<u32>>();
        let _entered = node.enter();
        let received = ReceivedReplies::new(caller.clone(), &[77, 78]);
        let (replies, left) = Current::with_received(received, || [read(&[1]), read(&[1]), read(&[2]), read(&[0])]);
        assert_eq!(left, [0; 0]);
        let [first, again, beyond, other] = replies;
        assert!(again.is_err() && beyond.is_err(), "each reply once");
        for (reply, id) in [(first.unwrap(), 78), (other.unwrap(), 77)] {
            let slot = reply.slot.as_ref().unwrap();
            assert_eq!(slot.remote_caller.as_ref().unwrap().call(), (&caller, id));
        }
        assert!(read(&[0]).is_err(), "outside of a message");
    }
}
