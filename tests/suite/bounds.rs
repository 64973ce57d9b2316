//! Bounded mailboxes: the overflow policies, and that a full mailbox never deadlocks its process.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use greenroom::prelude::*;

#[protocol]
enum Work {
    Job { n: u32 },
    Go,
    Take { reply: Reply<Vec<u32>> },
}

/// Takes nothing before `Go`, then hands out jobs in the order of their arrival.
async fn hold<A: Process<Protocol = Work>>(cx: &mut Context<A>) -> Result<(), Exit> {
    receive!(match cx {
        Work::Go => {}
    });
    let mut jobs = Vec::new();
    loop {
        receive!(match cx {
            Work::Job { n } => jobs.push(n),
            Work::Take { reply } => reply.send(jobs.clone()),
        });
    }
}

macro_rules! holder {
    ($name:ident, $overflow:ident) => {
        #[actor(protocol = Work, mailbox = 2, overflow = $overflow)]
        struct $name;

        impl Process for $name {
            async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
                hold(cx).await
            }
        }
    };
}

holder!(Waits, wait);
holder!(Rejects, reject);
holder!(DropsNewest, drop_newest);
holder!(DropsOldest, drop_oldest);

/// Waits until all processes are idle: the paused clock advances only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Sends four jobs to a process that reads none of them yet, then lets it run. Returns each cast's outcome and the jobs that
/// arrived.
async fn check(worker: WorkRef) -> (Vec<Result<(), CastError>>, Vec<u32>) {
    let mut casts: Vec<_> = (1..=4).map(|n| Box::pin(worker.job(n))).collect();
    settle().await;
    let mut outcomes = Vec::new();
    for cast in &mut casts {
        let now = poll_fn(|cx| match cast.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => Poll::Ready(None),
        });
        outcomes.extend(now.await);
    }
    worker.go();
    settle().await;
    let jobs = worker.take().await.expect("it has room again");
    drop(casts);
    (outcomes, jobs)
}

#[greenroom::test]
async fn overflow_wait_keeps_the_order_and_loses_nothing() {
    let (outcomes, jobs) = check(Waits.spawn()).await;
    assert_eq!((outcomes, jobs), (vec![Ok(()), Ok(())], vec![1, 2, 3, 4]));
}

#[greenroom::test]
async fn reject_returns_full_to_the_sender() {
    let worker = Rejects.spawn();
    let (outcomes, jobs) = check(worker).await;
    assert_eq!((outcomes, jobs), (vec![Ok(()), Ok(()), Err(CastError::Full), Err(CastError::Full)], vec![1, 2]));
    assert_eq!(Node::current().counters().overflowed_messages, 2);
}

#[greenroom::test]
async fn drop_newest_keeps_the_first_messages() {
    let (outcomes, jobs) = check(DropsNewest.spawn()).await;
    assert_eq!((outcomes, jobs), (vec![Ok(()); 4], vec![1, 2]));
    assert_eq!(Node::current().counters().overflowed_messages, 2);
}

#[greenroom::test]
async fn drop_oldest_keeps_the_last_messages() {
    let worker = DropsOldest.spawn();
    // Sent before its first poll: everything is still in the queue.
    for n in 1..=4 {
        worker.job(n);
    }
    // `Go` and the call push out the oldest messages too: no job is left.
    let (_go, jobs) = (worker.go(), worker.take());
    assert!(jobs.await.unwrap().is_empty());
    assert_eq!(Node::current().counters().overflowed_messages, 4);
}

#[protocol]
enum Ward {
    #[priority]
    Alarm {
        n: u32,
    },
    Note {
        n: u32,
    },
}

#[actor(protocol = Ward, mailbox = 2, overflow = drop_oldest)]
struct Nurse(Arc<Mutex<Vec<u32>>>);

impl Process for Nurse {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let n = receive!(match cx {
                Ward::Alarm { n } | Ward::Note { n } => n,
            });
            self.0.lock().unwrap().push(n);
        }
    }
}

/// The messages that a nurse receives of those sent before her start. Notes are negative here.
async fn check_received(sent: &[i32], expected: &[u32], overflowed: u64) {
    let before = Node::current().counters().overflowed_messages;
    let received = Arc::default();
    let nurse = Nurse(Arc::clone(&received)).spawn();
    for n in sent {
        drop(if *n < 0 { nurse.note(n.unsigned_abs()) } else { nurse.alarm(n.unsigned_abs()) });
    }
    settle().await;
    assert_eq!(*received.lock().unwrap(), expected, "{sent:?}");
    assert_eq!(Node::current().counters().overflowed_messages - before, overflowed, "{sent:?}");
}

