//! The handling of a message that was sent in a span: it has a span of its own, which is linked to that of the sender.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tracing::span::Entered;
use tracing::{Span, info_span};

use super::super::Mailbox;
use crate::base::{MessageContext, Protocol};
use crate::node::{ContextGuard, Current, Node};

/// The handling of a message. The span is closed when it is dropped.
#[derive(Default)]
// Boxed, since nearly no message has one and each server's task has room for one.
pub(crate) struct Handling(Option<Box<Traced>>);

struct Traced {
    span: Span,
    /// The context of the sender, for messages that are sent outside of any span.
    context: MessageContext,
}

/// The span of a message and its context are current until this is dropped.
pub(crate) struct EnteredHandling<'a> {
    _context: ContextGuard,
    _span: Entered<'a>,
}

impl<M: Protocol> Mailbox<M> {
    /// Begins to handle the message that was taken last.
    #[inline(always)]
    pub(crate) fn begin_handling(&mut self) -> Handling {
        let context = self.take_context();
        if context.get().is_none() { Handling(None) } else { self.begin_traced(context) }
    }

    #[cold]
    fn begin_traced(&self, context: MessageContext) -> Handling {
        Handling(Some(Box::new(Traced { span: self.span_for(&context), context })))
    }

    /// Returns a span for the message that was taken last, linked to the span in which the message was sent.
    ///
    /// For a process that uses `receive!`. The span of a message that a server's method handles is current already.
    /// [`Span::none`] if the message was not sent in a span, or if that is not recorded, and before any message was taken.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use tracing::Instrument;
    ///
    /// #[protocol(local)]
    /// enum Printer {
    ///     Print { page: String },
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let printer = greenroom::spawn(|mut mailbox: Mailbox<Printer>| async move {
    ///     receive!(match mailbox {
    ///         Printer::Print { page } => {
    ///             let span = mailbox.message_span();
    ///             async { tracing::info!(page, "printed") }.instrument(span).await;
    ///         }
    ///     });
    /// });
    /// printer.print("a letter".into());
    /// assert_eq!(printer.ended().await, Exit::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn message_span(&self) -> Span {
        self.read_state.as_ref().map_or_else(Span::none, |state| self.span_for(state.inbox.context()))
    }

    fn span_for(&self, context: &MessageContext) -> Span {
        let variant = self.read_state.as_ref().and_then(|state| M::VARIANTS.get(usize::from(state.last_variant?)));
        let message = variant.map_or("", |variant| variant.name);
        span(self.node(), self.pid.number(), (M::NAME, message), context)
    }
}

impl Handling {
    /// The handling of a message that was not sent in a span.
    pub(crate) const NONE: Handling = Handling(None);

    /// Begins to run a function in the process with this number, for a caller whose context is that of the current frame.
    #[cfg(feature = "net")]
    pub(crate) fn of_call(node: &Node, process: u64, function: &'static str) -> Handling {
        let context = Current::message_context();
        if context.get().is_none() {
            return Handling(None);
        }
        Handling(Some(Box::new(Traced { span: span(node, process, ("", function), &context), context })))
    }

    /// Returns true if the message was sent in a span.
    #[inline(always)]
    pub(crate) fn is_traced(&self) -> bool {
        self.0.is_some()
    }

    /// Enters the span, until the guard is dropped.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Option<EnteredHandling<'_>> {
        self.0.as_deref().map(Traced::enter)
    }

    /// Runs the future in the span.
    pub(crate) async fn run<F: Future>(self, future: F) -> F::Output {
        // Dropped before the span is closed.
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _entered = self.enter();
            future.as_mut().poll(cx)
        })
        .await
    }
}

impl Traced {
    #[cold]
    fn enter(&self) -> EnteredHandling<'_> {
        EnteredHandling { _context: Current::enter_context(self.context.clone()), _span: self.span.enter() }
    }
}

/// Returns the span of a message with this context: none if the sender's span is not recorded.
fn span(
    node: &Node,
    process: u64,
    (protocol, message): (&'static str, &'static str),
    context: &MessageContext,
) -> Span {
    let Some((propagator, sender)) = node.propagator().zip(context.get().filter(|context| context.is_sampled())) else {
        return Span::none();
    };
    let separator = if protocol.is_empty() { "" } else { "::" };
    // The fields with `otel` are those by which `tracing-opentelemetry` names a span. Their values are those of
    // OpenTelemetry's conventions for messages.
    let span = info_span!(
        target: "greenroom::message", parent: None, "message",
        process = %node.pid(process), protocol, message,
        otel.name = format!("process {protocol}{separator}{message}"), otel.kind = "consumer"
    );
    if !span.is_disabled() {
        propagator.link(&span, sender);
    }
    span
}
