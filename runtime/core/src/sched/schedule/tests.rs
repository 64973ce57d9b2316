use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::*;

const BOUNDS: RunLimits = RunLimits { steps: 10_000, time: Duration::from_secs(3600) };

/// Runs a test of its own on a paused clock.
fn run<T>(seed: u64, test: impl AsyncFnOnce(Schedule) -> T) -> (Result<T, Stuck>, Progress) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let schedule = Schedule::new(seed, BlockingMode::Inline);
    let output = runtime.block_on(schedule.run(BOUNDS, test(schedule.clone())));
    (output, schedule.progress())
}

/// Five tasks that say their number three times each, with pauses between.
async fn babble(schedule: Schedule) -> Vec<u64> {
    let (crew, said) = (schedule.new_node(), Arc::new(Mutex::new(Vec::new())));
    for number in 0..5 {
        let said = Arc::clone(&said);
        crew.spawn(Box::pin(async move {
            for round in 0..3 {
                said.lock().unwrap().push(number);
                if round == 1 { sleep(Duration::from_millis(number % 2)).await } else { yield_now().await }
            }
        }));
    }
    sleep(Duration::from_secs(1)).await;
    said.lock().unwrap().clone()
}

#[test]
fn a_seed_is_an_order_to_the_step() {
    let mut orders = Vec::new();
    for seed in 0..16 {
        let (said, progress) = run(seed, babble);
        let (again, same) = run(seed, babble);
        let said = said.unwrap();
        assert_eq!((&said, progress), (&again.unwrap(), same), "seed {seed}");
        assert_eq!(said.len(), 15);
        assert_eq!(progress.time, Duration::from_secs(1));
        orders.push(said);
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 12, "sixteen seeds, {} orders", orders.len());
}

#[test]
fn a_dead_crew_is_dropped_where_it_stands_and_takes_nothing_more() {
    let (result, _) = run(0, async |schedule: Schedule| {
        let (crew, other) = (schedule.new_node(), schedule.new_node());
        let (dropped, gone) = oneshot::channel::<()>();
        let (kept, mut here) = oneshot::channel::<()>();
        crew.spawn(Box::pin(async move {
            std::future::pending::<()>().await;
            drop(dropped);
        }));
        other.spawn(Box::pin(async move {
            std::future::pending::<()>().await;
            drop(kept);
        }));
        yield_now().await;
        // From within: the task that kills its crew ends with its step.
        let (inner, suicide) = (crew.clone(), Arc::new(AtomicBool::new(false)));
        let after = Arc::clone(&suicide);
        crew.spawn(Box::pin(async move {
            inner.kill();
            inner.spawn(Box::pin(async { panic!("born dead") }));
            yield_now().await;
            after.store(true, Ordering::Relaxed);
        }));
        assert!(gone.await.is_err());
        sleep(Duration::from_secs(1)).await;
        assert!(!suicide.load(Ordering::Relaxed));
        assert_eq!(here.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    });
    assert!(result.is_ok());
}

#[test]
fn who_waits_for_nothing_and_who_runs_for_nothing_is_stuck() {
    let (waits, _) = run(0, async |_| {
        sleep(Duration::from_secs(7)).await;
        std::future::pending::<()>().await;
    });
    assert!(matches!(waits, Err(Stuck::Time { since }) if since == Duration::from_secs(7)), "{waits:?}");
    for seed in 0..4 {
        let (runs, progress) = run(seed, async |_| {
            loop {
                yield_now().await;
            }
        });
        assert!(matches!(runs, Err(Stuck::Steps)), "{runs:?}");
        assert_eq!(progress.time, Duration::ZERO);
    }
}

#[test]
fn blocking_code_has_its_turn() {
    let (result, _) = run(0, async |schedule: Schedule| {
        let (tell, told) = oneshot::channel();
        schedule.new_node().run_blocking(Box::new(move || tell.send(std::thread::current().id()).unwrap()));
        told.await.unwrap()
    });
    assert_eq!(result.unwrap(), std::thread::current().id());
}

#[test]
fn tasks_beside_the_schedule_have_their_turn() {
    for seed in 0..4 {
        let (result, _) = run(seed, async |_| {
            let (tell, mut told) = oneshot::channel();
            tokio::spawn(async move { tell.send(()).unwrap() });
            while told.try_recv().is_err() {
                yield_now().await;
            }
        });
        assert!(result.is_ok());
    }
}
