//! Floor 2: links and monitors as a state machine.
//!
//! A process's [`Relations`] are who it is linked to, whom it watches and who watches it. A signal goes in,
//! at most one [`Effect`] comes out; nothing here sends, waits or locks. Links follow OTP's
//! [`NewLinking`](https://github.com/erlang/otp/blob/master/erts/emulator/internal_doc/NewLinking.md)
//! protocol: `unlink` waits for an acknowledgement, so that a link made anew is not taken for the old one.
//!
//! Invariants: a link is in at most one state a peer; an exit over a link that is no more has no effect; each
//! monitor gives at most one `Down`.

mod dispatch;
mod few;
mod relations;

pub(crate) use dispatch::{Arrival, Effect, RelationsSlot, dispatch};
pub(crate) use relations::{Farewell, Relations};
