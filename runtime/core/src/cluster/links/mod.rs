//! The connections of a node, from the first byte to the loss: epochs, admission, dialling.
//!
//! The task [`listen`] accepts connections. A task for each of the [`seeds`] dials it, and so does one for each address that a
//! [`discovery`] returns. The tasks of [`dial`] dial other members. Each connection is run by the task
//! that opened it: see [`connection`]. Once the peer's hello has arrived, the connection is in the [`table`], which leaves
//! the choice of the admitted connections to the pure module [`admission`]. [`late`] has the connections whose tasks do not
//! run.

mod admission;
mod backoff;
mod connection;
mod connector;
mod dial;
mod discovery;
mod late;
mod listen;
mod refused;
mod seeds;
mod table;

pub(super) use connector::Connector;
pub(super) use seeds::Seed;
pub(super) use table::Links;
