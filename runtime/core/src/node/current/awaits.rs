//! The pending awaits of a test that hangs.
//!
//! A future of greenroom that is pending notes the event that it waits for, if the thread records such notes. The test kit
//! records them once a test hangs: it polls the test and all its processes once more. Otherwise a note costs a look at a
//! flag, and nothing without the feature `test`.

#[cfg(feature = "test")]
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};

use super::Current;
#[cfg(feature = "test")]
use crate::base::Pid;

/// An await that was pending in a recorded poll.
#[cfg(feature = "test")]
pub(crate) struct PendingAwait {
    /// The process; `None` for code outside of processes.
    pub(crate) process: Option<Pid>,
    /// The event that it waits for.
    pub(crate) event: String,
    /// The place of the await in the program, if the executable contains it.
    pub(crate) place: Option<String>,
}

#[cfg(feature = "test")]
thread_local! {
    static IS_RECORDING: Cell<bool> = const { Cell::new(false) };
    static RECORD: RefCell<Vec<PendingAwait>> = const { RefCell::new(Vec::new()) };
}

impl Current {
    /// Notes the event that the polled code waits for.
    #[inline]
    pub(crate) fn note_await(event: impl FnOnce() -> String) {
        #[cfg(feature = "test")]
        if IS_RECORDING.get() {
            record(event());
        }
        #[cfg(not(feature = "test"))]
        let _ = event;
    }

    /// Runs a future that notes the event that it waits for.
    pub(crate) async fn noting<F: Future>(future: F, event: impl Fn() -> String) -> F::Output {
        let mut future = std::pin::pin!(future);
        poll_fn(|cx| {
            let poll = future.as_mut().poll(cx);
            if poll.is_pending() {
                Current::note_await(&event);
            }
            poll
        })
        .await
    }

    /// Runs `polls`, and returns the awaits that are pending in them.
    #[cfg(feature = "test")]
    pub(crate) fn record_awaits(polls: impl FnOnce()) -> Vec<PendingAwait> {
        IS_RECORDING.set(true);
        polls();
        IS_RECORDING.set(false);
        RECORD.take()
    }
}

/// The number of notes outside of processes whose place is looked up.
#[cfg(feature = "test")]
const MAX_PLACES: usize = 4;

#[cfg(feature = "test")]
#[cold]
fn record(event: String) {
    let process = Current::pid().filter(|pid| pid.number() != 0);
    let is_few =
        RECORD.with_borrow(|record| record.iter().filter(|await_| await_.place.is_some()).count() < MAX_PLACES);
    // A lookup takes some milliseconds, and processes are found by their pid.
    let place = if process.is_none() && is_few { place() } else { None };
    RECORD.with_borrow_mut(|record| record.push(PendingAwait { process, event, place }));
}

/// Returns the innermost place on the stack outside of libraries.
#[cfg(feature = "test")]
fn place() -> Option<String> {
    let directory = std::env::current_dir().unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::force_capture().to_string();
    let mut is_own = false;
    for line in backtrace.lines().map(str::trim_start) {
        match line.strip_prefix("at ") {
            Some(place) if is_own && !is_in_library(&directory, place) => {
                // Without the column.
                return Some(place.rsplit_once(':').map_or(place, |(place, _)| place).to_owned());
            }
            Some(_) => {}
            None => {
                let function = line.split_once(": ").map_or(line, |(_, function)| function);
                let function = function.trim_start_matches(['<', '&']);
                is_own = !["greenroom::", "greenroom_core::", "std::", "core::", "alloc::", "tokio::", "__rust"]
                    .iter()
                    .any(|library| function.starts_with(library));
            }
        }
    }
    None
}

/// Returns whether a place is in the source of a library.
///
/// The names of functions are not enough: they lack their crate if the debug information is `line-tables-only`.
#[cfg(feature = "test")]
fn is_in_library(directory: &std::path::Path, place: &str) -> bool {
    // The directory of this crate, and those of its siblings in a checkout.
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let runtime = own.parent().unwrap_or(own);
    // A backtrace shortens places below the current directory.
    place.starts_with("/rustc/")
        || ["/registry/src/", "/git/checkouts/"].iter().any(|part| place.contains(part))
        || directory.join(place.trim_start_matches("./")).starts_with(runtime)
}
