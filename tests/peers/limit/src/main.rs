//! The workloads on plain tokio tasks: the reference to which greenroom is compared.

mod crowds;
mod mailbox;
mod messages;
mod rings;

use bench::Bench;

fn main() {
    Bench::new("limit")
        .workload("cast1", |size| messages::cast("cast1", size, 1))
        .workload("cast4", |size| messages::cast("cast4", size, 4))
        .workload("ask1", |size| messages::ask("ask1", size.shares(bench::size::CALLS, 1), 1))
        .workload("ask64", |size| messages::ask("ask64", size.shares(bench::size::CALLS_OF_64, 64), 64))
        .workload("pingpong", rings::pingpong)
        .workload("ring1", |size| rings::ring("ring1", size, 1))
        .workload("ring100", |size| rings::ring("ring100", size, 100))
        .workload("fan", rings::fan)
        .workload("crowd", |size| crowds::crowd("", size.of(bench::size::CROWD)))
        .workload("crowd1m", |size| crowds::crowd("1m", size.of(bench::size::BIG_CROWD)))
        .workload("monitor", crowds::monitor)
        .workload("restart", crowds::restart)
        .run();
}
