//! An exporter that prints a line for each span. In production it is one for a collector.

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Prints spans, with the name of their node.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) String);

impl SpanExporter for Lines {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        for span in spans {
            let ids = &span.span_context;
            let mut line = format!("{} {:?} span={}-{}", self.0, span.name, ids.trace_id(), ids.span_id());
            for link in span.links.iter() {
                line += &format!(" link={}-{}", link.span_context.trace_id(), link.span_context.span_id());
            }
            println!("{line} parent={}", span.parent_span_id);
        }
        Ok(())
    }
}
