//! How a scenario is played: again and again, each time with its threads in another order.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shuttle::future::JoinHandle;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use crate::{Clock, Node, Spawner, Task};

/// Plays `scenario` in some `orders` orders, the same ones each time it is run.
pub(crate) fn check(orders: usize, scenario: impl Fn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    let config = || {
        let mut config = Config::new();
        // Debug builds need more than the checker thinks.
        config.stack_size = 0x8_0000;
        config
    };
    let again = Arc::clone(&scenario);
    // Half of them wholly at random; half with few switches at telling places, which finds what is rare.
    Runner::new(RandomScheduler::new_from_seed(4, orders / 2), config()).run(move || again());
    Runner::new(PctScheduler::new_from_seed(4, 3, orders - orders / 2), config()).run(move || scenario());
}

/// The same for a scenario on a node whose time stands still. At its end the node stops, and everybody with it.
pub(crate) fn check_on_node<F: Future<Output = ()>>(
    orders: usize,
    scenario: impl Fn(Node) -> F + Send + Sync + 'static,
) {
    check(orders, move || play(Still, &scenario));
}

/// The same on a node whose timers go off at any time.
pub(crate) fn check_on_hasty_node<F: Future<Output = ()>>(
    orders: usize,
    scenario: impl Fn(Node) -> F + Send + Sync + 'static,
) {
    check(orders, move || play(Hasty, &scenario));
}

fn play<F: Future<Output = ()>>(clock: impl Clock, scenario: impl Fn(Node) -> F) {
    let threads = Threads::default();
    let node = Node::local_on(threads.clone(), clock);
    shuttle::future::block_on(async {
        node.scope(scenario(node.clone())).await;
        node.stop().await;
        // A process that has ended may still notify others. A timer's task waits for a clock that stands still.
        while let Some(thread) = threads.next() {
            for _ in 0..100 {
                if thread.is_finished() {
                    break;
                }
                shuttle::future::yield_now().await;
            }
            thread.abort();
            let _ = thread.await;
        }
    });
}

/// Lets the others go on for a while, of the checker's choice: what follows meets them anywhere on their way.
pub(crate) async fn linger() {
    for _ in 0..roll(60) {
        shuttle::future::yield_now().await;
    }
}

/// A number below `sides`, of the checker's choice.
pub(crate) fn roll(sides: u32) -> u32 {
    use shuttle::rand::Rng as _;
    shuttle::rand::thread_rng().gen_range(0..sides)
}

/// Runs each process as a thread of the checker's.
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

/// A clock that stands still: what waits for time alone never goes on, and the checker tells.
///
/// A scenario on it makes its calls `forever()`, since a timeout has a task turn the node's wheel, and lets no child crash
/// five times, since the sum of the untold reports and the end of the alarm are such tasks too.
struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

/// A clock by which it may be any time.
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {
            for _ in 0..roll(12) {
                shuttle::future::yield_now().await;
            }
        })
    }
}
