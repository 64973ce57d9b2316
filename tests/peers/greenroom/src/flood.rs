//! The latency of calls between other processes while one process is flooded, and without a flood.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bench::{Figure, Size};
use greenroom::prelude::*;

/// The number of pairs of caller and callee.
const PAIRS: u64 = 8;

/// The number of calls of each caller.
const CALLS: u64 = 100_000;

/// The number of flooders, and the number of casts of each before it waits until they are handled.
const FLOODERS: u64 = 4;
const WAVE: u64 = 10_000;

/// The process that is flooded.
#[actor]
#[derive(Default)]
struct Receiver {
    count: u64,
}

#[actor]
impl Receiver {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

/// Sends casts without a pause until `is_over`.
#[actor]
struct Flooder {
    receiver: ReceiverRef,
    is_over: IsOver,
}

/// Set when the measurement is is_over.
type IsOver = Arc<AtomicBool>;

#[actor]
impl Flooder {
    #[call]
    async fn flood(&self) -> u64 {
        let mut sent = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            for _ in 0..WAVE {
                self.receiver.add(1);
            }
            sent += WAVE;
            self.receiver.count().forever().await.expect("the receiver is running");
        }
        sent
    }
}

/// A process that answers.
#[actor]
struct Callee;

#[actor]
impl Callee {
    #[call]
    fn hello(&self) {}
}

/// Calls a process and measures each call.
#[actor]
struct Caller;

#[actor]
impl Caller {
    #[call]
    async fn talk(&self, callee: CalleeRef, calls: u64) -> Vec<u64> {
        let mut times = Vec::with_capacity(calls as usize);
        for _ in 0..calls {
            let begin = Instant::now();
            callee.hello().forever().await.expect("the callee is running");
            times.push(begin.elapsed().as_nanos() as u64);
        }
        times
    }
}

pub async fn flood(size: Size) -> Vec<Figure> {
    let mut figures = talk("calm", size).await;
    let (receiver, is_over) = (Receiver::default().spawn(), IsOver::default());
    let flooders: Vec<_> =
        (0..FLOODERS).map(|_| Flooder { receiver: receiver.clone(), is_over: Arc::clone(&is_over) }.spawn()).collect();
    let floods: Vec<_> = flooders.iter().map(|flooder| flooder.flood().forever()).collect();
    figures.extend(talk("flood", size).await);
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for flood in floods {
        sent += flood.await.expect("the flooder is running");
    }
    assert_eq!(sent, receiver.count().await.expect("the receiver is running"), "no cast is lost");
    figures
}

async fn talk(name: &str, size: Size) -> Vec<Figure> {
    let calls = size.of(CALLS);
    let talks: Vec<_> = (0..PAIRS).map(|_| Caller.spawn().talk(Callee.spawn(), calls).forever()).collect();
    let mut times = Vec::new();
    for talk in talks {
        times.extend(talk.await.expect("the caller is running"));
    }
    assert_eq!(times.len() as u64, PAIRS * calls);
    Figure::percentiles(name, times)
}
