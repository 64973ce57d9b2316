//! The workloads in the usual style of ractor: an enum for each protocol, `cast!` and `call!`, supervision events.

mod crowds;
mod messages;
mod rings;
mod selective;

use bench::{Bench, size};
use ractor::{Actor, ActorRef};

fn main() {
    Bench::new("ractor")
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
        .run();
}

/// Starts an actor without a name.
async fn start<A: Actor>(actor: A, arguments: A::Arguments) -> ActorRef<A::Msg> {
    Actor::spawn(None, actor, arguments).await.expect("the actor starts").0
}
