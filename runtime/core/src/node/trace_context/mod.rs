//! The trace context of a message: that of the span in which it is sent.
//!
//! A message that is sent takes the first of these contexts that there is:
//! 1. That of the current span, which the node's [`Propagator`] returns.
//! 2. That of the message which the current process handles. A handler without a span of its own, since it is filtered
//!    out or not sampled, passes the context on.
//!
//! Without a propagator no message has a context.

#[cfg(feature = "trace-context")]
mod propagator;
#[cfg(not(feature = "trace-context"))]
mod without;

#[cfg(feature = "trace-context")]
pub use propagator::{Propagator, PropagatorIsSet};
