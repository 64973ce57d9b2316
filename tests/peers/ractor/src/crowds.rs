//! Workloads of many actors: their starts, their memory, their stops.

use std::time::Instant;

use bench::{Crowd, Figure, Member, Size, resident, size};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, cast};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Is idle until it is stopped.
struct Idler;

impl Actor for Idler {
    type Msg = ();
    type State = Member;
    type Arguments = Member;

    async fn pre_start(&self, _: ActorRef<()>, member: Member) -> Result<Member, ActorProcessingErr> {
        member.arrive();
        Ok(member)
    }
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    for _ in 0..n {
        idlers.push(crate::start(Idler, crowd.member()).await);
    }
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    idlers.iter().for_each(|idler| idler.stop(None));
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

/// Supervises all actors, and so is notified of each end.
struct Watcher;

struct Watch {
    ends: u64,
    awaited: Option<(u64, RpcReplyPort<u64>)>,
}

impl Actor for Watcher {
    type Msg = (u64, RpcReplyPort<u64>);
    type State = Watch;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<Watch, ActorProcessingErr> {
        Ok(Watch { ends: 0, awaited: None })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        (n, reply): Self::Msg,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        // Supervision events are handled before messages, so all may have been counted already.
        if watch.ends == n {
            reply.send(n)?;
        } else {
            watch.awaited = Some((n, reply));
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorTerminated(..) = event {
            watch.ends += 1;
            if let Some((_, reply)) = watch.awaited.take_if(|(n, _)| *n == watch.ends) {
                reply.send(watch.ends)?;
            }
        }
        Ok(())
    }
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::MONITORED);
    let crowd = Crowd::new(n);
    let watcher = crate::start(Watcher, ()).await;
    let mut idlers = Vec::new();
    for _ in 0..n {
        let idler = Actor::spawn_linked(None, Idler, crowd.member(), watcher.get_cell()).await;
        idlers.push(idler.expect("the actor starts").0);
    }
    crowd.all_in().await;
    let begin = Instant::now();
    let received = tokio::spawn(async move { watcher.call(|reply| (n, reply), None).await });
    idlers.iter().for_each(|idler| idler.stop(None));
    let received =
        received.await.expect("the task is running").expect("the watcher is running").expect("there is no timeout");
    vec![Figure::rate("monitor", n, begin.elapsed(), received)]
}

/// Crashes on request.
struct Child;

impl Actor for Child {
    type Msg = ();
    type State = ();
    type Arguments = UnboundedSender<ActorRef<()>>;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        up: UnboundedSender<ActorRef<()>>,
    ) -> Result<(), ActorProcessingErr> {
        up.send(myself)?;
        Ok(())
    }

    async fn handle(&self, _: ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        panic!("crashed");
    }
}

/// The supervisor of the child.
struct ChildSupervisor;

impl ChildSupervisor {
    async fn start_child(up: UnboundedSender<ActorRef<()>>, supervisor: ActorCell) -> Result<(), ActorProcessingErr> {
        Actor::spawn_linked(None, Child, up, supervisor).await?;
        Ok(())
    }
}

impl Actor for ChildSupervisor {
    type Msg = ();
    type State = UnboundedSender<ActorRef<()>>;
    type Arguments = UnboundedSender<ActorRef<()>>;

    async fn pre_start(&self, myself: ActorRef<()>, up: Self::State) -> Result<Self::State, ActorProcessingErr> {
        ChildSupervisor::start_child(up.clone(), myself.get_cell()).await?;
        Ok(up)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        up: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) = event {
            ChildSupervisor::start_child(up.clone(), myself.get_cell()).await?;
        }
        Ok(())
    }
}

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let (up, mut ups) = unbounded_channel();
    let _supervisor = crate::start(ChildSupervisor, up).await;
    let mut child = ups.recv().await.expect("the child is running");
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        cast!(child, ()).expect("the child is running");
        child = ups.recv().await.expect("the child is running");
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
