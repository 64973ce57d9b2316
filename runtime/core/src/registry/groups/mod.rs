//! Groups of processes on all connected nodes.
//!
//! A [`Group`] is the handle that programs use. [`table`] has the members: those of this node, which it owns, and those
//! that each peer has announced. [`feed`] makes the updates for a peer. Both are pure, and [`service`] executes them: it
//! holds the table under a lock, and runs a task for each peer.
//!
//! The life of a connection:
//! 1. At its start, each node that takes part in groups sends [`Open`](crate::wire::GroupUpdate::Open). A node that begins
//!    later sends it then, on all connections.
//! 2. A node answers the first `Open` with its own, and with all its members, range by range. Then it sends each change.
//! 3. At the end of the connection, the peer's members are removed.
//!
//! Invariants:
//! - A node lists what its peers own, and announces only what it owns itself.
//! - An update depends on the present members alone, so all that was lost with a connection is sent again.
//! - A broadcast is an ordinary message with a [group as its target](crate::wire::FrameTarget::Group): one frame for each
//!   node, in the lane of its sender.
//!
//! A peer can fill the table up to its limits, and no further. It is empty again at the end of the connection.

mod broadcast;
mod event;
mod events;
mod feed;
mod group;
mod members;
mod pick;
mod service;
mod table;
#[cfg(test)]
mod tests;

pub use broadcast::{Broadcast, BroadcastError};
pub use event::GroupEvent;
pub use events::GroupEvents;
pub use group::Group;
pub use pick::{NoMember, Pick};
#[cfg(feature = "upgrade")]
pub(crate) use service::join_again;
