//! The handling of a message, without the feature `trace-context`: nothing.

use std::future::Future;

use super::super::Mailbox;
use crate::base::Protocol;
use crate::node::Node;

/// The handling of a message: nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Handling;

impl<M: Protocol> Mailbox<M> {
    /// Begins to handle the message that was taken last.
    #[inline(always)]
    pub(crate) fn begin_handling(&mut self) -> Handling {
        Handling
    }
}

impl Handling {
    /// The handling of a message that was not sent in a span.
    pub(crate) const NONE: Handling = Handling;

    /// Begins to run a function for a caller.
    pub(crate) fn of_call(_: &Node, _: u64, _: &'static str) -> Handling {
        Handling
    }

    /// Returns true if the message was sent in a span.
    #[inline(always)]
    pub(crate) fn is_traced(&self) -> bool {
        false
    }

    /// Enters the span, until the guard is dropped.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Handling {
        Handling
    }

    /// Runs the future in the span.
    pub(crate) fn run<F: Future>(self, future: F) -> F {
        future
    }
}
