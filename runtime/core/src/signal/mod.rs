//! Layer 3: links and monitors as a state machine.
//!
//! [`Relations`] holds a process's links, its monitors and its watchers. [`dispatch`] updates them by one signal and
//! returns the signal's [`Effect`] on the receiver. Nothing here sends, waits or locks.
//!
//! Links follow OTP's
//! [`NewLinking`](https://github.com/erlang/otp/blob/master/erts/emulator/internal_doc/NewLinking.md) protocol: an
//! `unlink` waits for an acknowledgement, so that a link made later is not mistaken for the removed one.
//!
//! Invariants: a link has at most one state per peer; an exit signal over a removed link has no effect; each monitor
//! gives at most one `Down`.

mod dispatch;
#[cfg(all(feature = "upgrade", unix))]
mod kept;
mod monitored;
mod relations;
mod small_map;

pub(crate) use dispatch::{Effect, Receipt, RelationsSlot, dispatch};
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use kept::KeptRelation;
pub(crate) use monitored::{MonitorRoute, Monitored};
#[cfg(feature = "upgrade")]
pub(crate) use relations::RelationsRecord;
pub(crate) use relations::{ExitNotices, Relations};
