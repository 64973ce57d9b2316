//! Workloads of many actors: their starts, their memory, their stops.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size, resident, size};
use kameo::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Is idle until it is stopped.
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
        idler.stop_gracefully().await.expect("the actor is running");
    }
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

/// Is linked to all actors, and so is notified of each end.
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
            done.send(self.ends).expect("the receiver waits");
        }
        Ok(ControlFlow::Continue(()))
    }
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::MONITORED);
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
        idler.stop_gracefully().await.expect("the actor is running");
    }
    let received = all.await.expect("the watcher is running");
    vec![Figure::rate("monitor", n, begin.elapsed(), received)]
}

/// Crashes on request.
struct Child;

struct Crash;

impl Actor for Child {
    type Args = UnboundedSender<()>;
    type Error = Infallible;

    async fn on_start(up: UnboundedSender<()>, _: ActorRef<Self>) -> Result<Child, Infallible> {
        up.send(()).expect("the receiver waits");
        Ok(Child)
    }
}

impl Message<Crash> for Child {
    type Reply = ();

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        panic!("crashed");
    }
}

/// The supervisor of the child.
#[derive(Actor)]
struct ChildSupervisor;

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let (up, mut ups) = unbounded_channel();
    let supervisor = crate::start(ChildSupervisor);
    let child = Child::supervise(&supervisor, up)
        .restart_limit(u32::MAX, Duration::from_secs(1))
        .spawn_with_mailbox(mailbox::unbounded())
        .await;
    ups.recv().await.expect("the child is running");
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        child.tell(Crash).await.expect("the child is running");
        ups.recv().await.expect("the child is running");
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
