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
    greetings: u64,
}

#[actor]
impl Face {
    #[init]
    fn arrive(&mut self) {
        self.member.arrive();
    }

    #[cast]
    fn greet(&mut self) {
        self.greetings += 1;
    }

    #[call]
    fn greetings(&self) -> u64 {
        self.greetings
    }
}

pub async fn processes(size: Size) -> Vec<Figure> {
    let mut figures = Vec::new();
    for n in CROWDS {
        let crowd = Crowd::new(n);
        let begin = Instant::now();
        let faces: Vec<_> = (0..n).map(|_| Face { member: crowd.member(), greetings: 0 }.spawn()).collect();
        let arrived = crowd.all_in().await;
        figures.push(Figure::nanos(format!("growth_spawn/{n}"), n, begin.elapsed(), arrived));

        // Each is greeted as often, in an order that no cache foresees.
        let sent = size.shares(MESSAGES, n) * n;
        let begin = Instant::now();
        for at in 0..sent {
            faces[(at.wrapping_mul(0x9E37_79B9_7F4A_7C15) % n) as usize].greet();
        }
        let mut greetings = 0;
        for face in &faces {
            greetings += face.greetings().forever().await.expect("it lives");
        }
        figures.push(Figure::nanos(format!("growth_cast/{n}"), sent, begin.elapsed(), greetings));

        for (at, face) in faces.iter().enumerate() {
            FaceRef::register(&format!("face {at}"), face).expect("the name is free");
        }
        let named: Vec<FaceRef> =
            (0..n.min(10_000)).map(|at| FaceRef::named(&format!("face {}", at * (n / n.min(10_000))))).collect();
        let begin = Instant::now();
        for at in 0..size.of(MESSAGES) {
            named[(at % named.len() as u64) as usize].greet();
        }
        let mut again = 0;
        for face in &faces {
            again += face.greetings().forever().await.expect("it lives");
        }
        let named = size.of(MESSAGES);
        figures.push(Figure::nanos(format!("growth_named/{n}"), named, begin.elapsed(), again - greetings));

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
