//! The workloads between two nodes in the usual style of ractor: the actor of the other node is a member of a process
//! group, and `cast!` and `call!` address it as they would an actor of this node.
//!
//! This is a binary of its own, because ractor's feature `cluster` changes the trait that all messages implement.

mod counter;
mod remote;

use bench::{Bench, size};

fn main() {
    Bench::new("ractor_cluster")
        .workload("rcast", remote::cast)
        .workload("rask1", |size| remote::ask("rask1", 1, size.of(size::REMOTE_CALLS)))
        .workload("rask64", |size| remote::ask("rask64", 64, size.shares(size::REMOTE_CALLS_OF_64, 64)))
        .server(remote::serve)
        .run();
}
