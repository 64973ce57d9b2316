//! The bound on connections that are not authenticated yet.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A limited number of permits for handshakes at one time.
///
/// A listener acquires a permit for each stream that it accepts, and drops the stream if none is free. It drops the
/// permit when the session is up or over. A handshake takes five seconds at most.
#[derive(Clone, Debug)]
pub(crate) struct Handshakes {
    permits: Arc<Semaphore>,
}

/// The permit for one handshake. It becomes free when it is dropped.
#[derive(Debug)]
pub(crate) struct HandshakePermit {
    _permit: OwnedSemaphorePermit,
}

impl Handshakes {
    pub(crate) fn new(limit: usize) -> Handshakes {
        Handshakes { permits: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))) }
    }

    /// Returns a permit, if one is free.
    pub(crate) fn acquire(&self) -> Option<HandshakePermit> {
        self.permits.clone().try_acquire_owned().ok().map(|permit| HandshakePermit { _permit: permit })
    }
}
