//! What is written to the log: events of `tracing`, or nothing without that feature.

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

/// Whether somebody reads it. If not, a crash is told on standard error.
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
