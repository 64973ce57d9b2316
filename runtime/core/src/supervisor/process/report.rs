//! The log events of a supervisor, with the target `greenroom::supervisor`, and its events for
//! [`Node::lifecycle`](Node::lifecycle).
//!
//! They correspond to OTP's supervisor and progress reports. A child that crashes repeatedly is logged at its 1st, 2nd,
//! 4th, 8th … crash.

use std::time::{Duration, Instant};

use crate::base::{Exit, ExitSignal, Pid, Shutdown};
use crate::log;
use crate::node::Node;
use crate::observe::{Alarm, LifecycleEvent, ReportKind};
use crate::supervisor::Restart;
use crate::supervisor::child::{BoundSpec, path_segment};
use crate::supervisor::plan::ShutdownCause;

/// The crashes of one child in a row.
#[derive(Default)]
pub(super) struct CrashCount {
    count: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// A pause between two crashes after which counting starts again.
const QUIET_PERIOD: Duration = Duration::from_secs(60);

/// The number of crashes in a row that raises the alarm `RestartStorm`.
const STORM_CRASHES: u64 = 5;

impl CrashCount {
    /// Counts a crash. Returns the number of crashes in a row and their time span if this one is to be logged.
    fn add(&mut self, now: Instant) -> Option<(u64, Duration)> {
        if self.last.is_some_and(|last| now.duration_since(last) > QUIET_PERIOD) {
            *self = CrashCount::default();
        }
        self.last = Some(now);
        self.count += 1;
        let span = now.duration_since(*self.first.get_or_insert(now));
        self.count.is_power_of_two().then_some((self.count, span))
    }

