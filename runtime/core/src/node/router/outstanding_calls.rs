//! The number of calls of one peer that a node holds without an answer.

use std::sync::Arc;

use crate::sync::atomic::{AtomicUsize, Ordering};

/// The calls that came on one connection and have no answer yet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutstandingCalls(Arc<AtomicUsize>);

/// One outstanding call. It is counted until it is dropped, and a clone is counted too.
#[derive(Debug)]
pub(crate) struct OutstandingCall(OutstandingCalls);

impl OutstandingCalls {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one call more.
    pub(crate) fn begin(&self) -> OutstandingCall {
        self.0.fetch_add(1, Ordering::Relaxed);
        OutstandingCall(self.clone())
    }
}

impl PartialEq for OutstandingCalls {
    fn eq(&self, other: &OutstandingCalls) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OutstandingCalls {}

impl Clone for OutstandingCall {
    fn clone(&self) -> OutstandingCall {
        self.0.begin()
    }
}

impl Drop for OutstandingCall {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
