//! What a supervisor tells the log, as OTP's supervisor and progress reports: structured events of the target
//! `greenroom::supervisor`, and to whoever listens to the node's [lifecycle](Node::lifecycle). A child that keeps crashing is told of at its 1st, 2nd, 4th, 8th … crash.

use std::time::{Duration, Instant};

use super::shutdown_wait::Stopped;
use crate::base::{Exit, ExitSignal, Pid, Shutdown};
use crate::log;
use crate::node::Node;
use crate::observe::{Alarm, LifecycleEvent};
use crate::supervisor::Restart;
use crate::supervisor::child::Slot;
use crate::supervisor::plan::Why;

/// The crashes of one child that follow close on each other.
#[derive(Default)]
pub(super) struct Crashes {
    count: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// After so long without a crash the next one is the first again.
const QUIET: Duration = Duration::from_secs(60);

/// So many crashes in a row are a storm.
const STORM: u64 = 5;

impl Crashes {
    /// One more; how many there have been and for how long, if that is worth telling.
    fn note(&mut self, now: Instant) -> Option<(u64, Duration)> {
        if self.last.is_some_and(|last| now.duration_since(last) > QUIET) {
            *self = Crashes::default();
        }
        self.last = Some(now);
        self.count += 1;
        let since = now.duration_since(*self.first.get_or_insert(now));
        self.count.is_power_of_two().then_some((self.count, since))
    }

    /// Raises the alarm if this is a storm, until it has been quiet.
    pub(super) fn alarm(&self, node: &Node, supervisor: &str, child: &str) {
        if self.count < STORM {
            return;
        }
        let alarm = || {
            let (supervisor, child) = (supervisor.to_owned(), child.to_owned());
            Alarm::RestartStorm { supervisor, child, restarts: self.count }
        };
        if node.raise(alarm()) {
            node.spawner().spawn(outlast(node.clone(), alarm()));
        }
    }
}

/// Clears the alarm of a storm when it has not grown for a while.
async fn outlast(node: Node, mut storm: Alarm) {
    loop {
        node.clock().sleep_until(node.clock().now() + QUIET).await;
        match node.raised_alarm(&storm.key()) {
            Some(now) if now != storm => storm = now,
            _ => return node.clear(&storm.key(), None),
        }
    }
}

/// A child ended by itself.
pub(super) fn ended(supervisor: &str, slot: &Slot, signal: &ExitSignal, crashes: &mut Crashes, now: Instant) {
    let ExitSignal { from, reason, .. } = signal;
    let restart = slot.options.restart;
    let id = &*slot.id;
    if reason.is_orderly() && restart != Restart::Permanent {
        log::debug!(target: "greenroom::supervisor", supervisor, child = id, pid = %from, %reason, "child ended");
        return;
    }
    let Some((crashes, since)) = crashes.note(now) else { return };
    let report = if crashes == 1 { "child terminated" } else { "child keeps terminating" };
    log::error!(
        target: "greenroom::supervisor",
        supervisor, child = id, pid = %from, ?restart, %reason, crashes, within = ?since, "{report}"
    );
}

/// A child is through its `init`: OTP's progress report.
pub(super) fn started(supervisor: &str, slot: &Slot, pid: &Pid, starts: u64) {
    let id = &*slot.id;
    log::debug!(target: "greenroom::supervisor", supervisor, child = id, %pid, starts, "child started");
}

/// A child lives again.
pub(super) fn restarted(node: &Node, supervisor: &str, slot: &Slot, pid: &Pid, starts: u64) {
    node.loss_counts().restart(supervisor);
    node.lives().tell(|| LifecycleEvent::Restarted {
        supervisor: supervisor.to_owned(),
        child: slot.id.to_string(),
        pid: pid.clone(),
        starts,
    });
}

pub(super) fn start_failed(supervisor: &str, slot: &Slot, reason: &Exit) {
    let (id, restart) = (&*slot.id, slot.options.restart);
    log::error!(
        target: "greenroom::supervisor", supervisor, child = id, ?restart, %reason, "child did not start"
    );
}

/// A child was told to stop, and did.
pub(super) fn stopped(supervisor: &str, slot: &Slot, pid: &Pid, stopped: &Stopped) {
    let (id, reason) = (&*slot.id, &stopped.reason);
    let expected = reason.is_orderly() || (slot.options.shutdown == Shutdown::Kill && *reason == Exit::Killed);
    if stopped.late {
        log::warn!(
            target: "greenroom::supervisor", supervisor, child = id, %pid, "child did not stop in time and was killed"
        );
    } else if !expected {
        log::error!(
            target: "greenroom::supervisor", supervisor, child = id, %pid, %reason, "child crashed while it stopped"
        );
    }
}

/// The supervisor ends by itself.
pub(super) fn ends(node: &Node, supervisor: &str, pid: &Pid, why: Why) {
    match why {
        Why::TooManyRestarts => {
            if log::is_heard() {
                log::error!(
                    target: "greenroom::supervisor", supervisor, %pid, "supervisor gives up: too many restarts"
                );
            } else {
                log::tell(format_args!("{supervisor} {pid} gives up: too many restarts"));
            }
            node.lives().tell(|| LifecycleEvent::GaveUp { supervisor: supervisor.to_owned(), pid: pid.clone() });
        }
        Why::AutoShutdown => log::info!(
            target: "greenroom::supervisor", supervisor, %pid, "supervisor shuts down: its significant children have"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_in_a_row_are_told_ever_more_rarely() {
        let (mut crashes, begin) = (Crashes::default(), Instant::now());
        let told: Vec<_> = (0..100).filter_map(|s| crashes.note(begin + Duration::from_secs(s))).collect();
        let seconds = |n| Duration::from_secs(n);
        assert_eq!(
            told,
            [
                (1, seconds(0)),
                (2, seconds(1)),
                (4, seconds(3)),
                (8, seconds(7)),
                (16, seconds(15)),
                (32, seconds(31)),
                (64, seconds(63)),
            ]
        );
        assert_eq!(crashes.note(begin + seconds(160)), Some((1, seconds(0))));
    }
}
