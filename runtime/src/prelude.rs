//! What a program that uses greenroom wants in scope: `use greenroom::prelude::*;`.

#[doc(no_inline)]
pub use greenroom_core::prelude::*;
pub use greenroom_macros::{actor, after, protocol, receive, supervisor};
// Words of an `#[actor] impl`, here for what they say anywhere else.
pub use greenroom_macros::{call, cast, continue_with, down, every, exit, idle, init, node_event, terminate};
