//! Floor 5: casts, calls and replies, and the [`Address`] that they go to.
//!
//! An address is one of four: a process of this node (its cell and number), a supervised child (its cell,
//! whoever lives there), a process of another node (its pid), or a name. A message takes its place in the
//! target's mailbox, or in the queue of its node's connection, when the method is called; the [`Cast`] or
//! [`Call`] that comes back only waits. An answer goes into one slot that caller and reply share; a reply that
//! is dropped unanswered says why.

mod address;
mod call_future;
mod cast;
mod recipient;
mod remote;
mod remote_caller;
mod reply;
mod signals;
mod slot;
mod system;
mod target;
#[cfg(feature = "serde")]
mod with_serde;
#[cfg(not(feature = "serde"))]
mod without_serde;

pub use address::Address;
pub use call_future::Call;
pub use cast::Cast;
pub use recipient::Recipient;
pub use reply::Reply;
pub use system::SysError;
