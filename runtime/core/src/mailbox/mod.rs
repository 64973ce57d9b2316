//! The mailbox: the queue of a process's incoming messages, its save queue and its wait queue.
//!
//! Senders push messages into the shared [`Queue`] under its lock. The owner, which is the process that reads the
//! mailbox, swaps the whole queue for its empty batch and reads it through its [`Inbox`]. Messages that the current
//! receive does not take go to the save queue, which has a lane for each variant: a receive never tests a saved message
//! that none of its arms can take.
//!
//! A bounded mailbox counts the messages that others sent, until a receive takes them; the save queue is included.
//! Messages of the runtime are neither counted nor refused. A message beyond the bound waits in the wait queue, is
//! refused or is dropped, by the overflow policy. A receive that finds no other message tests those in the wait queue,
//! so that a mailbox full of messages that the owner does not want now cannot block itself. A tested message that does
//! not match keeps its place in the wait queue, behind the earlier ones of its sender.
//!
//! The mailbox of a supervised child has one owner after another. Between two of them it is *vacant*, and then
//! *starting* until the next start has succeeded. A message for any owner that comes meanwhile is *held*. If the start
//! fails, the held messages that the owner has not received go back into the queue or stay in the wait queue, in
//! order. Messages for that one owner are dropped with it.
//!
//! Invariants:
//! - A message is in exactly one of queue, wait queue, batch, save queue and a receive that tests it. A message that is
//!   tested keeps its place.
//! - Each lane of the save queue is in the order of arrival. Arrival numbers give the order across lanes.
//! - The next scan repairs one that was abandoned while it tested a message.

mod batch;
mod entry;
mod inbox;
mod queue;
mod remove;
mod save_queue;
mod waking_lock;
mod want;

pub(crate) use entry::{Addressee, Entry, Origin, Refused};
pub(crate) use inbox::{Inbox, Next};
pub use queue::Overflow;
pub(crate) use queue::{Arrival, Bounds, MailboxStats, PushObserver, Queue, WaiterId};
pub(crate) use waking_lock::{CheckedSend, Guard, WakingLock};
pub(crate) use want::Mask;
pub use want::Want;
