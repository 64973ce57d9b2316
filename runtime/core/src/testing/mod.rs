//! For tests of what one wrote: clusters in memory, scenarios over many seeds, probes. With the feature `test`.
//!
//! [`#[greenroom::test]`](../attr.test.html) runs a test on a paused clock, and its processes on one thread in an order
//! that is drawn from a seed. [`check`](crate::check) runs one scenario over many seeds and tells the smallest that
//! fails, with the command that does the same steps again. A [`Cluster`] is several nodes whose links are in memory, and
//! can be cut, held and slowed; its nodes can crash and start again. A [`Probe`] is a process to talk through.
//!
//! What a seed decides: which process runs next, how long a link takes and where it splits what it carries, the nodes'
//! own chance (pauses between restarts), and the faults of [`Cluster::chaos`].
//!
//! What it does not: the order of a `HashMap`, `tokio::select!` without `biased;`, and threads. A failing scenario is run
//! twice, and the report says if the two differ.

#[cfg(feature = "net")]
mod check;
#[cfg(feature = "net")]
mod cluster;
#[cfg(feature = "net")]
mod faults;
mod probe;
mod run;

#[cfg(feature = "net")]
pub use check::{Check, check};
#[cfg(feature = "net")]
pub use cluster::{Cluster, ClusterBuilder, NodeSet};
#[cfg(feature = "net")]
pub use faults::Faults;
pub use probe::{Pattern, Probe, pattern};
pub(crate) use run::paused;
