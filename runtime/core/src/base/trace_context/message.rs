//! The trace context of a message.

use std::sync::Arc;

use super::TraceContext;
#[cfg(feature = "net")]
use super::TraceContextError;

/// The trace context of a message: that of the span in which it was sent, if there was one.
// A pointer, since each message in a mailbox has one. Shared with the messages that are sent while this one is handled.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageContext(Option<Arc<TraceContext>>);

impl MessageContext {
    /// The context of a message that was not sent in a span.
    pub(crate) const NONE: MessageContext = MessageContext(None);

    #[inline]
    pub(crate) fn get(&self) -> Option<&TraceContext> {
        self.0.as_deref()
    }

    /// Returns the bytes for a message to another node, if there is a context.
    #[cfg(feature = "net")]
    pub(crate) fn encode(&self) -> Option<Box<[u8]>> {
        self.get().map(TraceContext::encode)
    }

    /// Reads the bytes of a message from another node.
    #[cfg(feature = "net")]
    pub(crate) fn decode(bytes: &[u8]) -> Result<MessageContext, TraceContextError> {
        TraceContext::decode(bytes).map(MessageContext::from)
    }
}

impl From<TraceContext> for MessageContext {
    fn from(context: TraceContext) -> MessageContext {
        MessageContext(Some(Arc::new(context)))
    }
}
