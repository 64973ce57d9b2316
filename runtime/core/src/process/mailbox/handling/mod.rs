//! The handling of one message that was sent in a span.

#[cfg(feature = "trace-context")]
mod traced;
#[cfg(not(feature = "trace-context"))]
mod without;

#[cfg(feature = "trace-context")]
pub(crate) use traced::Handling;
#[cfg(not(feature = "trace-context"))]
pub(crate) use without::Handling;
