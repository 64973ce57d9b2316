use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// A crowd of actors, whose starts and stops are counted.
pub struct Crowd {
    size: u64,
    arrived: AtomicU64,
    left: AtomicU64,
    all_in: Notify,
    all_out: Notify,
}

/// The state of each actor of a crowd. When it is dropped, the actor has left.
pub struct Member(Arc<Crowd>);

impl Crowd {
    pub fn new(size: u64) -> Arc<Crowd> {
        let crowd = Crowd {
            size,
            arrived: AtomicU64::new(0),
            left: AtomicU64::new(0),
            all_in: Notify::new(),
            all_out: Notify::new(),
        };
        Arc::new(crowd)
    }

    pub fn member(self: &Arc<Crowd>) -> Member {
        Member(Arc::clone(self))
    }

    /// Waits until every member has arrived, and returns their number.
    pub async fn all_in(&self) -> u64 {
        self.all_in.notified().await;
        self.arrived.load(Ordering::Acquire)
    }

    /// Waits until every member has left, and returns their number.
    pub async fn all_out(&self) -> u64 {
        self.all_out.notified().await;
        self.left.load(Ordering::Acquire)
    }
}

impl Member {
    /// Counts the actor as started. Its own code calls this.
    pub fn arrive(&self) {
        if self.0.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.0.size {
            self.0.all_in.notify_one();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.0.left.fetch_add(1, Ordering::AcqRel) + 1 == self.0.size {
            self.0.all_out.notify_one();
        }
    }
}
