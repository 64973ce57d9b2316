//! An order desk in two releases with different protocols, and the upgrade of a running cluster from one to the other.
//!
//! [`first`] and [`second`] are the two releases, and the Cargo feature `second` chooses one. The program `node` runs a
//! node of it: a desk that takes orders, and a [`load`] that places orders at the desks of all nodes. The program
//! `upgrade` builds both releases, runs them in one cluster, replaces node by node, and prints what was lost.

pub mod first;
pub mod load;
pub mod report;
pub mod second;

#[cfg(not(feature = "second"))]
pub use first as release;
#[cfg(feature = "second")]
pub use second as release;
