//! Runs a scenario many times, each time with another order of its threads.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use shuttle::future::JoinHandle;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use crate::cluster::Cookie;
use crate::net::Network;
use crate::sched::{NodeEnv, Rng, TaskSpawner, Thresholds};
use crate::{Clock, Node, Spawner, Task};

/// Runs a scenario in `orders` orders, which are the same in each run of the test.
pub(crate) fn check(orders: usize, scenario: impl Fn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    let config = || {
        let mut config = Config::new();
        // The checker's default is too small for debug builds.
        config.stack_size = 0x8_0000;
        config
    };
    let repeated = Arc::clone(&scenario);
    // Half of the orders are random. The other half have few switches, which finds errors that are rare at random.
    Runner::new(RandomScheduler::new_from_seed(4, orders / 2), config()).run(move || repeated());
    Runner::new(PctScheduler::new_from_seed(4, 3, orders - orders / 2), config()).run(move || scenario());
}

/// Runs a scenario in `orders` orders on a node whose clock stands still. At the end, the node and its processes stop.
pub(crate) fn check_on_node<F: Future<Output = ()>>(
    orders: usize,
    scenario: impl Fn(Node) -> F + Send + Sync + 'static,
) {
    check(orders, move || {
        let clock = StoppedClock::default();
        run(clock.clone(), &scenario, || clock.release());
    });
}

/// Runs a scenario in `orders` orders on a node whose timers expire at any time.
pub(crate) fn check_on_random_clock<F: Future<Output = ()>>(
    orders: usize,
    scenario: impl Fn(Node) -> F + Send + Sync + 'static,
) {
    check(orders, move || run(RandomClock, &scenario, || {}));
}

/// Runs a scenario in `orders` orders on two connected nodes that are each other's seeds, over a network in memory. They
/// start at the same time, and their clock stands still.
pub(crate) fn check_on_two_nodes<F: Future<Output = ()>>(
    orders: usize,
    scenario: impl Fn([Node; 2], Network) -> F + Send + Sync + 'static,
) {
    let cookie = Cookie::random().expect("random bytes");
    check(orders, move || {
        let (threads, clock) = (Threads::default(), StoppedClock::default());
        let env = |seed| {
            let spawn = TaskSpawner::Custom(Arc::new(threads.clone()));
            let env = NodeEnv::new(spawn, Arc::new(clock.clone()), Rng::seeded(seed));
            NodeEnv { thresholds: Thresholds::without_watchdog(), ..env }
        };
        let network = Network::new(&env(0));
        let starting =
            [("a@test", "host-a", "host-b", 1), ("b@test", "host-b", "host-a", 2)].map(|(name, host, other, seed)| {
                let builder = Node::builder(name).cookie(cookie.clone()).listen(host).seed(other);
                let builder = builder.transport(Arc::new(network.host(host))).env(env(seed));
                shuttle::future::spawn(builder.start())
            });
        shuttle::future::block_on(async {
            let [a, b] = starting;
            let nodes = [a.await.unwrap().unwrap(), b.await.unwrap().unwrap()];
            // One of the two dials may be too early, or be refused for the other one.
            while nodes.iter().any(|node| node.peers().is_empty()) {
                shuttle::future::yield_now().await;
            }
            scenario(nodes.clone(), network).await;
            for node in nodes {
                node.stop().await;
            }
            clock.release();
            join(threads).await;
        });
    });
}

/// Runs a scenario once. `end_time` has all timers expire after the stop of the node.
fn run<F: Future<Output = ()>>(clock: impl Clock, scenario: impl Fn(Node) -> F, end_time: impl Fn()) {
    let threads = Threads::default();
    let node = Node::local_on(threads.clone(), clock);
    shuttle::future::block_on(async {
        node.scope(scenario(node.clone())).await;
        node.stop().await;
        end_time();
        join(threads).await;
    });
}

/// Waits for all tasks of nodes that have stopped. A process that has ended may still notify others. A task that waits for
/// time alone, as that of the timer wheel, ends since all timers have expired. Any other task that waits here waits
/// forever, which the checker reports.
async fn join(threads: Threads) {
    while let Some(thread) = threads.next() {
        thread.await.expect("a task ends without a panic");
    }
}

/// Yields a random number of times, so that other tasks are at any point when this one continues.
pub(crate) async fn yield_at_random() {
    for _ in 0..random_below(60) {
        shuttle::future::yield_now().await;
    }
}

/// Returns a random number below `limit`, which the checker selects.
pub(crate) fn random_below(limit: u32) -> u32 {
    use shuttle::rand::Rng as _;
    shuttle::rand::thread_rng().gen_range(0..limit)
}

/// A spawner that runs each process as a thread of the checker.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Threads {
    fn next(&self) -> Option<JoinHandle<()>> {
        self.0.lock().unwrap().pop()
    }
}

impl Spawner for Threads {
    fn spawn(&self, task: Task) {
        let thread = shuttle::future::spawn(task);
        self.0.lock().unwrap().push(thread);
    }
}

/// A clock that stands still. The checker reports a scenario that waits for a timer.
///
/// A scenario on this clock calls with `forever()`, because a timeout starts a task that waits for the timer wheel. It
/// lets no child crash five times, because the summary of reports and the end of the alarm are such tasks as well.
///
/// After the node has stopped, the clock is [released](StoppedClock::release), and such tasks end.
#[derive(Clone, Default)]
struct StoppedClock(Arc<Mutex<Sleepers>>);

#[derive(Default)]
struct Sleepers {
    is_released: bool,
    wakers: Vec<Waker>,
}

impl StoppedClock {
    /// Has all timers expire, and all that follow.
    fn release(&self) {
        let mut sleepers = self.0.lock().unwrap();
        sleepers.is_released = true;
        let wakers = std::mem::take(&mut sleepers.wakers);
        drop(sleepers);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = self.clone();
        Box::pin(std::future::poll_fn(move |cx| {
            let mut sleepers = clock.0.lock().unwrap();
            if sleepers.is_released {
                return Poll::Ready(());
            }
            sleepers.wakers.push(cx.waker().clone());
            Poll::Pending
        }))
    }
}

/// A clock whose timers expire after a random number of yields.
struct RandomClock;

impl Clock for RandomClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {
            for _ in 0..random_below(12) {
                shuttle::future::yield_now().await;
            }
        })
    }
}
