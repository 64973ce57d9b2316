//! What a message costs: how often memory is asked for on its way.

use greenroom::prelude::*;
use greenroom_tests::counting::{Counting, asked};

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
