//! The protocol between a test and the other OS process that it kills.

use greenroom::prelude::*;

/// The messages to the service of the other OS process.
#[protocol]
pub(crate) enum Service {
    /// A request that is answered with its text.
    Echo { text: String, reply: Reply<String> },
    /// A request that is never answered.
    Hold { reply: Reply<String> },
    /// A request for the service's own stub.
    Stub { reply: Reply<ServiceRef> },
}
