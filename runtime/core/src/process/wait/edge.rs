//! The edge that a wait for another process is in the graph that the [`DeadlockCheck`](crate::observe::DeadlockCheck)
//! searches, beside those of calls.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::node::{Current, Node};
use crate::observe::{AwaitedCall, WaitingCall};
use crate::sched::Timeout;

/// The edge of one wait.
#[derive(Default)]
pub(super) struct WaitEdge {
    /// The next search for a cycle. `None` before the first poll in a process.
    check: Option<NextCheck>,
    /// The wait is recorded in the waiting process's cell.
    is_noted: bool,
}

#[derive(Clone, Copy)]
struct NextCheck {
    since: Instant,
    at: Instant,
    pause: Duration,
}

/// The time until the first search for a cycle, as for a call. Each further one takes twice as long to come.
const FIRST_CHECK: Duration = Duration::from_millis(100);

impl WaitEdge {
    /// Returns true before the first [`poll`](Self::poll).
    pub(super) fn is_new(&self) -> bool {
        self.check.is_none()
    }

    /// Continues a wait of the current process, which is one of `node`, for its process with the number `target`. Once the
    /// wait has lasted for a while, records it and searches for a cycle. `time` is the last time that the timer wheel
    /// reported to `wait`. Zero is a target without a process at present, which makes no edge.
    pub(super) fn poll<W: AwaitedCall + Timeout + 'static>(
        &mut self,
        node: &Node,
        wait: &Arc<W>,
        target: u64,
        time: Option<Instant>,
    ) {
        let Some(check) = self.check else {
            let since = node.clock().now();
            return self.schedule(node, wait, NextCheck { since, at: since, pause: FIRST_CHECK });
        };
        if time.is_some_and(|time| time >= check.at) {
            let call: Arc<dyn AwaitedCall> = Arc::clone(wait) as _;
            let waiting = WaitingCall { call: Arc::downgrade(&call), callee: target, since: check.since };
            if target != 0 && Current::set_waiting(node, waiting) {
                node.find_deadlock(Current::process());
                self.is_noted = true;
            }
            self.schedule(node, wait, check);
        }
    }

    /// Registers for the search after `check`. A time beyond the range of the clock is never checked.
    fn schedule<W: Timeout + 'static>(&mut self, node: &Node, wait: &Arc<W>, check: NextCheck) {
        let at = check.at.checked_add(check.pause);
        if let Some(at) = at {
            let timeout: Arc<dyn Timeout> = Arc::clone(wait) as _;
            let timeout: Weak<dyn Timeout> = Arc::downgrade(&timeout);
            node.notify_at(at, timeout);
        }
        self.check = Some(NextCheck { at: at.unwrap_or(check.at), pause: check.pause.saturating_mul(2), ..check });
    }

    /// Removes the record of a wait that is over.
    pub(super) fn clear<W>(&self, wait: &Arc<W>) {
        if self.is_noted {
            Current::clear_waiting(Arc::as_ptr(wait).cast());
        }
    }
}
