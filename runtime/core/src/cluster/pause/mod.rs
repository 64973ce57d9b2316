//! Connections that pause while the peer, or this node, is upgraded, and are continued by the successor.
//!
//! The node that is upgraded pauses its connections: see [`session`](crate::session). Once a connection is quiet, its end is
//! not a loss: the [`Peer`](super::membership::Peer) is *suspended*, and keeps its epoch, its relations, its calls and the
//! frames that wait in its outbox. No process is notified. The next connection continues it if the two nodes have a token
//! in common, which they send with their admissions.
//!
//! | state | left by | |
//! |---|---|---|
//! | flowing | a pause of either node | stopped |
//! | stopped | a resume | flowing |
//! | | the end of the connection, if it is quiet | suspended |
//! | | the end of the connection otherwise, or [`HOLD`] after the pause of the peer | lost |
//! | suspended | a connection that continues it | flowing |
//! | | [`HOLD`], another incarnation of the peer, or too many frames | lost |
//!
//! The successor begins with [suspended](hand_over) peers. The processes that it does not have end for the peer: the successor
//! ends their relations, and answers their calls with an error.
//!
//! Invariants:
//! - A frame is sent on the old connection or on the next one, and never on both.
//! - A node that pauses neither continues nor opens a connection, so what it hands over stays true.

#[cfg(all(feature = "upgrade", unix))]
mod hand_over;
mod status;
mod suspension;
#[cfg(test)]
#[cfg(all(feature = "upgrade", unix))]
mod tests;

use std::time::Duration;

#[cfg(all(feature = "upgrade", unix))]
pub(super) use hand_over::end_lost_relations;
pub(super) use status::{Loss, PeerPause};

/// The time for which a node waits for a peer that has paused.
const HOLD: Duration = Duration::from_secs(120);
