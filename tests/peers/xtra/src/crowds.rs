//! Workloads of many actors: their starts, their memory, their stops.

use std::time::Instant;

use bench::{Crowd, Figure, Member, resident};
use xtra::prelude::*;

/// Is idle until it is stopped.
struct Idler {
    member: Member,
}

impl Actor for Idler {
    type Stop = ();

    async fn started(&mut self, _: &Mailbox<Self>) -> Result<(), ()> {
        self.member.arrive();
        Ok(())
    }

    async fn stopped(self) {}
}

struct Stop;

impl Handler<Stop> for Idler {
    type Return = ();

    async fn handle(&mut self, Stop: Stop, cx: &mut Context<Self>) {
        cx.stop_self();
    }
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    idlers.extend((0..n).map(|_| crate::start(Idler { member: crowd.member() })));
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    for idler in &idlers {
        idler.send(Stop).detach().await.map(drop).expect("the actor is running");
    }
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}
