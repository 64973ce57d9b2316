//! How long others wait beside a process that is flooded: the time of their calls, with the flood and without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bench::{Figure, Size};
use greenroom::prelude::*;

/// How many pairs talk.
const PAIRS: u64 = 8;

/// How often each calls.
const CALLS: u64 = 100_000;

/// How many flood, and how much each sends before it looks whether that has been read.
const FLOODERS: u64 = 4;
const WAVE: u64 = 10_000;

/// Is flooded.
#[actor]
#[derive(Default)]
struct Bank {
    drops: u64,
}

#[actor]
impl Bank {
    #[cast]
    fn drop(&mut self, n: u64) {
        self.drops += n;
    }

    #[call]
    fn drops(&self) -> u64 {
        self.drops
    }
}

/// Floods, until it is over.
#[actor]
struct Flooder {
    bank: BankRef,
    over: Over,
}

/// Set once it is.
type Over = Arc<AtomicBool>;

#[actor]
impl Flooder {
    #[call]
    async fn flood(&self) -> u64 {
        let mut sent = 0;
        while !self.over.load(Ordering::Relaxed) {
            for _ in 0..WAVE {
                self.bank.drop(1);
            }
            sent += WAVE;
            self.bank.drops().forever().await.expect("the bank holds");
        }
        sent
    }
}

/// Answers.
#[actor]
struct Neighbour;

#[actor]
impl Neighbour {
    #[call]
    fn hello(&self) {}
}

/// Calls its neighbour, and takes the time.
#[actor]
struct Caller;

#[actor]
impl Caller {
    #[call]
    async fn talk(&self, neighbour: NeighbourRef, calls: u64) -> Vec<u64> {
        let mut times = Vec::with_capacity(calls as usize);
        for _ in 0..calls {
            let begin = Instant::now();
            neighbour.hello().forever().await.expect("the neighbour lives");
            times.push(begin.elapsed().as_nanos() as u64);
        }
        times
    }
}

pub async fn flood(size: Size) -> Vec<Figure> {
    let mut figures = talk("calm", size).await;
    let (bank, over) = (Bank::default().spawn(), Over::default());
    let flooders: Vec<_> =
        (0..FLOODERS).map(|_| Flooder { bank: bank.clone(), over: Arc::clone(&over) }.spawn()).collect();
    let floods: Vec<_> = flooders.iter().map(|flooder| flooder.flood().forever()).collect();
    figures.extend(talk("flood", size).await);
    over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for flood in floods {
        sent += flood.await.expect("the flooder lives");
    }
    assert_eq!(sent, bank.drops().await.expect("the bank holds"), "not a drop is lost");
    figures
}

async fn talk(name: &str, size: Size) -> Vec<Figure> {
    let calls = size.of(CALLS);
    let talks: Vec<_> = (0..PAIRS).map(|_| Caller.spawn().talk(Neighbour.spawn(), calls).forever()).collect();
    let mut times = Vec::new();
    for talk in talks {
        times.extend(talk.await.expect("the caller lives"));
    }
    times.sort_unstable();
    let n = PAIRS * calls;
    let counted = times.len() as u64;
    let share = |thousandth: usize| times[(times.len() - 1) * thousandth / 1000];
    [("p50", share(500)), ("p99", share(990)), ("p99.9", share(999)), ("max", share(1000))]
        .map(|(what, nanos)| Figure::point(format!("{name}/{what}"), n, nanos, counted))
        .into()
}
