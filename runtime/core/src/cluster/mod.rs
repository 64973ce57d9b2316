//! Floor 10: the other nodes.
//!
//! A [`Cluster`] is a node's [`Router`](crate::node::Router): it knows each connected peer and puts what goes
//! there into the peer's outbox. Tasks around it listen, dial the seeds again and again, and run one driver a
//! connection, whose events [`inbound`] turns into deliveries, signals and answers.
//!
//! Invariants: a peer is connected at most once; of two connections that cross, the one dialled by the node with the
//! smaller name stays; everything of an old connection has had its effect, down to its `NoConnection`s, before a new
//! one to the same node is up; only seeds are dialled, never an address out of a message; a process is reachable by
//! number only if its stub was sent out.
//!
//! How it fails: a connection that ends, for whatever reason, is a lost node: links, monitors and calls hear
//! `NoConnection`. What cannot be delivered is counted and logged, and a call in it gets the reason.

mod builder;
mod connection;
mod cookie;
mod inbound;
mod peers;

pub use builder::{NodeBuilder, NodeError};
pub use cookie::{Cookie, CookieError};
pub(crate) use peers::Cluster;

#[cfg(test)]
mod tests;
