//! The propagator of a node, which converts between spans and trace contexts.

use std::error::Error;
use std::fmt;

use tracing::Span;

#[cfg(feature = "net")]
use crate::base::NodeName;
use crate::base::{MessageContext, TraceContext};
#[cfg(feature = "net")]
use crate::log;
use crate::node::{Current, Node};
#[cfg(feature = "net")]
use crate::observe::ReportKind;

/// The connection between the spans of `tracing` and a system that records them under ids, such as OpenTelemetry.
///
/// [`Node::set_propagator`] installs it. Its methods are called on the threads of processes and must not block. A panic is
/// one of the process that sends or handles the message.
pub trait Propagator: Send + Sync + 'static {
    /// Returns the trace context of the current span, for a message that is sent in it. `None` outside of any span.
    fn current(&self) -> Option<TraceContext>;

    /// Links `span`, in which a message is handled, to the span in which the message was sent.
    ///
    /// A link, and not a parent: a message may be handled long after the span of its sender has ended.
    fn link(&self, span: &Span, sender: &TraceContext);
}

/// The error of [`Node::set_propagator`]: the node has a propagator already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropagatorIsSet;

impl fmt::Display for PropagatorIsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the node has a propagator already")
    }
}

impl Error for PropagatorIsSet {}

impl Node {
    /// Installs the propagator of the node.
    ///
    /// From now on a message that is sent in a span carries the span's [`TraceContext`], also to other nodes. The message
    /// is handled in a span that is linked to that of its sender.
    ///
    /// The span has the name `message`, the target `greenroom::message` and the level `INFO`. It is made only for a message
    /// whose context is [sampled](TraceContext::is_sampled). A process that uses `receive!` obtains it from
    /// [`Mailbox::message_span`](crate::Mailbox::message_span).
    ///
    /// ```
    /// use greenroom::{Node, Propagator, TraceContext};
    ///
    /// /// For an example: spans have no ids.
    /// struct NoSpans;
    ///
    /// impl Propagator for NoSpans {
    ///     fn current(&self) -> Option<TraceContext> {
    ///         None
    ///     }
    ///
    ///     fn link(&self, _span: &tracing::Span, _sender: &TraceContext) {}
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// Node::current().set_propagator(NoSpans)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The node has a propagator already.
    pub fn set_propagator(&self, propagator: impl Propagator) -> Result<(), PropagatorIsSet> {
        self.inner.propagator.set(Box::new(propagator)).map_err(|_| PropagatorIsSet)
    }

    pub(crate) fn propagator(&self) -> Option<&dyn Propagator> {
        self.inner.propagator.get().map(|propagator| &**propagator)
    }

    /// Returns the trace context for a message that is sent now.
    #[inline(always)]
    pub(crate) fn message_context(&self) -> MessageContext {
        match self.inner.propagator.get() {
            Some(propagator) => current_context(&**propagator),
            None => MessageContext::NONE,
        }
    }

    /// Returns the trace context in these bytes of a message from the node `from`. A context that cannot be read is counted,
    /// and the message goes on without it.
    #[cfg(feature = "net")]
    pub(crate) fn received_context(&self, bytes: Option<&[u8]>, from: &NodeName) -> MessageContext {
        let Some(bytes) = bytes.filter(|_| self.propagator().is_some()) else { return MessageContext::NONE };
        MessageContext::decode(bytes).unwrap_or_else(|error| {
            self.loss_counts().count_lost_trace_context();
            self.report(ReportKind::TraceContext, || {
                log::warn!(
                    target: "greenroom", node = %self.name(), peer = %from, error = %log::Escaped(&error),
                    "trace context of a message cannot be read: the message goes on without it"
                );
            });
            MessageContext::NONE
        })
    }
}

#[cold]
fn current_context(propagator: &dyn Propagator) -> MessageContext {
    propagator.current().map_or_else(Current::message_context, MessageContext::from)
}
