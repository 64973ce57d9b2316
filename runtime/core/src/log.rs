//! Log events: those of `tracing`, or none without that feature.

use std::fmt;

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as debug;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as error;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as info;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled as warn;
#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, error, info, warn};

/// Prints a line to standard error in one piece: for crashes of a program without a subscriber.
pub(crate) fn print(line: fmt::Arguments<'_>) {
    let line = format!("greenroom: {line}\n");
    eprint!("{line}");
}

/// Returns whether the program has a subscriber for log events. Without one, a crash is [printed](print).
#[cfg(feature = "tracing")]
pub(crate) fn has_subscriber() -> bool {
    tracing::dispatcher::has_been_set()
}

/// Returns whether the program has a subscriber for log events: never without `tracing`.
#[cfg(not(feature = "tracing"))]
pub(crate) const fn has_subscriber() -> bool {
    false
}

#[cfg(not(feature = "tracing"))]
macro_rules! disabled {
    ($($event:tt)*) => {
        ()
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled;
