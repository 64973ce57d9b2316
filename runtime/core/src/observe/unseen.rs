//! The crashes of a test that nothing has noticed.
//!
//! A crash is seen if the process was linked or monitored when it ended. It is also seen if an `ended()` or a call received
//! the exit reason, or a subscriber the lifecycle event. A link, a monitor, a wait or a call that comes after the end
//! sees the crash too, since it finds that the process is gone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::{Pid, SortedMap};

/// The crashes of all nodes of one test that nothing has noticed so far.
#[derive(Default)]
pub(crate) struct UnseenCrashes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The crash reports, by process.
    reports: SortedMap<Pid, String>,
    /// The processes that end because of a panic outside of their own future.
    failed: SortedMap<Pid, ()>,
}

/// The number of reports in the text of a failure.
const MAX_SHOWN: usize = 10;

impl UnseenCrashes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a process ends because of a panic outside of its own future.
    pub(crate) fn note_failed(&self, pid: Pid) {
        self.state().failed.insert(pid, ());
    }

    /// Returns whether [`note_failed`](Self::note_failed) was called for the process.
    pub(crate) fn take_failed(&self, pid: &Pid) -> bool {
        self.state().failed.remove(pid).is_some()
    }

    /// Adds the crash of a process.
    pub(crate) fn add(&self, pid: Pid, report: String) {
        self.state().reports.insert(pid, report);
    }

    /// Notes that something has noticed the end of the process.
    pub(crate) fn mark_seen(&self, pid: &Pid) {
        self.state().reports.remove(pid);
    }

    /// Returns the failure of a test with unseen crashes.
    pub(crate) fn failure(&self) -> Option<String> {
        let reports = std::mem::take(&mut self.state().reports);
        let text = match reports.len() {
            0 => return None,
            1 => "a process crashed unseen:".to_owned(),
            count => format!("{count} processes crashed unseen:"),
        };
        let shown = reports.values().take(MAX_SHOWN).map(|report| format!("\n    {report}"));
        let more = reports.len().saturating_sub(MAX_SHOWN);
        let more = if more > 0 { format!("\n    and {more} more") } else { String::new() };
        Some(format!(
            "{text}{}{more}\n\
             help: link or monitor the process, await its `ended()`, or write `#[greenroom::test(expect_crash)]`",
            shown.collect::<String>()
        ))
    }
}
