//! What an operation costs among ever more processes, behind ever more saved messages, with ever bigger messages.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bench::{Crowd, Figure, Member, Size};
use greenroom::prelude::*;

use crate::selective::converse;

/// How many processes there are.
const CROWDS: [u64; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// How many messages are saved.
const SAVED: [u64; 6] = [0, 10, 100, 1_000, 10_000, 100_000];

/// How many bytes a message is.
const BYTES: [u64; 5] = [16, 256, 4 << 10, 64 << 10, 1 << 20];

/// How many messages each crowd is sent.
const MESSAGES: u64 = 1_000_000;

/// One of a crowd.
#[actor]
struct Face {
    member: Member,
    clicker: ClickerRef,
}

#[actor]
impl Face {
    #[init]
    fn arrive(&mut self) {
        self.member.arrive();
    }

    #[cast]
    fn greet(&self) {
        self.clicker.click();
    }
}

/// Counts greetings.
#[actor]
#[derive(Default)]
struct Clicker {
    clicks: u64,
    awaited: Option<(u64, Reply<u64>)>,
}

#[actor]
impl Clicker {
    #[cast]
    fn click(&mut self) {
        self.clicks += 1;
        if let Some((_, reply)) = self.awaited.take_if(|(n, _)| *n == self.clicks) {
            reply.send(self.clicks);
        }
    }

    #[call]
    fn after(&mut self, n: u64, reply: Reply<u64>) {
        self.awaited = Some((n, reply));
    }
}

/// Greets in waves: everybody once, in an order that no cache foresees, until all have been. A greeting is two messages,
/// one of which wakes somebody.
async fn greet(name: &str, faces: &[FaceRef], clicker: &ClickerRef, before: u64, size: Size) -> Figure {
    let n = faces.len() as u64;
    let waves = size.shares(MESSAGES, n);
    let (begin, mut clicks) = (Instant::now(), before);
    for _ in 0..waves {
        let all = clicker.after(clicks + n).forever();
        for at in 0..n {
            // A prime that no crowd is a multiple of: each is met once.
            faces[(at * 7_919 % n) as usize].greet();
        }
        clicks = all.await.expect("the clicker lives");
    }
    Figure::nanos(format!("{name}/{n}"), waves * n, begin.elapsed(), clicks - before)
}

pub async fn processes(size: Size) -> Vec<Figure> {
    let mut figures = Vec::new();
    for n in CROWDS {
        let (crowd, clicker) = (Crowd::new(n), Clicker::default().spawn());
        let begin = Instant::now();
        let faces: Vec<_> = (0..n).map(|_| Face { member: crowd.member(), clicker: clicker.clone() }.spawn()).collect();
        let arrived = crowd.all_in().await;
        figures.push(Figure::nanos(format!("growth_spawn/{n}"), n, begin.elapsed(), arrived));
        figures.push(greet("growth_cast", &faces, &clicker, 0, size).await);

        let greeted = size.shares(MESSAGES, n) * n;
        for (at, face) in faces.iter().enumerate() {
            FaceRef::register(&format!("face {at}"), face).expect("the name is free");
        }
        let named: Vec<_> = (0..n).map(|at| FaceRef::named(&format!("face {at}"))).collect();
        figures.push(greet("growth_named", &named, &clicker, greeted, size).await);

        let begin = Instant::now();
        for face in &faces {
            face.exit(Exit::shutdown());
        }
        let left = crowd.all_out().await;
        figures.push(Figure::nanos(format!("growth_stop/{n}"), n, begin.elapsed(), left));
    }
    figures
}

pub async fn saved(size: Size) -> Vec<Figure> {
    let mut figures = converse("growth_unwanted", &SAVED, size, false).await;
    figures.extend(converse("growth_refused", &SAVED, size, true).await);
    figures
}

/// Passes on what it is given, or throws it away.
#[actor]
struct Porter;

#[actor]
impl Porter {
    #[call]
    fn carry(&self, load: Vec<u8>) -> Vec<u8> {
        load
    }

    #[call]
    fn weigh(&self, load: Vec<u8>) -> u64 {
        load.len() as u64
    }
}

pub async fn bytes(size: Size) -> Vec<Figure> {
    let mut figures = Vec::new();
    let porter = Porter.spawn();
    for bytes in BYTES {
        let n = size.of(200_000);
        let mut load = vec![1; bytes as usize];
        let (begin, mut carried) = (Instant::now(), 0);
        for _ in 0..n {
            load = porter.carry(load).await.expect("the porter lives");
            carried += u64::from(load.len() as u64 == bytes);
        }
        figures.push(Figure::nanos(format!("growth_bytes/{bytes}"), n, begin.elapsed(), carried));

        let n = n.min(size.of(200_000_000) / bytes + 100);
        let (begin, mut weighed, mut made) = (Instant::now(), 0, Duration::ZERO);
        for _ in 0..n {
            let making = Instant::now();
            let load = black_box(vec![1; bytes as usize]);
            made += making.elapsed();
            weighed += u64::from(porter.weigh(load).await.expect("the porter lives") == bytes);
        }
        let sent = begin.elapsed().saturating_sub(made);
        figures.push(Figure::nanos(format!("growth_fresh/{bytes}"), n, sent, weighed));
    }
    figures
}
