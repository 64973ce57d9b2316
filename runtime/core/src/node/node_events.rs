#[cfg(feature = "net")]
use super::table::Table;
#[cfg(feature = "net")]
use crate::base::NodeEvent;
use crate::base::SortedMap;
use crate::sync::{Mutex, PoisonError};

/// The processes that hear of other nodes' coming and going.
#[derive(Default)]
pub(super) struct Watchers {
    numbers: Mutex<SortedMap<u64, ()>>,
}

impl Watchers {
    pub(super) fn watch(&self, number: u64, watch: bool) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if watch {
            numbers.insert(number, ());
        } else {
            numbers.remove(&number);
        }
    }

    /// Tells all that asked for it.
    #[cfg(feature = "net")]
    pub(super) fn announce(&self, event: &NodeEvent, table: &Table) {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers: Vec<u64> = numbers.keys().copied().collect();
        for number in numbers {
            if let Some(cell) = table.get(number) {
                cell.deliver_node_event(number, event.clone());
            }
        }
    }
}
