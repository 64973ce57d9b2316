//! Workloads of many actors: their starts, their memory, their stops.

use std::time::Instant;

use actix::prelude::*;
use bench::{Crowd, Figure, Member, resident};

/// Is idle until it is stopped.
struct Idler {
    member: Member,
}

impl Actor for Idler {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.member.arrive();
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Stop> for Idler {
    type Result = ();

    fn handle(&mut self, Stop: Stop, cx: &mut Context<Self>) {
        cx.stop();
    }
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    idlers.extend((0..n).map(|at| crate::start(at, n, Idler { member: crowd.member() })));
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    idlers.iter().for_each(|idler| idler.do_send(Stop));
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}
