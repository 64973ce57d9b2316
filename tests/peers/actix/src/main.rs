//! The workloads in the usual style of actix: a type for each message, `do_send` and `send`. An actor of actix runs on
//! one thread, that of its arbiter. With two threads there are two arbiters, each with half of a workload's actors.

mod crowds;
mod messages;
mod rings;

use std::sync::OnceLock;

use actix::prelude::*;
use bench::{Bench, Threads, size};

static ARBITERS: OnceLock<Vec<ArbiterHandle>> = OnceLock::new();

fn main() {
    let chosen = Bench::new("actix")
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
        .choose();
    let system = System::new();
    system.block_on(async move {
        let arbiters = match chosen.threads {
            Threads::Two => vec![Arbiter::new().handle(), Arbiter::new().handle()],
            Threads::Current => vec![Arbiter::current()],
        };
        ARBITERS.set(arbiters).expect("the arbiters are set once");
        let (workload, print) = chosen.start();
        print(workload.await);
    });
    std::process::exit(0)
}

/// The arbiter of the `at`th of `n` actors.
fn arbiter(at: u64, n: u64) -> &'static ArbiterHandle {
    let arbiters = ARBITERS.get().expect("the arbiters are set");
    &arbiters[(at * arbiters.len() as u64 / n) as usize]
}

/// Starts the `at`th of `n` actors.
fn start<A: Actor<Context = Context<A>> + Send>(at: u64, n: u64, actor: A) -> Addr<A> {
    A::start_in_arbiter(arbiter(at, n), move |_| actor)
}
