//! Many actors: their beginning, their room, their end.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size, resident, size};
use kameo::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Idles until it is stopped.
struct Idler {
    member: Member,
}

impl Actor for Idler {
    type Args = Idler;
    type Error = Infallible;

    async fn on_start(idler: Idler, _: ActorRef<Self>) -> Result<Idler, Infallible> {
        idler.member.arrive();
        Ok(idler)
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
        idler.stop_gracefully().await.expect("the actor lives");
    }
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

/// Is linked to everybody, and so hears of every end.
struct Watcher {
    ends: u64,
    awaited: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Actor for Watcher {
    type Args = Watcher;
    type Error = Infallible;

    async fn on_start(watcher: Watcher, _: ActorRef<Self>) -> Result<Watcher, Infallible> {
        Ok(watcher)
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        self.ends += 1;
        if self.ends == self.awaited
            && let Some(done) = self.done.take()
        {
            done.send(self.ends).expect("somebody waits");
        }
        Ok(ControlFlow::Continue(()))
    }
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::WATCHED);
    let crowd = Crowd::new(n);
    let (done, all) = oneshot::channel();
    let watcher = crate::start(Watcher { ends: 0, awaited: n, done: Some(done) });
    let idlers: Vec<_> = (0..n).map(|_| crate::start(Idler { member: crowd.member() })).collect();
    crowd.all_in().await;
    for idler in &idlers {
        watcher.link(idler).await;
    }
    let begin = Instant::now();
    for idler in &idlers {
        idler.stop_gracefully().await.expect("the actor lives");
    }
    let heard = all.await.expect("the watcher lives");
    vec![Figure::rate("monitor", n, begin.elapsed(), heard)]
}

/// Crashes when told to.
struct Patient;

struct Crash;

impl Actor for Patient {
    type Args = UnboundedSender<()>;
    type Error = Infallible;

    async fn on_start(up: UnboundedSender<()>, _: ActorRef<Self>) -> Result<Patient, Infallible> {
        up.send(()).expect("somebody waits");
        Ok(Patient)
    }
}

impl Message<Crash> for Patient {
    type Reply = ();

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        panic!("crashed");
    }
}

/// Starts the patient anew.
#[derive(Actor)]
struct Ward;

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let (up, mut ups) = unbounded_channel();
    let ward = crate::start(Ward);
    let patient = Patient::supervise(&ward, up)
        .restart_limit(u32::MAX, Duration::from_secs(1))
        .spawn_with_mailbox(mailbox::unbounded())
        .await;
    ups.recv().await.expect("the patient is up");
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        patient.tell(Crash).await.expect("the patient lives");
        ups.recv().await.expect("the patient is up");
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
