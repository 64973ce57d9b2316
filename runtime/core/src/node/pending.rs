use std::sync::Arc;

use crate::base::{CallError, NodeName, SortedMap};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A caller's slot that takes its answer as bytes.
pub(crate) trait AnswerSlot: Send + Sync {
    /// The answer, or why there is none. Only the first counts.
    fn answer(&self, result: Result<&[u8], CallError>);
}

/// The calls of this node that another node has still to answer.
#[derive(Default)]
pub(crate) struct PendingCalls {
    /// In order, for that is the order in which a lost connection is told.
    calls: Mutex<SortedMap<u64, Waiting>>,
    ids: AtomicU64,
}

struct Waiting {
    slot: Arc<dyn AnswerSlot>,
    /// Whose loss ends the wait.
    node: Option<NodeName>,
    /// The protocol of the message that it went in.
    protocol: &'static str,
}

impl PendingCalls {
    fn lock(&self) -> MutexGuard<'_, SortedMap<u64, Waiting>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the slot an id under which an answer finds it.
    pub(crate) fn insert(&self, slot: Arc<dyn AnswerSlot>) -> u64 {
        let id = self.ids.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().insert(id, Waiting { slot, node: None, protocol: "" });
        id
    }

    /// The call went to this node, in a message of this protocol.
    pub(crate) fn sent(&self, ids: &[u64], node: &NodeName, protocol: &'static str) {
        let mut calls = self.lock();
        for id in ids {
            if let Some(waiting) = calls.get_mut(id) {
                waiting.node = Some(node.clone());
                waiting.protocol = protocol;
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The caller waits no longer.
    pub(crate) fn remove(&self, id: u64) {
        let removed = self.lock().remove(&id);
        drop(removed);
    }

    /// An answer came. A late one finds nobody and vanishes.
    pub(crate) fn answer(&self, id: u64, result: Result<&[u8], CallError>) {
        let waiting = self.lock().remove(&id);
        if let Some(waiting) = waiting {
            waiting.slot.answer(result.map_err(|error| incompatible(error, waiting.protocol)));
        }
    }

    /// The connection to a node is lost, and with it the answers that it owed.
    pub(crate) fn disconnect(&self, node: &NodeName) {
        let mut lost = Vec::new();
        self.lock().retain(|_, waiting| {
            let stays = waiting.node.as_ref() != Some(node);
            if !stays {
                lost.push(Arc::clone(&waiting.slot));
            }
            stays
        });
        for slot in lost {
            slot.answer(Err(CallError::NoConnection));
        }
    }
}

/// A node that does not take a message says which protocol its process speaks, by the bare name; the sender knows the
/// other one. A whole sentence comes from a node on the way.
fn incompatible(error: CallError, ours: &str) -> CallError {
    match error {
        CallError::Incompatible(theirs) if *theirs == *ours => {
            CallError::Incompatible(format!("`{ours}` differs between the nodes").into())
        }
        CallError::Incompatible(theirs) if !theirs.contains(' ') => {
            CallError::Incompatible(format!("the target speaks `{theirs}`, not `{ours}`").into())
        }
        other => other,
    }
}
