//! For tests of what one wrote: clusters in memory. With the feature `test`.

pub use crate::cluster::InMemory as Cluster;
