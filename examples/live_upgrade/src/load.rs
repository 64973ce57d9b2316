//! The load: calls, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use greenroom::prelude::*;
use live_upgrade::first::CounterRef;

/// The results of calls, one after the other.
#[derive(Default)]
pub(crate) struct Load {
    calls: u64,
    lost: u64,
    /// The longest time from one answer to the next.
    pause: Duration,
}

impl Load {
    /// Calls the counter until `end` resolves. Each answer is the next number.
    pub(crate) async fn run<T>(counter: &CounterRef, expected: &mut u64, end: impl Future<Output = T>) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let calls = async {
            let (mut load, mut last) = (Load::default(), Instant::now());
            while !is_over.load(Ordering::Relaxed) {
                let answer = counter.count().within(crate::DEADLINE).await;
                *expected += 1;
                load.calls += 1;
                if answer.as_ref().ok() != Some(expected) {
                    load.lost += 1;
                    println!("call {expected}: {answer:?}");
                }
                load.pause = load.pause.max(last.elapsed());
                last = Instant::now();
            }
            load
        };
        let end = async {
            end.await;
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(calls, end).0
    }

    /// Prints the results of a phase. Returns the number of lost calls.
    pub(crate) fn print(&self, phase: &str) -> u64 {
        println!("{phase:<24}{:>10}{:>10}{:>11.1} ms", self.calls, self.lost, self.pause.as_secs_f64() * 1e3);
        self.lost
    }
}
