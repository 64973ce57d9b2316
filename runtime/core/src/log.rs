//! What is written to the log: events of `tracing`, or nothing without that feature.

use std::fmt;

#[cfg(not(feature = "tracing"))]
pub(crate) use silence as debug;
#[cfg(not(feature = "tracing"))]
pub(crate) use silence as error;
#[cfg(not(feature = "tracing"))]
pub(crate) use silence as info;
#[cfg(not(feature = "tracing"))]
pub(crate) use silence as warn;
#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, error, info, warn};

/// What must be seen where nobody reads the log: a line on standard error, in one piece.
pub(crate) fn tell(what: fmt::Arguments<'_>) {
    let line = format!("greenroom: {what}\n");
    eprint!("{line}");
}

/// Whether somebody reads it. If not, a crash is [told](tell).
#[cfg(feature = "tracing")]
pub(crate) fn is_heard() -> bool {
    tracing::dispatcher::has_been_set()
}

/// Nobody does.
#[cfg(not(feature = "tracing"))]
pub(crate) const fn is_heard() -> bool {
    false
}

#[cfg(not(feature = "tracing"))]
macro_rules! silence {
    ($($event:tt)*) => {
        ()
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use silence;
