use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many strangers may be in handshake at one time.
///
/// A listener enters each stream that it accepts, drops the stream if there is no place, and gives the place
/// back when the session is up or over; a handshake takes five seconds at most.
#[derive(Clone, Debug)]
pub(crate) struct Handshakes {
    places: Arc<Semaphore>,
}

/// One stranger's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Handshaking {
    _place: OwnedSemaphorePermit,
}

impl Handshakes {
    pub(crate) fn new(limit: usize) -> Handshakes {
        Handshakes { places: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))) }
    }

    /// A place, if one is free.
    pub(crate) fn enter(&self) -> Option<Handshaking> {
        self.places.clone().try_acquire_owned().ok().map(|place| Handshaking { _place: place })
    }
}
