//! Layer 6: casts, calls and replies, and the [`Address`] that they are sent to.
//!
//! A message. A stub's method calls [`Address::cast`] or [`Address::call`], which put the message where it belongs before
//! they return; the [`Cast`] or [`Call`] that they return only waits.
//! - The address holds the cell of its process: the message is pushed into the mailbox.
//! - The address is the pid of a process of another node, or a name there: the message is encoded and put into the queue
//!   of that node's connection.
//! - The address is a name on this node: it is looked up for each message.
//!
//! An answer. A call and its [`Reply`] share a reply slot, which takes one outcome: the answer or an error.
//! A reply that is dropped unanswered fails its call. A reply that travelled to another node is answered by a frame.
//!
//! Everything that is not a message (signals, monitors, system requests) goes through the same [`Target`](target::Target)
//! and its one function that decides between local and remote.

mod address;
mod call_future;
mod cast;
#[cfg(feature = "net")]
mod chain_question;
mod noted_call;
mod recipient;
mod remote;
mod reply;
mod target;
#[cfg(feature = "serde")]
mod with_serde;
#[cfg(not(feature = "serde"))]
mod without_serde;

#[cfg(feature = "registry")]
pub(crate) use address::deliver_keyed;
pub use address::{Address, SysError};
pub use call_future::Call;
pub use cast::{BoundedCast, Cast};
pub use noted_call::CallName;
pub use recipient::Recipient;
#[cfg(feature = "registry")]
pub(crate) use remote::EncodedOnce;
#[cfg(feature = "net")]
pub(crate) use remote::{Request, reply_pair};
#[cfg(feature = "inspect")]
pub(crate) use remote::{UntypedMessage, send_untyped};
pub use reply::Reply;
