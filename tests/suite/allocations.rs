//! The number of allocations per message.

use greenroom::prelude::*;
use greenroom_tests::counting::{CountingAllocator, allocated_bytes, allocations};

use crate::scripted::{Letter, LetterRef, act};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A server that only answers.
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

/// The number of allocations in `ROUNDS` rounds, after all buffers have reached their size.
async fn count<F: Future<Output = ()>>(round: impl Fn() -> F) -> usize {
    for _ in 0..ROUNDS {
        round().await;
    }
    let before = allocations();
    for _ in 0..ROUNDS {
        round().await;
    }
    allocations() - before
}

#[greenroom::test]
async fn a_cast_allocates_nothing() {
    let clerk = clerk();
    let counted = count(|| async {
        for n in 0..8 {
            drop(clerk.a(n));
        }
        // The messages are read, and the mailbox is empty for the next round.
        tokio::task::yield_now().await;
    })
    .await;
    assert_eq!(counted, 0, "for {} casts", 8 * ROUNDS);
}

// Each call reuses the slot of the previous one.
#[greenroom::test]
async fn a_call_after_another_allocates_nothing() {
    let clerk = clerk();
    let counted = count(|| async {
        assert_eq!(clerk.ask().forever().await, Ok(1));
    })
    .await;
    assert_eq!(counted, 0, "for {ROUNDS} calls");
}

#[greenroom::test]
async fn a_call_that_finds_its_answer_allocates_nothing() {
    let clerk = clerk();
    let counted = count(|| async {
        let call = clerk.ask();
        tokio::task::yield_now().await;
        assert_eq!(call.await, Ok(1));
    })
    .await;
    assert_eq!(counted, 0, "for {ROUNDS} calls");
}

// No timer is needed: the slot is still on the timer wheel from the previous call.
#[greenroom::test]
async fn a_call_that_waits_with_the_default_timeout_allocates_nothing() {
    let clerk = clerk();
    let counted = count(|| async {
        assert_eq!(clerk.ask().await, Ok(1));
    })
    .await;
    assert_eq!(counted, 0, "for {ROUNDS} calls");
}

#[greenroom::test]
async fn calls_at_once_find_the_slots_of_those_before() {
    let clerk = clerk();
    let counted = count(|| async {
        let (one, other, third) = (clerk.ask(), clerk.ask(), clerk.ask());
        assert_eq!(tokio::join!(one, other, third), (Ok(1), Ok(1), Ok(1)));
    })
    .await;
    assert_eq!(counted, 0, "for {ROUNDS} times three calls, whose slots are reused");
}

#[greenroom::test]
async fn a_call_that_times_out_keeps_no_slot() {
    let clerk = clerk();
    let counted = count(|| async {
        drop(clerk.ask());
        tokio::task::yield_now().await;
    })
    .await;
    assert_eq!(counted, ROUNDS as usize, "for {ROUNDS} calls");
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

/// Waits until all processes are idle.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

// The table in book/src/inside/memory.md. On a node with tokio's spawner: a test's tasks are boxed.
#[greenroom::test]
async fn an_idle_process_is_a_cell_and_a_task() {
    let node = Node::local();
    // The process tables grow from time to time: the smallest of many measurements is the cost of one.
    let mut idlers = Vec::with_capacity(64);
    let mut least = (usize::MAX, usize::MAX);
    for _ in 0..64 {
        let before = (allocations(), allocated_bytes());
        idlers.push(node.spawn(Idler::default()));
        least = least.min((allocations() - before.0, allocated_bytes() - before.1));
    }
    assert_eq!(least, (2, CELL + TASK), "a cell and a task");
    settle().await;
    let before = allocations();
    settle().await;
    let sleep = allocations() - before;
    let before = (allocations(), allocated_bytes());
    drop(idlers[0].add(1));
    settle().await;
    let (count, bytes) = (allocations() - before.0 - sleep, allocated_bytes() - before.1);
    assert_eq!(count, 2, "its queue and its read state");
    assert!(bytes <= READ_STATE, "{bytes} bytes");
}

const CELL: usize = 232;
const TASK: usize = 256;
const READ_STATE: usize = 400;
