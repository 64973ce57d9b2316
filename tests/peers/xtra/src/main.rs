//! The workloads in the usual style of xtra: a type for each message, and `send`, detached where no answer is awaited.

mod crowds;
mod messages;
mod rings;

use bench::{Bench, size};
use xtra::prelude::*;

fn main() {
    Bench::new("xtra")
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
        .run();
}

/// Starts an actor with an unbounded mailbox.
fn start<A: Actor<Stop = ()>>(actor: A) -> Address<A> {
    xtra::spawn_tokio(actor, Mailbox::unbounded())
}
