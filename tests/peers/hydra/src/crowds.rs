//! Workloads of many processes: their starts, their memory, their stops.

use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size, resident, size};
use hydra::{
    ChildSpec, ExitReason, GenServer, GenServerOptions, Message, Pid, Process, Supervisor, SupervisorOptions,
    SystemMessage,
};
use serde::{Deserialize, Serialize};

use crate::receive;

/// Starts a process that idles until it is stopped.
fn idler(member: Member) -> Pid {
    Process::spawn(async move {
        member.arrive();
        receive::<()>().await;
    })
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
    for idler in &idlers {
        Process::exit(*idler, ExitReason::Kill);
    }
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::MONITORED);
    let crowd = Crowd::new(n);
    let idlers: Vec<_> = (0..n).map(|_| idler(crowd.member())).collect();
    crowd.all_in().await;
    for idler in &idlers {
        Process::monitor(*idler);
    }
    let begin = Instant::now();
    for idler in &idlers {
        Process::exit(*idler, ExitReason::Kill);
    }
    let mut received = 0;
    while received < n {
        match Process::receive::<()>().await {
            Message::System(SystemMessage::ProcessDown(..)) => received += 1,
            _ => panic!("unexpected message"),
        }
    }
    vec![Figure::rate("monitor", n, begin.elapsed(), received)]
}

/// Reports its start, and crashes on request.
#[derive(Clone)]
struct Child {
    driver: Pid,
}

#[derive(Serialize, Deserialize)]
struct Crash;

impl GenServer for Child {
    type Message = Crash;

    async fn init(&mut self) -> Result<(), ExitReason> {
        Process::send(self.driver, Process::current());
        Ok(())
    }

    async fn handle_cast(&mut self, Crash: Crash) -> Result<(), ExitReason> {
        panic!("crashed");
    }
}

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let driver = Process::current();
    let child = ChildSpec::new("child").start(move || Child { driver }.start_link(GenServerOptions::new()));
    Supervisor::with_children([child])
        .max_restarts(usize::MAX)
        .max_duration(Duration::from_secs(1))
        .start(SupervisorOptions::new())
        .await
        .expect("the supervisor starts");
    let mut child = receive::<Pid>().await;
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        Child::cast(child, Crash);
        child = receive::<Pid>().await;
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
