//! Floor 1: the mailbox and the scan behind `receive!`.
//!
//! A message is pushed into the shared [`Queue`] under its lock. The owner swaps the whole queue out in one go
//! and reads it through its [`Inbox`]: messages that the current receive does not take go to the save queue,
//! which has a lane for each variant, so a receive never looks at a saved message that no arm can want.
//! Order across lanes is kept by arrival numbers.
//!
//! A bounded mailbox counts what others sent, in the save queue too, until the owner has taken it; what the runtime
//! made is neither counted nor refused. One message too many stands in line, is refused or dropped. A receive that finds
//! nothing else looks at those in line, too: so a full mailbox cannot lock itself. It tests them where they stand: one that
//! its guard refuses keeps its place behind the earlier ones of its sender.
//!
//! A queue whose owners come one after the other is *vacant* between two of them, and then *starting* until the start of
//! the next one has succeeded. What comes meanwhile for whoever it will be is marked as held: if the start fails, all of it
//! that the owner has not received stands in the queue again, in its order, and so does the line. What came for that one
//! owner only is dropped with it.
//!
//! Invariants: a message is in exactly one of queue, batch, save queue or the hands of a receive that is
//! testing it, which keeps its place; within the save queue each lane is in arrival order; a scan that was abandoned is put
//! right by the next.

mod batch;
mod entry;
mod inbox;
mod lock;
mod queue;
mod remove;
mod save;
mod want;

pub(crate) use entry::{Addressee, Entry, Origin, Refused};
pub(crate) use inbox::{Inbox, Next};
pub(crate) use lock::{CheckedSend, Guard, Lock};
pub use queue::Overflow;
pub(crate) use queue::{Arrival, Bounds, MailboxStats, PushObserver, Queue, WaiterId};
pub(crate) use want::Mask;
pub use want::Want;
