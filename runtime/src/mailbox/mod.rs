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
//! Invariants: a message is in exactly one of queue, batch, save queue or the hands of a receive that is
//! testing it, which keeps its place; within the save queue each lane is in arrival order; a scan that was abandoned is put
//! right by the next.

mod bounds;
mod inbox;
mod lock;
mod queue;
mod save;
mod want;

pub(crate) use bounds::Bounds;
pub use bounds::Overflow;
pub(crate) use inbox::{Inbox, Next};
pub(crate) use lock::{Guard, Lock};
pub(crate) use queue::{Entry, Figures, Origin, Owner, Pushed, Queue, Refused, Why};
pub(crate) use want::Mask;
pub use want::Want;