#[greenroom::test]
async fn drop_oldest_drops_a_priority_message_only_for_another() {
    check_received(&[-1, -2, -3, -4], &[3, 4], 2).await;
    check_received(&[1, 2, 3, 4], &[3, 4], 2).await;
    check_received(&[1, 2, -3], &[1, 2], 1).await;
    check_received(&[-1, 2, 3, 4], &[3, 4], 2).await;
}

/// Catches the panic of its own guard and continues.
#[actor(protocol = Work, mailbox = 2, overflow = reject)]
struct Survives;

impl Process for Survives {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        {
            let mut looks = pin!(async {
                receive!(match cx {
                    Work::Job { n } if panics(n) => {}
                });
            });
            poll_fn(|task| match catch_unwind(AssertUnwindSafe(|| looks.as_mut().poll(task))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) | Err(_) => Poll::Ready(()),
            })
            .await;
        }
        hold(cx).await
    }
}

fn panics(n: u32) -> bool {
    panic!("cannot judge {n}");
}

#[greenroom::test]
async fn a_message_that_went_with_a_guards_panic_counts_no_longer() {
    let worker = Survives.spawn();
    worker.job(1);
    settle().await;
    // None of these is wanted yet, and the mailbox has room for two.
    let outcomes = (worker.job(2).await, worker.job(3).await, worker.job(4).await);
    assert_eq!(outcomes, (Ok(()), Ok(()), Err(CastError::Full)));
    worker.go();
    settle().await;
    assert_eq!(worker.take().await.unwrap(), [2, 3]);
}

#[greenroom::test]
async fn a_full_mailbox_admits_a_wanted_message() {
    let worker = Waits.spawn();
    let _waiting: Vec<_> = (0..3).map(|n| worker.job(n)).collect();
    settle().await;
    // `Go` is wanted, so it does not wait behind the third job.
    assert_eq!(worker.go().await, Ok(()));
    settle().await;
    assert_eq!(worker.take().await.unwrap(), [0, 1, 2]);
}

#[greenroom::test]
async fn a_cast_takes_its_place_when_its_method_is_called_and_not_when_it_is_awaited() {
    let worker = Waits.spawn();
    let mut casts: Vec<_> = (1..=4).map(|n| worker.job(n)).collect();
    let (fourth, third) = (casts.pop().expect("four"), casts.pop().expect("three"));
    settle().await;
    worker.go();
    assert_eq!((fourth.await, third.await), (Ok(()), Ok(())));
    settle().await;
    assert_eq!(worker.take().await.unwrap(), [1, 2, 3, 4]);
}

#[greenroom::test]
async fn saved_messages_count_and_what_is_wanted_is_let_in_at_most_once_the_capacity_over() {
    let worker = Rejects.spawn();
    for n in 1..=2 {
        assert_eq!(worker.job(n).await, Ok(()));
        settle().await;
    }
    // Both were tested and saved. The process waits for `Go`.
    assert_eq!(worker.job(3).await, Err(CastError::Full));
    let orders: Vec<_> = (0..4).map(|_| worker.go()).collect();
    let mut outcomes = Vec::new();
    for order in orders {
        outcomes.push(order.await);
    }
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(CastError::Full), Err(CastError::Full)]);
}

#[protocol]
enum Watch {
    Job {
        n: u32,
    },
    Tick,
    Take {
        reply: Reply<Vec<String>>,
    },
    #[from]
    Down(Down),
}

/// Monitors a process, has a timer, and takes nothing before it is called.
#[actor(protocol = Watch, mailbox = 2, overflow = reject)]
struct Watcher {
    target: WorkRef,
}

impl Process for Watcher {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.monitor(&self.target);
        cx.send_after(Duration::from_secs(1), Watch::Tick);
        let reply = receive!(match cx {
            Watch::Take { reply } => reply,
        });
        // An answer arrives although its own mailbox is full.
        let other = Waits.spawn();
        other.go();
        let mut seen = vec![format!("answer {:?}", other.take().await?)];
        loop {
            seen.push(receive!(match cx {
                Watch::Job { n } => format!("job {n}"),
                Watch::Tick => "tick".into(),
                Watch::Down(_) => "down".into(),
                after!(Duration::ZERO) => break,
            }));
        }
        reply.send(seen);
        Ok(())
    }
}

#[greenroom::test]
async fn system_messages_timers_and_replies_are_neither_counted_nor_refused() {
    let target = Waits.spawn();
    let watcher = Watcher { target: target.clone() }.spawn();
    let jobs: Vec<_> = (1..=3).map(|n| watcher.job(n)).collect();
    target.stop(Exit::shutdown()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut outcomes = Vec::new();
    for job in jobs {
        outcomes.push(job.await);
    }
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(CastError::Full)]);
    assert_eq!(watcher.take().await.unwrap(), ["answer []", "job 1", "job 2", "down", "tick"]);
}

