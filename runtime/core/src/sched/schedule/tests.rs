use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::*;

const LIMITS: RunLimits = RunLimits { steps: 10_000, time: Duration::from_secs(3600), ends_silence: false };

/// Runs a test on a schedule and a paused clock of its own.
fn run<T>(seed: u64, test: impl AsyncFnOnce(Schedule) -> T) -> (Result<T, LimitExceeded>, Progress) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let schedule = Schedule::new(seed, BlockingMode::Inline);
    let output = runtime.block_on(schedule.run(LIMITS, test(schedule.clone())));
    (output, schedule.progress())
}

/// Five tasks that each record their number three times, with pauses between. Returns the record.
async fn record_in_turns(schedule: Schedule) -> Vec<u64> {
    let (tasks, record) = (schedule.new_node(), Arc::new(Mutex::new(Vec::new())));
    for number in 0..5 {
        let record = Arc::clone(&record);
        tasks.spawn(Box::pin(async move {
            for round in 0..3 {
                record.lock().unwrap().push(number);
                if round == 1 { sleep(Duration::from_millis(number % 2)).await } else { yield_now().await }
            }
        }));
    }
    sleep(Duration::from_secs(1)).await;
    record.lock().unwrap().clone()
}

#[test]
fn a_seed_determines_each_step() {
    let mut orders = Vec::new();
    for seed in 0..16 {
        let (first, first_progress) = run(seed, record_in_turns);
        let (second, second_progress) = run(seed, record_in_turns);
        let first = first.unwrap();
        assert_eq!((&first, first_progress), (&second.unwrap(), second_progress), "seed {seed}");
        assert_eq!(first.len(), 15);
        assert_eq!(first_progress.time, Duration::from_secs(1));
        orders.push(first);
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 12, "sixteen seeds, {} orders", orders.len());
}

#[test]
fn a_killed_node_drops_its_tasks_and_spawns_no_more() {
    let (result, _) = run(0, async |schedule: Schedule| {
        let (killed, other) = (schedule.new_node(), schedule.new_node());
        let (killed_sender, killed_receiver) = oneshot::channel::<()>();
        let (other_sender, mut other_receiver) = oneshot::channel::<()>();
        killed.spawn(Box::pin(async move {
            std::future::pending::<()>().await;
            drop(killed_sender);
        }));
        other.spawn(Box::pin(async move {
            std::future::pending::<()>().await;
            drop(other_sender);
        }));
        yield_now().await;
        // The task that kills its own node ends with its step.
        let (own_node, went_on) = (killed.clone(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&went_on);
        killed.spawn(Box::pin(async move {
            own_node.kill();
            own_node.spawn(Box::pin(async { panic!("spawned on a killed node") }));
            yield_now().await;
            flag.store(true, Ordering::Relaxed);
        }));
        assert!(killed_receiver.await.is_err());
        sleep(Duration::from_secs(1)).await;
        assert!(!went_on.load(Ordering::Relaxed));
        assert_eq!(other_receiver.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    });
    assert!(result.is_ok());
}

#[test]
fn a_test_that_waits_or_runs_for_too_long_is_stuck() {
    let (waits, _) = run(0, async |_| {
        sleep(Duration::from_secs(7)).await;
        std::future::pending::<()>().await;
    });
    assert!(matches!(waits, Err(LimitExceeded::Time { since, .. }) if since == Duration::from_secs(7)), "{waits:?}");
    for seed in 0..4 {
        let (runs, progress) = run(seed, async |_| {
            loop {
                yield_now().await;
            }
        });
        assert!(matches!(runs, Err(LimitExceeded::Steps)), "{runs:?}");
        assert_eq!(progress.time, Duration::ZERO);
    }
}

#[test]
fn blocking_code_runs_as_a_step() {
    let (result, _) = run(0, async |schedule: Schedule| {
        let (sender, receiver) = oneshot::channel();
        schedule.new_node().run_blocking(Box::new(move || sender.send(std::thread::current().id()).unwrap()));
        receiver.await.unwrap()
    });
    assert_eq!(result.unwrap(), std::thread::current().id());
}

#[test]
fn tasks_outside_of_the_schedule_are_polled_too() {
    for seed in 0..4 {
        let (result, _) = run(seed, async |_| {
            let (sender, mut receiver) = oneshot::channel();
            tokio::spawn(async move { sender.send(()).unwrap() });
            while receiver.try_recv().is_err() {
                yield_now().await;
            }
        });
        assert!(result.is_ok());
    }
}
