//! The connection between greenroom's messages and OpenTelemetry's spans.

use greenroom::{Propagator, TraceContext};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Sends the ids of OpenTelemetry's spans with messages.
pub(crate) struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn current(&self) -> Option<TraceContext> {
        let context = Span::current().context();
        let span = context.span();
        let ids = span.span_context();
        let (trace_id, span_id) = (ids.trace_id().to_bytes(), ids.span_id().to_bytes());
        // Fails outside of any span, whose ids are zero.
        let context = TraceContext::new(trace_id, span_id, ids.trace_flags().to_u8()).ok()?;
        // A state that is too long is left out.
        Some(context.clone().with_state(&ids.trace_state().header()).unwrap_or(context))
    }

    fn link(&self, span: &Span, sender: &TraceContext) {
        let (trace_id, span_id) = (TraceId::from_bytes(sender.trace_id()), SpanId::from_bytes(sender.span_id()));
        let state = sender.state().parse().unwrap_or(TraceState::NONE);
        span.add_link(SpanContext::new(trace_id, span_id, TraceFlags::new(sender.flags()), true, state));
    }
}
