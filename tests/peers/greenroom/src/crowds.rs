//! Workloads of many processes: their starts, their memory, their stops.

use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size, resident, size};
use greenroom::prelude::*;

/// Is idle until it is stopped.
#[actor]
struct Idler {
    member: Member,
}

#[actor]
impl Idler {
    #[init]
    fn arrive(&mut self) {
        self.member.arrive();
    }

    /// A message that is never sent.
    #[cast]
    fn work(&mut self) {}
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    idlers.extend((0..n).map(|_| Idler { member: crowd.member() }.spawn()));
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    for idler in &idlers {
        idler.exit(Exit::shutdown());
    }
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

/// Monitors all processes.
#[actor]
#[derive(Default)]
struct Watcher {
    idlers: Vec<IdlerRef>,
    downs: u64,
    done: Option<Reply<u64>>,
}

#[actor]
impl Watcher {
    #[call]
    fn watch(&mut self, cx: &mut Context<Self>, idlers: Vec<IdlerRef>) {
        for idler in &idlers {
            cx.monitor(idler);
        }
        self.idlers = idlers;
    }

    #[call]
    fn end(&mut self, reply: Reply<u64>) {
        self.done = Some(reply);
        for idler in &self.idlers {
            idler.exit(Exit::shutdown());
        }
    }

    #[down]
    fn ended(&mut self, _down: Down) {
        self.downs += 1;
        if self.downs == self.idlers.len() as u64
            && let Some(done) = self.done.take()
        {
            done.send(self.downs);
        }
    }
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::MONITORED);
    let crowd = Crowd::new(n);
    let idlers = (0..n).map(|_| Idler { member: crowd.member() }.spawn()).collect();
    crowd.all_in().await;
    let watcher = Watcher::default().spawn();
    watcher.watch(idlers).await.expect("the watcher is running");
    let begin = Instant::now();
    let received = watcher.end().forever().await.expect("the watcher is running");
    vec![Figure::rate("monitor", n, begin.elapsed(), received)]
}

/// The messages to the process that crashes another.
#[protocol]
enum Driver {
    Up,
    Crash { times: u64, child: ChildRef, reply: Reply<u64> },
}

/// Crashes on request.
#[actor]
struct Child {
    driver: DriverRef,
}

#[actor]
impl Child {
    #[init]
    fn up(&mut self) {
        self.driver.up();
    }

    #[cast]
    fn crash(&mut self) {
        panic!("crashed");
    }
}

/// The supervisor of the child.
#[supervisor(strategy = one_for_one, intensity = 1_000_000, period = "1s")]
struct ChildSupervisor {
    driver: DriverRef,
    #[child(start = Child { driver: self.driver.clone() })]
    child: Child,
}

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let driver = greenroom::spawn(|mut mailbox: Mailbox<Driver>| async move {
        let (times, child, reply) = receive!(match mailbox {
            Driver::Crash { times, child, reply } => (times, child, reply),
        });
        let mut ups = 0;
        receive!(match mailbox {
            Driver::Up => {}
        });
        for _ in 0..times {
            child.crash();
            receive!(match mailbox {
                Driver::Up => ups += 1,
            });
        }
        reply.send(ups);
    });
    let supervisor = ChildSupervisor { driver: driver.clone() }.start().await.expect("the supervisor starts");
    let begin = Instant::now();
    let ups = driver.crash(n, supervisor.child()).within(Duration::from_secs(60)).await.expect("the driver is running");
    vec![Figure::nanos("restart", n, begin.elapsed(), ups)]
}
