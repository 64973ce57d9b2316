//! The calls of this node that other nodes have not answered yet.

use std::sync::Arc;

use crate::base::{CallError, NodeName, SortedMap};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A caller's slot for an answer from another node.
pub(crate) trait AnswerSlot: Send + Sync {
    /// Fills the slot with the encoded answer, or with an error. Only the first call has an effect.
    fn answer(&self, result: Result<&[u8], CallError>);
}

/// The calls that other nodes have not answered yet, by id.
#[derive(Default)]
pub(crate) struct PendingCalls {
    /// Sorted: after the loss of a connection, callers receive their errors in the order of their calls.
    calls: Mutex<SortedMap<u64, PendingCall>>,
    last_id: AtomicU64,
}

struct PendingCall {
    slot: Arc<dyn AnswerSlot>,
    /// The node whose disconnection ends the call.
    node: Option<NodeName>,
    /// The protocol of the message that contains the call.
    protocol: &'static str,
}

impl PendingCalls {
    fn lock(&self) -> MutexGuard<'_, SortedMap<u64, PendingCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call and returns its id, which the answer contains.
    pub(crate) fn insert(&self, slot: Arc<dyn AnswerSlot>) -> u64 {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().insert(id, PendingCall { slot, node: None, protocol: "" });
        id
    }

    /// Notes that the calls were sent to this node, in a message of this protocol.
    pub(crate) fn sent(&self, ids: &[u64], node: &NodeName, protocol: &'static str) {
        let mut calls = self.lock();
        for id in ids {
            if let Some(call) = calls.get_mut(id) {
                call.node = Some(node.clone());
                call.protocol = protocol;
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Removes a call whose caller no longer waits.
    pub(crate) fn remove(&self, id: u64) {
        let removed = self.lock().remove(&id);
        drop(removed);
    }

    /// Answers a call. An answer to a call that was removed is dropped.
    pub(crate) fn answer(&self, id: u64, result: Result<&[u8], CallError>) {
        let call = self.lock().remove(&id);
        if let Some(call) = call {
            call.slot.answer(result.map_err(|error| incompatible(error, call.protocol)));
        }
    }

    /// Ends the calls to a node whose connection is lost.
    pub(crate) fn disconnect(&self, node: &NodeName) {
        let mut lost = Vec::new();
        self.lock().retain(|_, call| {
            let stays = call.node.as_ref() != Some(node);
            if !stays {
                lost.push(Arc::clone(&call.slot));
            }
            stays
        });
        for slot in lost {
            slot.answer(Err(CallError::NoConnection));
        }
    }
}

/// Completes the error of a node that refuses a message. The node sends the name of its process's protocol, and the
/// sender adds its own. A text with spaces is complete already: it comes from a node that forwarded the call.
fn incompatible(error: CallError, own: &str) -> CallError {
    match error {
        CallError::Incompatible(other) if *other == *own => {
            CallError::Incompatible(format!("the two nodes have different versions of the protocol `{own}`").into())
        }
        CallError::Incompatible(other) if !other.contains(' ') => {
            CallError::Incompatible(format!("the target has the protocol `{other}`, not `{own}`").into())
        }
        other => other,
    }
}
