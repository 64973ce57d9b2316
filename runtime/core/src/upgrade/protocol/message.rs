//! The messages between a predecessor and its successor, as data.
//!
//! The two can be of different releases of greenroom. Variants are appended only, and a predecessor sends no message and
//! no record that the successor's [`VERSION`] does not have.

use serde::{Deserialize, Serialize};

use crate::base::{ByteString, NodeId};
use crate::node::{PausedPeer, Restarts};

/// The version of these messages. A successor with another one is refused.
pub(crate) const VERSION: u32 = 3;

/// The number of bytes of one message.
pub(crate) const MAX_MESSAGE: usize = 1024 * 1024;

/// A message from the successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToPredecessor {
    /// The first message.
    Hello { version: u32 },
    /// The successor can take over everything in the plan.
    Accept,
    /// The successor cannot take over, for this reason.
    Refuse(String),
    /// The successor has adopted everything but these processes, and serves as soon as it reads the commit.
    Ready(Restarts),
}

/// A message from the predecessor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToSuccessor {
    /// The standard input of the program, with its descriptor: the successor's own one is the connection.
    Input,
    /// Everything that will be handed over.
    Plan(Vec<Kept>),
    /// A part of the hand-over. A record of something with a descriptor is sent with it.
    Record(Record),
    /// The end of the records.
    Complete,
    /// The successor serves, and the predecessor never again.
    Commit,
}

/// Something that the successor takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kept {
    /// The node's name and incarnation.
    Node(NodeId),
    /// A listening socket, by its name.
    Listener(String),
}

/// A part of the hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// The node, and the numbers of its next process and its next monitor.
    Node { id: NodeId, next_number: u64, next_reference: u64 },
    /// The socket at which the node itself listens. With a descriptor.
    NodeListener,
    /// A listening socket of the program. With a descriptor.
    Listener { name: String },
    /// A part of the processes.
    Processes(ByteString),
    /// The connection to the shim that this program runs behind. With a descriptor.
    Shim,
    /// A part of a paused connection to a peer, which begins a new one if the epoch is another one.
    Peer(Box<PausedPeer>),
}

impl Record {
    /// Returns whether the record is sent with a descriptor.
    pub(crate) fn has_descriptor(&self) -> bool {
        match self {
            Record::Node { .. } | Record::Peer(_) | Record::Processes(_) => false,
            Record::NodeListener | Record::Listener { .. } | Record::Shim => true,
        }
    }
}
