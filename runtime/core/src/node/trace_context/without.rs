//! Stands for the trace contexts of messages without the feature `trace-context`.

use crate::base::MessageContext;
use crate::node::Node;

impl Node {
    /// Returns the trace context for a message that is sent now: none.
    #[inline(always)]
    pub(crate) fn message_context(&self) -> MessageContext {
        MessageContext::NONE
    }

    /// Returns the trace context of a message from another node: none.
    #[cfg(feature = "net")]
    pub(crate) fn received_context(&self, _: Option<&[u8]>, _: &crate::base::NodeName) -> MessageContext {
        MessageContext::NONE
    }
}
