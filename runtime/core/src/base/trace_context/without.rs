//! Stands for the trace context of a message without the feature `trace-context`.

/// The trace context of a message: nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageContext;

impl MessageContext {
    /// The context of a message that was not sent in a span.
    pub(crate) const NONE: MessageContext = MessageContext;

    /// Returns the bytes for a message to another node: none.
    #[cfg(feature = "net")]
    pub(crate) fn encode(&self) -> Option<Box<[u8]>> {
        None
    }
}
