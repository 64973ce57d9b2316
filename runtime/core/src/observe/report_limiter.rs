//! A limit on the number of reports of one kind in the log.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::SortedMap;
use crate::log;

/// Limits a node's reports: in each time window, the first few of each kind are logged, and the others only counted. Their
/// number is logged at the end of the window.
#[derive(Default)]
pub(crate) struct ReportLimiter {
    kinds: Mutex<SortedMap<ReportKind, Window>>,
}

/// A kind of report that is limited on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReportKind {
    /// A process of this type ended abnormally.
    Crash(&'static str),
    /// Code of this protocol's messages panicked outside of the process that they belong to.
    MessagePanic(&'static str),
    /// A message from another node could not be delivered.
    Undelivered,
    /// A message to another node could not be sent.
    Unsent,
    /// A node answered a call that was not sent to it, or on an earlier connection.
    StrayAnswer,
}

/// A time window in which the reports of one kind are counted.
struct Window {
    end: Instant,
    logged: u32,
    suppressed: u64,
}

/// The outcome for one report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReportDecision {
    /// The report is logged.
    Log,
    /// The report is the first of the window that is suppressed: a summary is due at this time.
    StartSummary(Instant),
    /// The report is suppressed.
    Suppress,
}

const WINDOW: Duration = Duration::from_secs(10);

/// The number of reports of one kind that are logged in a window.
const MAX_LOGGED: u32 = 5;

impl ReportLimiter {
    fn kinds(&self) -> MutexGuard<'_, SortedMap<ReportKind, Window>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one report of this kind.
    pub(crate) fn admit(&self, kind: ReportKind, now: Instant) -> ReportDecision {
        let mut kinds = self.kinds();
        let new = || Window { end: now + WINDOW, logged: 0, suppressed: 0 };
        let window = kinds.get_or_insert_with(kind, new);
        // A window with suppressed reports goes on until its summary is logged.
        if window.end <= now && window.suppressed == 0 {
            *window = new();
        }
        if window.logged < MAX_LOGGED {
            window.logged += 1;
            return ReportDecision::Log;
        }
        window.suppressed += 1;
        if window.suppressed == 1 { ReportDecision::StartSummary(window.end) } else { ReportDecision::Suppress }
    }

    /// Logs the number of suppressed reports of this kind, and ends the window.
    pub(crate) fn summarize(&self, kind: ReportKind) {
        let window = self.kinds().remove(&kind);
        if let Some(Window { suppressed: count @ 1.., .. }) = window {
            log_summary(kind, count);
        }
    }

    /// Logs all summaries that are due later, since the node stops.
    pub(crate) fn summarize_all(&self) {
        let windows = std::mem::take(&mut *self.kinds());
        for (kind, window) in windows {
            if window.suppressed > 0 {
                log_summary(kind, window.suppressed);
            }
        }
    }
}

fn log_summary(kind: ReportKind, count: u64) {
    match kind {
        ReportKind::Crash(process) if log::has_subscriber() => {
            log::error!(target: "greenroom", process, count, "more processes of this kind ended abnormally");
        }
        ReportKind::Crash(process) => log::print(format_args!("{process}: {count} more ended abnormally")),
        ReportKind::MessagePanic(protocol) if log::has_subscriber() => {
            log::error!(target: "greenroom", protocol, count, "more panics in the code of these messages");
        }
        ReportKind::MessagePanic(protocol) => {
            log::print(format_args!("{count} more panics in the code of messages of `{protocol}`"));
        }
        ReportKind::Undelivered => {
            log::warn!(target: "greenroom", count, "more messages from other nodes could not be delivered");
        }
        ReportKind::StrayAnswer => {
            log::debug!(target: "greenroom", count, "more answers to calls that were sent on other connections");
        }
        ReportKind::Unsent => {
            log::warn!(target: "greenroom", count, "more messages could not be sent to other nodes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_limited_by_kind_and_window() {
        let (limiter, start) = (ReportLimiter::default(), Instant::now());
        let end = start + WINDOW;
        for _ in 0..MAX_LOGGED {
            assert_eq!(limiter.admit(ReportKind::Crash("a"), start), ReportDecision::Log);
        }
        assert_eq!(limiter.admit(ReportKind::Crash("a"), start + WINDOW / 2), ReportDecision::StartSummary(end));
        assert_eq!(limiter.admit(ReportKind::Crash("a"), start + WINDOW / 2), ReportDecision::Suppress);
        assert_eq!(limiter.admit(ReportKind::Crash("b"), start), ReportDecision::Log);
        // The window is over, but its summary is not logged yet.
        assert_eq!(limiter.admit(ReportKind::Crash("a"), end), ReportDecision::Suppress);
        limiter.summarize(ReportKind::Crash("a"));
        assert_eq!(limiter.admit(ReportKind::Crash("a"), end), ReportDecision::Log);
        for hour in 1..20 {
            assert_eq!(limiter.admit(ReportKind::Crash("b"), start + hour * 360 * WINDOW), ReportDecision::Log);
        }
    }
}
