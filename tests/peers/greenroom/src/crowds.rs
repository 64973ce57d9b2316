//! Many processes: their beginning, their room, their end.

use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size, resident, size};
use greenroom::prelude::*;

/// Idles until it is stopped.
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

    /// What it could do.
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

/// Hears of every end.
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
    let n = size.of(size::WATCHED);
    let crowd = Crowd::new(n);
    let idlers = (0..n).map(|_| Idler { member: crowd.member() }.spawn()).collect();
    crowd.all_in().await;
    let watcher = Watcher::default().spawn();
    watcher.watch(idlers).await.expect("the watcher lives");
    let begin = Instant::now();
    let heard = watcher.end().forever().await.expect("the watcher lives");
    vec![Figure::rate("monitor", n, begin.elapsed(), heard)]
}

/// What the one hears that lets another crash.
#[protocol]
enum Nurse {
    Up,
    Crash { times: u64, patient: PatientRef, reply: Reply<u64> },
}

/// Crashes when told to.
#[actor]
struct Patient {
    nurse: NurseRef,
}

#[actor]
impl Patient {
    #[init]
    fn up(&mut self) {
        self.nurse.up();
    }

    #[cast]
    fn crash(&mut self) {
        panic!("crashed");
    }
}

/// Keeps the patient alive.
#[supervisor(strategy = one_for_one, intensity = 1_000_000, period = "1s")]
struct Ward {
    nurse: NurseRef,
    #[child(start = Patient { nurse: self.nurse.clone() })]
    patient: Patient,
}

pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let nurse = greenroom::spawn(|mut mailbox: Mailbox<Nurse>| async move {
        let (times, patient, reply) = receive!(match mailbox {
            Nurse::Crash { times, patient, reply } => (times, patient, reply),
        });
        let mut ups = 0;
        receive!(match mailbox {
            Nurse::Up => {}
        });
        for _ in 0..times {
            patient.crash();
            receive!(match mailbox {
                Nurse::Up => ups += 1,
            });
        }
        reply.send(ups);
    });
    let ward = Ward { nurse: nurse.clone() }.start().await.expect("the ward opens");
    let begin = Instant::now();
    let ups = nurse.crash(n, ward.patient()).within(Duration::from_secs(60)).await.expect("the nurse lives");
    vec![Figure::nanos("restart", n, begin.elapsed(), ups)]
}
