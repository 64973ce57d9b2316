//! The test kit: clusters in memory, scenarios over many seeds, and probes. Needs the feature `test`.
//!
//! - [`#[greenroom::test]`](../attr.test.html) runs a test on a paused clock. All its processes run on one thread, in
//!   an order that is drawn from a seed.
//! - [`check`](crate::check) runs one scenario over many seeds. It reports the smallest seed that fails, with the
//!   command that repeats the same steps.
//! - [`Cluster`] is a group of nodes that are connected in memory. Their links can be cut, stalled and slowed, and the
//!   nodes can crash and restart.
//! - [`assert_compatible!`](crate::assert_compatible) fails if a program cannot read the messages of an earlier release.
//! - `ClaimStore`, of the feature `registry`, is a registry in memory that nodes can lose.
//! - [`Probe`] is a process that a test controls: it sends, receives and expects messages.
//!
//! # Reproducible runs
//! A seed determines
//! - which process runs next,
//! - how long a link takes, and where it splits the bytes that it carries,
//! - the random numbers of the nodes, as for the pauses between restarts,
//! - the faults of [`Cluster::chaos`].
//!
//! A seed does not determine the order of a `HashMap`, the choice of a `tokio::select!` without `biased;`, or anything
//! that a thread does. A scenario that fails is run twice, and the report states whether the two runs differ.

#[cfg(feature = "net")]
mod check;
#[cfg(feature = "net")]
mod check_with;
#[cfg(feature = "registry")]
mod claim_store;
#[cfg(feature = "net")]
mod cluster;
#[cfg(feature = "net")]
mod compatible;
#[cfg(feature = "net")]
mod faults;
mod hang;
mod join;
#[cfg(feature = "net")]
mod node_set;
mod probe;
mod run;

#[cfg(feature = "net")]
pub use check::{Check, check};
#[cfg(feature = "net")]
pub use check_with::CheckWithState;
#[cfg(feature = "registry")]
pub use claim_store::ClaimStore;
#[cfg(feature = "net")]
pub use cluster::{Cluster, ClusterBuilder};
#[cfg(feature = "net")]
#[doc(hidden)]
pub use compatible::assert_compatible;
#[cfg(feature = "net")]
pub use faults::Faults;
#[cfg(feature = "net")]
pub use node_set::NodeSet;
pub use probe::{Pattern, Probe, pattern};
#[cfg(test)]
pub(crate) use run::paused;
pub(crate) use run::run_paused;
