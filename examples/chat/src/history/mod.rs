//! The history: a log of lines that all nodes agree on, with a copy in the database of each node.
//!
//! A line is acknowledged when it is on the disks of a majority of the nodes. So an acknowledged line survives the
//! loss of any one of three nodes, with its directory.
//!
//! One process of the cluster, the [`writer`], puts the lines in order. It has a global name. Under the local view of
//! the registry two nodes can each have such a process for a moment, so the name alone does not protect the order.
//! The log does: it is that of [Raft](https://raft.github.io/raft.pdf), sections 5.3 and 5.4, with the global name in
//! place of elections.
//!
//! - Each writer has a [`Term`] of its own. Before it writes, a majority of the databases promises to refuse earlier
//!   terms, and the writer takes over the best log of that majority. Two majorities have a database in common, so
//!   that log has every acknowledged line, and a former writer gets no majority any more.
//! - A database accepts a record only behind the record that the writer has before it. So two databases that have a
//!   record of one term at one position have the same log up to it.
//! - The first record of a term has no line. Records of earlier terms are acknowledged with it, not before, since
//!   they alone could still be replaced.
//! - A database whose directory was deleted has forgotten its promises. It has no vote until **both** other databases
//!   have stated their terms and logs, and it has caught up with them: one of the two has what it had acknowledged.
//!
//! There is one order for all rooms. A writer for each room would share the work of the processor. A commit waits for
//! the disk, though, and one commit takes the waiting lines of all rooms.

pub(crate) mod database;
mod feeder;
mod log;
pub(crate) mod store;
pub(crate) mod subscription;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

pub(crate) use log::{Batch, Mark, Placed, Record, Refusal, Span, State, Stored, Term};

/// Part of the note of a node whose writer puts the lines in order.
pub(crate) const WRITES: &str = "puts the lines in order";
/// Part of the note of a node whose database is open.
pub(crate) const IS_OPEN: &str = "database: open";
/// Part of the note of a node whose database has its vote.
pub(crate) const CAUGHT_UP: &str = "has caught up";