    /// Raises the alarm `RestartStorm` after many crashes in a row. It is cleared after a quiet period.
    pub(super) fn raise_alarm(&self, node: &Node, supervisor: &str, child: &str) {
        if self.count < STORM_CRASHES {
            return;
        }
        let alarm = || {
            let (supervisor, child) = (supervisor.to_owned(), child.to_owned());
            Alarm::RestartStorm { supervisor, child, restarts: self.count }
        };
        if node.raise_alarm(alarm()) {
            node.spawner().spawn(clear_after_quiet_period(node.clone(), alarm()));
        }
    }
}

/// Clears a `RestartStorm` once it has not changed for a quiet period.
async fn clear_after_quiet_period(node: Node, mut storm: Alarm) {
    loop {
        node.clock().sleep_until(node.clock().now() + QUIET_PERIOD).await;
        match node.alarm(&storm.key()) {
            Some(now) if now != storm => storm = now,
            _ => return node.clear_alarm(&storm.key(), None),
        }
    }
}

/// The restarts that the intensity still allows: of one dynamic child, or of all other children together.
#[derive(Clone, Copy)]
pub(super) struct RestartsLeft {
    pub(super) count: usize,
    pub(super) period: Duration,
}

/// Logs the exit of a child that the supervisor did not stop.
pub(super) fn child_exited(
    node: &Node,
    supervisor: &str,
    spec: &BoundSpec,
    signal: &ExitSignal,
    crashes: &mut CrashCount,
    now: Instant,
    left: RestartsLeft,
) {
    let ExitSignal { from, reason, .. } = signal;
    let restart = spec.options.restart;
    let id = &*spec.id;
    if reason.is_orderly() && restart != Restart::Permanent {
        log::debug!(target: "greenroom::supervisor", supervisor, child = id, pid = %from, reason = %log::Escaped(reason), "child ended");
        return;
    }
    let Some((crashes, within)) = crashes.add(now) else { return };
    let RestartsLeft { count: restarts_left, period } = left;
    let message = if crashes == 1 { "child terminated" } else { "child keeps terminating" };
    let log = || {
        log::error!(
            target: "greenroom::supervisor",
            supervisor, child = id, pid = %from, ?restart, reason = %log::Escaped(reason), crashes, ?within, restarts_left, ?period,
            "{message}"
        );
    };
    // Further crashes of one child are logged more and more rarely; the first ones can be of any number of children.
    if crashes == 1 { node.report(ReportKind::ChildExit, log) } else { log() }
}

/// Logs a successful start: OTP's progress report.
pub(super) fn child_started(supervisor: &str, spec: &BoundSpec, pid: &Pid, starts: u64) {
    let id = &*spec.id;
    log::debug!(target: "greenroom::supervisor", supervisor, child = id, %pid, starts, "child started");
}

/// Counts a successful restart and publishes it as a lifecycle event.
pub(super) fn child_restarted(node: &Node, supervisor: &str, spec: &BoundSpec, pid: &Pid, starts: u64) {
    node.loss_counts().count_restart(supervisor);
    node.lifecycle_subscribers().send(|| LifecycleEvent::Restarted {
        supervisor: supervisor.to_owned(),
        child: spec.id.to_string(),
        pid: pid.clone(),
        starts,
    });
}

pub(super) fn start_failed(node: &Node, supervisor: &str, spec: &BoundSpec, reason: &Exit) {
    let (id, restart) = (&*spec.id, spec.options.restart);
    node.report(ReportKind::ChildStart, || {
        log::error!(
            target: "greenroom::supervisor", supervisor, child = id, ?restart, reason = %log::Escaped(reason), "child did not start"
        );
    });
}

/// Logs the exit of a child that the supervisor stopped, if the child did not stop as requested. `timed_out`: it was killed
/// because it did not stop in time.
pub(super) fn child_stopped(
    node: &Node,
    supervisor: &str,
    spec: &BoundSpec,
    pid: &Pid,
    reason: &Exit,
    timed_out: bool,
) {
    let id = &*spec.id;
    let expected = reason.is_orderly() || (spec.options.shutdown == Shutdown::Kill && *reason == Exit::Killed);
    if timed_out {
        node.report(ReportKind::ChildStop, || {
            log::warn!(
                target: "greenroom::supervisor",
                supervisor, child = id, %pid, "child did not stop in time and was killed"
            );
        });
    } else if !expected {
        node.report(ReportKind::ChildStop, || {
            log::error!(
                target: "greenroom::supervisor", supervisor, child = id, %pid, reason = %log::Escaped(reason), "child crashed while stopping"
            );
        });
    }
}

/// Counts and logs that the state of a child was not handed over, so that its successor starts anew.
#[cfg(any(feature = "registry", feature = "upgrade"))]
pub(super) fn state_lost(node: &Node, path: &str, reason: &Exit) {
    node.loss_counts().count_lost_states(1);
    node.report(ReportKind::LostState, || {
        log::warn!(
            target: "greenroom::supervisor", path, reason = %log::Escaped(reason), "a child starts anew, since its state was not handed over"
        );
    });
}

/// Raises an alarm and logs that a child's process was killed and has not exited. The alarm is cleared when it has.
pub(super) fn child_abandoned(node: &Node, supervisor: &str, child: &str, pid: &Pid) {
    let path = format!("{supervisor}/{}", path_segment(child));
    let raised = node.table().get(pid.number()).and_then(|cell| cell.abandon(pid.number(), path));
    let Some(Alarm::AbandonedChild { child: path, kind, at, .. }) = raised else { return };
    let at = at.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
    node.report(ReportKind::Abandoned, || {
        log::error!(
            target: "greenroom::supervisor",
            supervisor, child, path, %pid, process = %kind, last_seen = at,
            "child was killed and still runs: its supervisor continues without it"
        );
    });
}

/// Logs that the supervisor shuts down by itself. Giving up is published as a lifecycle event too.
pub(super) fn shuts_down(node: &Node, supervisor: &str, pid: &Pid, cause: ShutdownCause) {
    match cause {
        ShutdownCause::TooManyRestarts => {
            if log::has_subscriber() {
                log::error!(
                    target: "greenroom::supervisor", supervisor, %pid, "supervisor gives up: too many restarts"
                );
            } else {
                log::print(format_args!("{supervisor} {pid} gives up: too many restarts"));
            }
            node.lifecycle_subscribers()
                .send(|| LifecycleEvent::GaveUp { supervisor: supervisor.to_owned(), pid: pid.clone() });
        }
        ShutdownCause::AutoShutdown => log::info!(
            target: "greenroom::supervisor", supervisor, %pid, "supervisor shuts down: its significant children exited"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_in_a_row_are_logged_at_powers_of_two() {
        let (mut crashes, begin) = (CrashCount::default(), Instant::now());
        let logged: Vec<_> = (0..100).filter_map(|s| crashes.add(begin + Duration::from_secs(s))).collect();
        let seconds = |n| Duration::from_secs(n);
        assert_eq!(
            logged,
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
        assert_eq!(crashes.add(begin + seconds(160)), Some((1, seconds(0))));
    }
}