#[greenroom::test]
async fn a_waiting_cast_that_is_dropped_is_withdrawn_and_counted() {
    let worker = Waits.spawn();
    for n in 1..=4 {
        worker.job(n);
    }
    settle().await;
    worker.go();
    settle().await;
    assert_eq!(worker.take().await.unwrap(), [1, 2]);
    assert_eq!(Node::current().counters().overflowed_messages, 2);
}

#[greenroom::test]
async fn waiters_of_a_process_that_ends_fail() {
    let worker = Waits.spawn();
    let mut casts: Vec<_> = (0..3).map(|n| worker.job(n)).collect();
    let last = casts.pop().expect("three");
    let (outcome, _) = tokio::join!(last, worker.stop(Exit::shutdown()));
    assert_eq!(outcome, Err(CastError::NoProc));
}

#[greenroom::test]
async fn a_call_waits_for_a_full_mailbox_and_times_out_there() {
    let worker = Waits.spawn();
    let _full: Vec<_> = (0..2).map(|n| worker.job(n)).collect();
    settle().await;
    assert_eq!(worker.take().await, Err(CallErrorKind::Timeout.into()));
    assert_eq!(Node::current().counters().overflowed_messages, 1, "the question was withdrawn");
    assert_eq!(worker.go().await, Ok(()));
    settle().await;
    assert_eq!(worker.take().await.unwrap(), [0, 1]);
}

#[greenroom::test]
async fn a_call_to_a_full_mailbox_that_rejects_is_full() {
    let worker = Rejects.spawn();
    for n in 0..2 {
        worker.job(n);
    }
    assert_eq!(worker.take().await, Err(CallErrorKind::Full.into()));
}

#[protocol]
enum Lanes {
    Slow {
        n: u32,
    },
    #[priority]
    Fast {
        n: u32,
    },
    Read {
        reply: Reply<Vec<u32>>,
    },
}

#[actor(protocol = Lanes)]
struct Reader;

impl Process for Reader {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut seen = Vec::new();
        loop {
            receive!(match cx {
                Lanes::Slow { n } | Lanes::Fast { n } => seen.push(n),
                Lanes::Read { reply } => reply.send(seen.clone()),
            });
        }
    }
}

#[greenroom::test]
async fn priority_is_a_second_lane_in_order_within_itself() {
    let reader = Reader.spawn();
    reader.slow(3);
    reader.fast(1);
    reader.slow(4);
    reader.fast(2);
    assert_eq!(reader.read().await.unwrap(), [1, 2, 3, 4]);
}

/// Saves everything, then reads the saved messages and the new ones.
#[actor(protocol = Lanes)]
struct Saver;

impl Process for Saver {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let reply = receive!(match cx {
            Lanes::Read { reply } => reply,
        });
        // Twice as long as the sender of the priority messages.
        settle().await;
        settle().await;
        let mut seen = Vec::new();
        loop {
            receive!(match cx {
                Lanes::Slow { n } | Lanes::Fast { n } => seen.push(n),
                after!(Duration::ZERO) => break,
            });
        }
        reply.send(seen);
        Ok(())
    }
}

#[greenroom::test]
async fn priority_messages_come_before_saved_ones() {
    let saver = Saver.spawn();
    saver.slow(3);
    let seen = saver.read();
    settle().await;
    saver.fast(1);
    saver.fast(2);
    assert_eq!(seen.await.unwrap(), [1, 2, 3]);
}

#[protocol]
enum Slip {
    Red { n: u32 },
    Blue { n: u32 },
}

/// Waits for a blue nine first, then takes what comes.
#[actor(protocol = Slip, mailbox = 2, overflow = wait)]
struct Picky {
    took: tokio::sync::mpsc::UnboundedSender<u32>,
}

impl Process for Picky {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let nine = receive!(match cx {
            Slip::Blue { n } if n == 9 => n,
        });
        let _ = self.took.send(nine);
        loop {
            let n = receive!(match cx {
                Slip::Red { n } | Slip::Blue { n } => n,
            });
            let _ = self.took.send(n);
        }
    }
}

#[greenroom::test]
async fn a_waiter_that_a_guard_refuses_keeps_its_place() {
    let (took, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let picky = Picky { took }.spawn();
    settle().await;
    let mut casts = vec![picky.red(1), picky.red(2), picky.red(3)];
    // Its variant is wanted, so it may be admitted. The guard refuses it, so it stays behind the third.
    assert_eq!(picky.blue(4).await, Ok(()));
    settle().await;
    casts.extend([picky.red(5), picky.blue(9)]);
    settle().await;
    let mut order = Vec::new();
    while let Ok(n) = taken.try_recv() {
        order.push(n);
    }
    assert_eq!(order, [9, 1, 2, 3, 4, 5]);
    for cast in casts {
        assert_eq!(cast.await, Ok(()));
    }
}
