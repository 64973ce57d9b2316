//! Subscriptions to the connects and disconnects of other nodes.

#[cfg(feature = "net")]
use super::table::ProcessTable;
#[cfg(feature = "net")]
use crate::base::NodeEvent;
use crate::base::SortedMap;
use crate::sync::{Mutex, PoisonError};

/// The processes that receive node events, by number.
#[derive(Default)]
pub(super) struct NodeWatchers {
    numbers: Mutex<SortedMap<u64, ()>>,
}

impl NodeWatchers {
    pub(super) fn watch(&self, number: u64, watch: bool) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if watch {
            numbers.insert(number, ());
        } else {
            numbers.remove(&number);
        }
    }

    /// Delivers an event to all watchers.
    #[cfg(feature = "net")]
    pub(super) fn publish(&self, event: &NodeEvent, table: &ProcessTable) {
        let guard = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers: Vec<u64> = guard.keys().copied().collect();
        for number in numbers {
            if let Some(cell) = table.get(number) {
                cell.deliver_node_event(number, event.clone());
            }
        }
        // Held until here, so that all watchers receive the events in one order.
        drop(guard);
    }
}
