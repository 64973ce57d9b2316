//! The workloads in the usual style of greenroom.

mod crowds;
mod flood;
mod growth;
mod large;
mod messages;
mod remote;
mod rings;
mod selective;

use bench::{Bench, size};
use greenroom::Node;

fn main() {
    Bench::new("greenroom")
        .workload("cast1", |size| messages::cast("cast1", size, 1))
        .workload("cast4", |size| messages::cast("cast4", size, 4))
        .workload("ask1", |size| messages::ask("ask1", size.shares(size::CALLS, 1), 1))
        .workload("ask64", |size| messages::ask("ask64", size.shares(size::CALLS_OF_64, 64), 64))
        .workload("pingpong", rings::pingpong)
        .workload("ring1", |size| rings::ring("ring1", size, 1))
        .workload("ring100", |size| rings::ring("ring100", size, 100))
        .workload("fan", rings::fan)
        .workload("crowd", |size| crowds::crowd("", size.of(size::CROWD)))
        .workload("crowd1m", |size| crowds::crowd("1m", size.of(size::BIG_CROWD)))
        .workload("monitor", crowds::monitor)
        .workload("restart", crowds::restart)
        .workload("selrecv", selective::unwanted)
        .workload("selrecv_guard", selective::failing_guard)
        .workload("rcast", remote::cast)
        .workload("rask1", |size| remote::ask("rask1", 1, size.of(size::REMOTE_CALLS)))
        .workload("rask64", |size| remote::ask("rask64", 64, size.shares(size::REMOTE_CALLS_OF_64, 64)))
        .workload("rbytes", large::rate)
        .workload("rlarge", large::beside)
        .server(remote::serve)
        .workload("growth_processes", growth::processes)
        .workload("growth_saved", growth::saved)
        .workload("growth_bytes", growth::bytes)
        .workload("flood", flood::flood)
        .choose()
        // `#[greenroom::main]` does the same, but has no option for the number of threads.
        .run_on_tokio(|workload| async { Node::local().scope(workload).await });
}
