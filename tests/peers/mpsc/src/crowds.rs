//! Workloads of many tasks: their starts, their memory, and their stops, at the drop of their last sender.

use std::time::Instant;

use bench::{Crowd, Figure, Member, resident};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

fn idler(member: Member) -> UnboundedSender<()> {
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(async move {
        member.arrive();
        while receiver.recv().await.is_some() {}
    });
    sender
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    idlers.extend((0..n).map(|_| idler(crowd.member())));
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    drop(idlers);
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}
