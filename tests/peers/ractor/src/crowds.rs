//! Many actors: their beginning, their room, their end.

use std::time::Instant;

use bench::{Crowd, Figure, Member, Size, resident, size};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, cast};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Idles until it is stopped.
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

/// Supervises everybody, and so hears of every end.
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
        // Supervision events go before messages: all may have been heard of already.
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
    let n = size.of(size::WATCHED);
    let crowd = Crowd::new(n);
    let watcher = crate::start(Watcher, ()).await;
    let mut idlers = Vec::new();
    for _ in 0..n {
        let idler = Actor::spawn_linked(None, Idler, crowd.member(), watcher.get_cell()).await;
        idlers.push(idler.expect("the actor starts").0);
    }
    crowd.all_in().await;
    let begin = Instant::now();
    let heard = tokio::spawn(async move { watcher.call(|reply| (n, reply), None).await });
    idlers.iter().for_each(|idler| idler.stop(None));
    let heard = heard.await.expect("the task lives").expect("the watcher lives").expect("no time is set");
    vec![Figure::rate("monitor", n, begin.elapsed(), heard)]
}

/// Crashes when told to.
struct Patient;

impl Actor for Patient {
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

/// Starts the patient anew.
struct Ward;

impl Ward {
    async fn admit(up: UnboundedSender<ActorRef<()>>, ward: ActorCell) -> Result<(), ActorProcessingErr> {
        Actor::spawn_linked(None, Patient, up, ward).await?;
        Ok(())
    }
}

impl Actor for Ward {
    type Msg = ();
    type State = UnboundedSender<ActorRef<()>>;
    type Arguments = UnboundedSender<ActorRef<()>>;

    async fn pre_start(&self, myself: ActorRef<()>, up: Self::State) -> Result<Self::State, ActorProcessingErr> {
        Ward::admit(up.clone(), myself.get_cell()).await?;
        Ok(up)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        up: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) = event {
            Ward::admit(up.clone(), myself.get_cell()).await?;
        }
        Ok(())
    }
}

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let (up, mut ups) = unbounded_channel();
    let _ward = crate::start(Ward, up).await;
    let mut patient = ups.recv().await.expect("the patient is up");
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        cast!(patient, ()).expect("the patient lives");
        patient = ups.recv().await.expect("the patient is up");
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
