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
//! - Only seeds are dialled, never an address from a message.
//! - A process is reachable by its number only if its stub was sent out.
//!
//! How it fails: a connection that ends, for any reason, is a lost node: links, monitors and calls get `NoConnection`.
//! A message that cannot be delivered is counted and logged, and a call in it gets the reason.

mod builder;
mod cookie;
mod holds;
mod inbound;
mod links;
mod membership;
mod routes;
mod tracked;
mod waiting;

pub use builder::{NodeBuilder, NodeError};
pub use cookie::{Cookie, CookieError};
pub(crate) use membership::Cluster;

#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod relation_tests;
#[cfg(test)]
mod reply_tests;
#[cfg(test)]
mod tests;
