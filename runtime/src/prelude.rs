//! The names and macros that most programs use: `use greenroom::prelude::*;`.

#[doc(no_inline)]
pub use greenroom_core::prelude::*;
pub use greenroom_macros::{actor, after, protocol, receive, remote, supervisor};
// Attributes of methods in an `#[actor] impl`. Anywhere else they report that they belong there.
pub use greenroom_macros::{
    call, cast, continue_with, down, every, exit, idle, init, node_event, resumed, terminate, upgrade,
};
