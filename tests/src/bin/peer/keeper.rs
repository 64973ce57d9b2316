//! What a test and the process that it kills have in common.

use greenroom::prelude::*;

/// What the other process does for a test.
#[protocol]
pub(crate) enum Keeper {
    /// Answers with the same text.
    Echo { text: String, reply: Reply<String> },
    /// Is never answered.
    Hold { reply: Reply<String> },
    /// The keeper's own stub.
    Who { reply: Reply<KeeperRef> },
}
