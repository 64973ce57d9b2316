//! The connections to other nodes.
//!
//! A [`Cluster`] is a node's [`Router`](crate::node::Router). [`membership`] has the connected peers: their names,
//! addresses and incarnations. The tasks of [`links`] listen, dial the seeds again and again, and run one driver for each
//! connection. [`routes`] puts frames for a peer into the peer's outbox, and [`inbound`] turns the
//! frames of a peer into deliveries, signals and answers.
//!
//! Invariants:
//! - A peer is connected at most once. The node with the smaller name decides on the connection.
//! - All effects of an old connection, including its `NoConnection`s, precede a new one to the same node.
//! - Only seeds and members are dialled, never an address from a message.
//! - A process is reachable by its number only if its stub was sent out.
//!
//! # Memory that a peer occupies
//! These collections grow by the frames of a peer. Each is bounded, and is empty after the end of the connection:
//!
//! | collection | bound, by default | above it |
//! |---|---|---|
//! | connections that are up | 1,024 peers | a further one is refused |
//! | announced [members](membership) | as many, some kilobyte each | they are ignored |
//! | `session`: a record that is not complete | 64 KiB | there is no larger record |
//! | `session`: [names](crate::wire) of protocols and processes, of 255 bytes each | 4,096 of each kind | the connection ends |
//! | `session`: incomplete frames of one connection | 64 MiB, 1,024 frames | the connection ends |
//! | `session`: incomplete frames of all connections | 512 MiB | the connection with the most of them ends |
//! | [`Peer`](membership::Peer): names of protocols | as in the session | |
//! | links, and monitors on processes of this node, also those that wait for a restart; the notes on those by name | 1,048,576 ([`quota`]), some 140 bytes each | `Exit::Other` |
//! | [`tracked`] processes | twice those with relations, and 64 | |
//! | replies to the peer's calls, passed on or not | 1,048,576, some 350 bytes each | `CallErrorKind::Full` |
//! | [`large_frames`] that wait to be decoded, and those behind them in their lanes | the largest frame and 64 MiB | the peer is not read |
//! | messages in front of full mailboxes, and the targets to be held: [`holds`] | 256 MiB | `CallErrorKind::Full` |
//! | targets that the peer holds | 65,536 | they are not held |
//! | the peer's members of groups, in the [registry](crate::node::GroupService) | 1,048,576 in 65,536 groups, some 9 bytes and 400 bytes each | they are ignored |
//! | answers and signals to the peer | 256 MiB | an error instead of the answer; at twice that the connection ends |
//! | answers to this node's calls, and marks of those that were passed on | one for each call | they have no effect |
//! | claims of the registry's local view, 1,300 bytes each at most, and requests for claims | 65,536, and 1,024 | they are ignored; a request is an error |
//! | a [suspended](pause) peer that pauses and does not return | all of the above, for two minutes | it is lost |
//! | mailboxes | what the program chooses | the mailbox's policy |
//!
//! Nothing is kept of a monitor or link of a process that does not exist, nor of a message, exit or note without a
//! receiver.
//!
//! # Failure
//! A connection that ends, for any reason, is a lost node: links, monitors and calls get `NoConnection`.
//! A message that cannot be delivered is counted and logged, and a call in it gets the reason.

mod access;
mod beginning;
mod builder;
mod closing;
mod holds;
mod inbound;
mod large_frames;
mod links;
mod membership;
mod pause;
mod quota;
mod routes;
mod tracked;
mod waiting;

#[cfg(feature = "tls")]
pub use access::{CertificateError, Certificates};
pub use access::{Cookie, CookieError};
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use beginning::Beginning;
pub use builder::{NodeBuilder, NodeError};
pub(crate) use membership::Cluster;
pub use membership::{Discovery, Mesh, Policy};

#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod relation_tests;
#[cfg(test)]
mod reply_tests;
#[cfg(test)]
mod seed_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[cfg(feature = "trace-context")]
mod trace_context_tests;
