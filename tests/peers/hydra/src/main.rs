//! The workloads in the usual style of hydra: `Process::send` and `Process::receive`, as in its own benchmark;
//! `GenServer` for calls, and `Supervisor` for restarts.

mod crowds;
mod messages;
mod remote;
mod rings;
mod selective;

use bench::{Bench, size};
use hydra::{Process, Receivable};
use tokio::sync::oneshot;

fn main() {
    Bench::new("hydra")
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
        .server(remote::serve)
        .choose()
        // `#[hydra::main]` runs its body in a process, too, on a runtime whose number of threads cannot be set.
        .run_on_tokio(|workload| async {
            let (done, figures) = oneshot::channel();
            Process::spawn(
                async move { done.send(workload.await).unwrap_or_else(|_| unreachable!("the receiver waits")) },
            );
            figures.await.expect("the process is running")
        });
}

/// Returns the next message of a process.
async fn receive<M: Receivable>() -> M {
    match Process::receive().await {
        hydra::Message::User(message) => message,
        hydra::Message::System(_) => panic!("unexpected system message"),
    }
}
