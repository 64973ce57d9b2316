//! What a message costs: how often memory is asked for on its way.

use greenroom::prelude::*;
use greenroom_tests::counting::{Counting, asked, asked_bytes};

use crate::stage::{Letter, LetterRef, act};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Answers, and counts nothing else.
fn clerk() -> LetterRef {
    act(|cx| {
        Box::pin(async move {
            loop {
                receive!(match cx {
                    Letter::Ask { reply } => reply.send(1),
                    Letter::A { .. } => {}
                });
            }
        })
    })
    .spawn()
}

const ROUNDS: u32 = 100;

/// How often memory is asked for in `ROUNDS` rounds, once everything has grown to its size.
async fn count<F: Future<Output = ()>>(round: impl Fn() -> F) -> usize {
    for _ in 0..ROUNDS {
        round().await;
    }
    let before = asked();
    for _ in 0..ROUNDS {
        round().await;
    }
    asked() - before
}

#[greenroom::test]
async fn a_cast_allocates_nothing() {
    let clerk = clerk();
    let allocations = count(|| async {
        for n in 0..8 {
            drop(clerk.a(n));
        }
        // They are read, and the mailbox is empty for the next round.
        tokio::task::yield_now().await;
    })
    .await;
    assert_eq!(allocations, 0, "for {} casts", 8 * ROUNDS);
}

#[greenroom::test]
async fn a_call_allocates_its_slot_and_nothing_else() {
    let clerk = clerk();
    let allocations = count(|| async {
        assert_eq!(clerk.ask().forever().await, Ok(1));
    })
    .await;
    assert_eq!(allocations, ROUNDS as usize, "for {ROUNDS} calls");
}

#[greenroom::test]
async fn a_call_that_finds_its_answer_needs_no_timer() {
    let clerk = clerk();
    let allocations = count(|| async {
        let call = clerk.ask();
        tokio::task::yield_now().await;
        assert_eq!(call.await, Ok(1));
    })
    .await;
    assert_eq!(allocations, ROUNDS as usize, "for {ROUNDS} calls");
}

#[greenroom::test]
async fn a_call_that_waits_allocates_its_slot_and_its_timer() {
    let clerk = clerk();
    let allocations = count(|| async {
        assert_eq!(clerk.ask().await, Ok(1));
    })
    .await;
    assert!(allocations <= 2 * ROUNDS as usize, "{allocations} for {ROUNDS} calls");
}

#[actor]
#[derive(Default)]
struct Idler {
    count: u64,
}

#[actor]
impl Idler {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }
}

/// What `f` asks for: how often, and how many bytes.
async fn cost<F: Future>(f: F) -> (usize, usize, F::Output) {
    let before = (asked(), asked_bytes());
    let output = f.await;
    (asked() - before.0, asked_bytes() - before.1, output)
}

// The table in book/src/inside/memory.md.
#[greenroom::test]
async fn an_idle_process_is_a_cell_and_a_task() {
    // The tables that know all processes grow now and then: the least of many is what one takes.
    let mut idlers = Vec::with_capacity(64);
    let mut least = (usize::MAX, usize::MAX);
    for _ in 0..64 {
        let (count, bytes, idler) = cost(async {
            let idler = Idler::default().spawn();
            tokio::task::yield_now().await;
            idler
        })
        .await;
        least = least.min((count, bytes));
        idlers.push(idler);
    }
    assert_eq!(least.0, 2, "a cell and a task");
    assert!(least.1 <= 264 + 256, "{} bytes", least.1);
    let (count, bytes, ()) = cost(async {
        drop(idlers[0].add(1));
        tokio::task::yield_now().await;
    })
    .await;
    assert_eq!(count, 2, "its queue, and what it reads with");
    assert!(bytes <= 4 * 24 + 200, "{bytes} bytes");
}
