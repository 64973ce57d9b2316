//! Trace contexts: the ids of a span, which a message carries to the process that handles it.
//!
//! [`TraceContext`] has the fields of the [W3C recommendation](https://www.w3.org/TR/trace-context/). A message has a
//! [`MessageContext`], which is a pointer, and of no size without the feature `trace-context`.

#[cfg(feature = "trace-context")]
mod context;
#[cfg(feature = "trace-context")]
mod message;
#[cfg(not(feature = "trace-context"))]
mod without;

#[cfg(feature = "trace-context")]
pub use context::{TraceContext, TraceContextError};
#[cfg(feature = "trace-context")]
pub(crate) use message::MessageContext;
#[cfg(not(feature = "trace-context"))]
pub(crate) use without::MessageContext;
