//! A limit on the number of reports of one kind in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReportKind {
    /// A process of this type ended abnormally.
    Crash(&'static str),
    /// Code of this protocol's messages panicked outside of the process that they belong to.
    MessagePanic(&'static str),
    /// A message from another node could not be delivered.
    Undelivered,
    /// A message to another node could not be sent.
    Unsent,
    /// A message from another node was for a process that does not exist.
    #[cfg(feature = "net")]
    NoReceiver,
    /// A link, a monitor, a call or a member of a group of this peer was refused, since the peer has too many of them.
    #[cfg(feature = "net")]
    PeerLimit,
    /// The policy refused a message, a signal or a request of a peer.
    #[cfg(feature = "net")]
    NotAllowed,
    /// A trace context of a message from another node could not be read.
    #[cfg(all(feature = "net", feature = "trace-context"))]
    TraceContext,
    /// A node answered a call that was not sent to it, or on an earlier connection.
    StrayAnswer,
    /// A connection of a peer that is not a node was closed. Only the number of these is logged.
    #[cfg(feature = "net")]
    Stranger,
    /// A node at this address was refused, or refused this one.
    #[cfg(feature = "net")]
    Refused(Arc<str>),
    /// Messages were lost, since a member could not be reached.
    #[cfg(feature = "net")]
    Unreached,
    /// A node has joined or left the cluster.
    #[cfg(feature = "net")]
    Members,
    /// The operating system returned an error instead of a new connection.
    #[cfg(feature = "net")]
    AcceptFailed,
    /// The registry did not do as requested.
    #[cfg(feature = "registry")]
    Registry,
    /// A claim of this node was lost, or that of another node has no effect.
    #[cfg(feature = "registry")]
    Claims,
    /// The state of a child or of an application was not handed over.
    #[cfg(any(feature = "registry", feature = "upgrade"))]
    LostState,
    /// A destructor or blocking code of a process panicked while the process ended.
    LatePanic,
    /// A cycle of calls, or of processes that stop each other, was broken.
    Cycle,
    /// A stub was made for a name that is not a valid node name.
    InvalidNodeName,
    /// A child of a supervisor exited for the first time.
    ChildExit,
    /// A child of a supervisor did not start.
    ChildStart,
    /// A child of a supervisor did not stop as requested.
    ChildStop,
    /// A killed process has not exited, and is no longer waited for.
    Abandoned,
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
    /// The report is the first of its window that is suppressed: a summary of this kind is due at this time.
    StartSummary(ReportKind, Instant),
    /// The report is suppressed.
    Suppress,
}

/// The window of most kinds, and the number of reports of one kind that are logged in it.
const WINDOW: Duration = Duration::from_secs(10);
const MAX_LOGGED: u32 = 5;

/// The window of refused connections, which any machine may cause at any time.
#[cfg(feature = "net")]
const LONG_WINDOW: Duration = Duration::from_secs(60);

/// The number of addresses with a window of their own. Other addresses share one.
#[cfg(feature = "net")]
const MAX_ADDRESSES: usize = 64;

impl ReportKind {
    /// Returns the length of the time window, and the number of reports that are logged in it.
    fn limits(&self) -> (Duration, u32) {
        match self {
            #[cfg(feature = "net")]
            ReportKind::Stranger => (LONG_WINDOW, 0),
            #[cfg(feature = "net")]
            ReportKind::Refused(_) => (LONG_WINDOW, 1),
            _ => (WINDOW, MAX_LOGGED),
        }
    }
}

impl ReportLimiter {
    fn kinds(&self) -> MutexGuard<'_, SortedMap<ReportKind, Window>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one report of this kind.
    pub(crate) fn admit(&self, kind: ReportKind, now: Instant) -> ReportDecision {
        let mut kinds = self.kinds();
        let kind = bounded(&mut kinds, kind, now);
        let (length, max_logged) = kind.limits();
        let new = || Window { end: now + length, logged: 0, suppressed: 0 };
        let window = kinds.get_or_insert_with(kind.clone(), new);
        // A window with suppressed reports goes on until its summary is logged.
        if window.is_over(now) {
            *window = new();
        }
        if window.logged < max_logged {
            window.logged += 1;
            return ReportDecision::Log;
        }
        window.suppressed += 1;
        if window.suppressed == 1 { ReportDecision::StartSummary(kind, window.end) } else { ReportDecision::Suppress }
    }

    /// Logs the number of suppressed reports of this kind, and ends the window.
    pub(crate) fn summarize(&self, kind: &ReportKind) {
        let window = self.kinds().remove(kind);
        if let Some(Window { suppressed: count @ 1.., .. }) = window {
            log_summary(kind, count);
        }
    }

    /// Logs all summaries that are due later, since the node stops.
    pub(crate) fn summarize_all(&self) {
        let windows = std::mem::take(&mut *self.kinds());
        for (kind, window) in windows {
            if window.suppressed > 0 {
                log_summary(&kind, window.suppressed);
            }
        }
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        self.end <= now && self.suppressed == 0
    }
}

/// Returns the kind under which a report is counted. The number of addresses is bounded: too many of them share one
/// window.
fn bounded(kinds: &mut SortedMap<ReportKind, Window>, kind: ReportKind, now: Instant) -> ReportKind {
    #[cfg(feature = "net")]
    if matches!(kind, ReportKind::Refused(_)) && kinds.get(&kind).is_none() {
        kinds.retain(|kind, window| !matches!(kind, ReportKind::Refused(_)) || !window.is_over(now));
        if kinds.keys().filter(|kind| matches!(kind, ReportKind::Refused(_))).count() >= MAX_ADDRESSES {
            return ReportKind::Refused("other addresses".into());
        }
    }
    #[cfg(not(feature = "net"))]
    let _ = (kinds, now);
    kind
}

fn log_summary(kind: &ReportKind, count: u64) {
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
        #[cfg(feature = "net")]
        ReportKind::NoReceiver => {
            log::debug!(target: "greenroom", count, "more messages for processes that do not exist");
        }
        #[cfg(feature = "net")]
        ReportKind::PeerLimit => {
            log::warn!(target: "greenroom", count, "more links, monitors, members of groups or messages with calls of peers were refused");
        }
        #[cfg(feature = "net")]
        ReportKind::NotAllowed => {
            log::warn!(target: "greenroom", count, "more messages, signals or requests of peers are not allowed");
        }
        #[cfg(all(feature = "net", feature = "trace-context"))]
        ReportKind::TraceContext => {
            log::warn!(target: "greenroom", count, "more trace contexts of messages could not be read");
        }
        ReportKind::StrayAnswer => {
            log::debug!(target: "greenroom", count, "more answers to calls that were sent on other connections");
        }
        ReportKind::Unsent => {
            log::warn!(target: "greenroom", count, "more messages could not be sent to other nodes");
        }
        #[cfg(feature = "net")]
        ReportKind::Stranger => {
            log::info!(
                target: "greenroom", count,
                "connections were closed before their handshake: port scans, health checks or silent peers"
            );
        }
        #[cfg(feature = "net")]
        ReportKind::Refused(address) => {
            log::warn!(target: "greenroom", %address, count, "more connections with this address were refused");
        }
        #[cfg(feature = "net")]
        ReportKind::Unreached => {
            log::warn!(target: "greenroom", count, "more attempts to reach a member for a message failed");
        }
        #[cfg(feature = "net")]
        ReportKind::Members => log::info!(target: "greenroom", count, "more nodes joined or left"),
        #[cfg(feature = "net")]
        ReportKind::AcceptFailed => {
            log::warn!(target: "greenroom", count, "more connections could not be accepted");
        }
        ReportKind::LatePanic if log::has_subscriber() => {
            log::error!(target: "greenroom", count, "more panics of processes that were ending");
        }
        ReportKind::LatePanic => log::print(format_args!("{count} more panics of processes that were ending")),
        ReportKind::Cycle => log::warn!(target: "greenroom", count, "more cycles of processes were broken"),
        ReportKind::InvalidNodeName => {
            log::warn!(target: "greenroom", count, "more stubs for invalid node names were made");
        }
        ReportKind::ChildExit => log::error!(target: "greenroom::supervisor", count, "more children terminated"),
        ReportKind::ChildStart => log::error!(target: "greenroom::supervisor", count, "more children did not start"),
        ReportKind::ChildStop => {
            log::error!(target: "greenroom::supervisor", count, "more children did not stop as requested");
        }
        #[cfg(feature = "registry")]
        ReportKind::Registry => log::warn!(target: "greenroom", count, "more requests to the registry failed"),
        #[cfg(feature = "registry")]
        ReportKind::Claims => log::warn!(target: "greenroom", count, "more claims were lost or ignored"),
        #[cfg(any(feature = "registry", feature = "upgrade"))]
        ReportKind::LostState => log::warn!(target: "greenroom", count, "more states were not handed over"),
        ReportKind::Abandoned => log::error!(target: "greenroom", count, "more processes were killed and still run"),
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
        assert_eq!(
            limiter.admit(ReportKind::Crash("a"), start + WINDOW / 2),
            ReportDecision::StartSummary(ReportKind::Crash("a"), end)
        );
        assert_eq!(limiter.admit(ReportKind::Crash("a"), start + WINDOW / 2), ReportDecision::Suppress);
        assert_eq!(limiter.admit(ReportKind::Crash("b"), start), ReportDecision::Log);
        // The window is over, but its summary is not logged yet.
        assert_eq!(limiter.admit(ReportKind::Crash("a"), end), ReportDecision::Suppress);
        limiter.summarize(&ReportKind::Crash("a"));
        assert_eq!(limiter.admit(ReportKind::Crash("a"), end), ReportDecision::Log);
        for hour in 1..20 {
            assert_eq!(limiter.admit(ReportKind::Crash("b"), start + hour * 360 * WINDOW), ReportDecision::Log);
        }
    }

    #[cfg(feature = "net")]
    #[test]
    fn refusals_are_limited_by_address_and_the_number_of_addresses_is_bounded() {
        let (limiter, start) = (ReportLimiter::default(), Instant::now());
        let from = |address: usize| ReportKind::Refused(format!("10.0.0.{address}").into());
        for address in 0..MAX_ADDRESSES {
            assert_eq!(limiter.admit(from(address), start), ReportDecision::Log);
            assert_eq!(
                limiter.admit(from(address), start),
                ReportDecision::StartSummary(from(address), start + LONG_WINDOW)
            );
            assert_eq!(limiter.admit(from(address), start), ReportDecision::Suppress);
        }
        assert_eq!(limiter.admit(from(1000), start), ReportDecision::Log);
        let others = ReportKind::Refused("other addresses".into());
        assert_eq!(limiter.admit(from(1001), start), ReportDecision::StartSummary(others, start + LONG_WINDOW));
        for address in 0..10_000 {
            limiter.admit(from(address), start);
        }
        assert_eq!(limiter.kinds().len(), MAX_ADDRESSES + 1);
        // Windows that are over make room.
        for address in 0..MAX_ADDRESSES {
            limiter.summarize(&from(address));
        }
        for address in 2000..2000 + MAX_ADDRESSES - 1 {
            assert_eq!(limiter.admit(from(address), start + LONG_WINDOW), ReportDecision::Log);
        }
        for minute in 2..200 {
            assert_eq!(limiter.admit(from(3000 + minute), start + minute as u32 * LONG_WINDOW), ReportDecision::Log);
        }
    }

    #[cfg(feature = "net")]
    #[test]
    fn only_the_number_of_strangers_is_logged() {
        let (limiter, start) = (ReportLimiter::default(), Instant::now());
        let first = ReportDecision::StartSummary(ReportKind::Stranger, start + LONG_WINDOW);
        assert_eq!(limiter.admit(ReportKind::Stranger, start), first);
        assert_eq!(limiter.admit(ReportKind::Stranger, start), ReportDecision::Suppress);
    }
}
