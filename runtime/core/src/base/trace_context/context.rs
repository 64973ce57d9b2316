//! The fields of a trace context, and their bytes in a message between two nodes.
//!
//! | bytes | |
//! |---|---|
//! | 1 | version: 0. A later version may append fields, which are ignored; 255 is not valid |
//! | 16 | trace id, not all zero |
//! | 8 | span id, not all zero |
//! | 1 | flags; bit 0: sampled |
//! | to the end | `tracestate`: at most 512 bytes, each from `0x20` to `0x7e` |

use std::error::Error;
use std::fmt;

/// The trace context of a span: its ids and flags, as the
/// [W3C recommendation](https://www.w3.org/TR/trace-context/#traceparent-header) defines them.
///
/// A [`Propagator`](crate::Propagator) converts between spans and trace contexts. [`Display`](fmt::Display) writes the
/// value of a header `traceparent`.
///
/// ```
/// # fn main() -> Result<(), greenroom::TraceContextError> {
/// let context = greenroom::TraceContext::new([0xab; 16], [0xcd; 8], 1)?;
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), "00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: Option<Box<str>>,
}

/// The error of a trace context that is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceContextError {
    /// The trace id is zero.
    NoTraceId,
    /// The span id is zero.
    NoSpanId,
    /// The `tracestate` has more than [`TraceContext::MAX_STATE`] bytes, or one that is not a printable character of
    /// ASCII.
    State,
    /// The bytes of another node are too few, or of the version 255.
    Malformed,
}

impl TraceContext {
    /// The most bytes of a `tracestate`. The recommendation requires that so many are passed on.
    pub const MAX_STATE: usize = 512;
    /// The flag of a span that is recorded.
    const SAMPLED: u8 = 1;
    const VERSION: u8 = 0;
    const NO_VERSION: u8 = u8::MAX;

    /// Creates the context of a span with these ids and flags. Bit 0 of the flags is set for a span that is recorded.
    ///
    /// # Errors
    /// An id is zero.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Result<TraceContext, TraceContextError> {
        if trace_id == [0; 16] {
            return Err(TraceContextError::NoTraceId);
        }
        if span_id == [0; 8] {
            return Err(TraceContextError::NoSpanId);
        }
        Ok(TraceContext { trace_id, span_id, flags, state: None })
    }

    /// Adds the value of a header `tracestate`. An empty one has no effect.
    ///
    /// # Errors
    /// The value has more than [`MAX_STATE`](TraceContext::MAX_STATE) bytes, or one that is not a printable character of
    /// ASCII.
    pub fn with_state(self, state: &str) -> Result<TraceContext, TraceContextError> {
        if state.len() > TraceContext::MAX_STATE || !state.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(TraceContextError::State);
        }
        Ok(TraceContext { state: Some(state).filter(|state| !state.is_empty()).map(Box::from), ..self })
    }

    /// Returns the id of the trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// Returns the id of the span.
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Returns the flags. Bit 0 is set for a span that is recorded.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns `true` if the span is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & TraceContext::SAMPLED != 0
    }

    /// Returns the value of the header `tracestate`, empty without one.
    pub fn state(&self) -> &str {
        self.state.as_deref().unwrap_or_default()
    }

    #[cfg(feature = "net")]
    pub(super) fn encode(&self) -> Box<[u8]> {
        let state = self.state().as_bytes();
        [&[TraceContext::VERSION][..], &self.trace_id, &self.span_id, &[self.flags], state].concat().into()
    }

    #[cfg(feature = "net")]
    pub(super) fn decode(bytes: &[u8]) -> Result<TraceContext, TraceContextError> {
        let malformed = TraceContextError::Malformed;
        let (version, rest) = bytes.split_first().ok_or(malformed)?;
        let (trace_id, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let (span_id, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let (flags, state) = rest.split_first().ok_or(malformed)?;
        let context = TraceContext::new(*trace_id, *span_id, *flags)?;
        match *version {
            TraceContext::VERSION => {
                context.with_state(std::str::from_utf8(state).map_err(|_| TraceContextError::State)?)
            }
            TraceContext::NO_VERSION => Err(malformed),
            _ => Ok(context),
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace_id, span_id) = (u128::from_be_bytes(self.trace_id), u64::from_be_bytes(self.span_id));
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self})")
    }
}

impl fmt::Display for TraceContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TraceContextError::NoTraceId => "the trace id is zero",
            TraceContextError::NoSpanId => "the span id is zero",
            TraceContextError::State => "the tracestate is longer than 512 bytes, or not printable ASCII",
            TraceContextError::Malformed => "the bytes are not a trace context",
        })
    }
}

impl Error for TraceContextError {}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;

    const TRACE: [u8; 16] = *b"sixteen bytes id";
    const SPAN: [u8; 8] = *b"eight by";

    fn bytes(version: u8, trace_id: [u8; 16], span_id: [u8; 8], rest: &[u8]) -> Vec<u8> {
        [&[version][..], &trace_id, &span_id, rest].concat()
    }

    #[test]
    fn a_decoded_context_is_the_encoded_one() {
        let plain = TraceContext::new(TRACE, SPAN, 1).unwrap();
        for context in [
            plain.clone(),
            TraceContext::new(TRACE, SPAN, 0xfe).unwrap(),
            plain.clone().with_state("vendor=1,other=~").unwrap(),
            plain.with_state(&"s".repeat(TraceContext::MAX_STATE)).unwrap(),
        ] {
            assert_eq!(TraceContext::decode(&context.encode()).as_ref(), Ok(&context));
        }
    }

    #[test]
    fn bytes_follow_the_table() {
        let context = TraceContext::new(TRACE, SPAN, 3).unwrap().with_state("a=b").unwrap();
        assert_eq!(*context.encode(), bytes(0, TRACE, SPAN, b"\x03a=b"));
        assert_eq!(context.to_string(), "00-7369787465656e206279746573206964-6569676874206279-03");
    }

    #[test]
    fn bytes_of_a_later_version_are_read_as_far_as_they_are_known() {
        let read = TraceContext::decode(&bytes(7, TRACE, SPAN, b"\x01\xff\0"));
        assert_eq!(read, TraceContext::new(TRACE, SPAN, 1));
    }

    #[test]
    fn bytes_that_are_not_valid_are_refused() {
        use TraceContextError::{Malformed, NoSpanId, NoTraceId, State};
        let long = [&[1][..], &[b's'; TraceContext::MAX_STATE + 1]].concat();
        for (bytes, error) in [
            (Vec::new(), Malformed),
            (bytes(0, TRACE, SPAN, b""), Malformed),
            (bytes(255, TRACE, SPAN, b"\x01"), Malformed),
            (bytes(0, [0; 16], SPAN, b"\x01"), NoTraceId),
            (bytes(0, TRACE, [0; 8], b"\x01"), NoSpanId),
            (bytes(0, TRACE, SPAN, &long), State),
            (bytes(0, TRACE, SPAN, b"\x01a=\n"), State),
            (bytes(0, TRACE, SPAN, b"\x01a=\xff"), State),
        ] {
            assert_eq!(TraceContext::decode(&bytes), Err(error), "{bytes:?}");
        }
    }
}
