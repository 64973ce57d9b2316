//! Children that keep a thread for themselves, so that nothing can end them.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use greenroom::{Alarm, ChildError, ChildSpec, ChildState, Node, prelude::*};
use tokio::sync::watch;

use crate::abandoned_children::{Index, start, states};

/// A clock that the test advances, for a node on real threads.
#[derive(Clone)]
struct ManualClock {
    time: Arc<watch::Sender<std::time::Instant>>,
    /// The times until which something has slept.
    deadlines: Arc<Mutex<Vec<std::time::Instant>>>,
}

impl greenroom::Clock for ManualClock {
    fn now(&self) -> std::time::Instant {
        *self.time.borrow()
    }

    fn sleep_until(&self, at: std::time::Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.deadlines.lock().unwrap().push(at);
        let mut time = self.time.subscribe();
        Box::pin(async move { drop(time.wait_for(|now| *now >= at).await) })
    }
}

impl ManualClock {
    fn new() -> ManualClock {
        ManualClock { time: Arc::new(watch::Sender::new(std::time::Instant::now())), deadlines: Arc::default() }
    }

    fn advance(&self, time: Duration) {
        self.time.send_modify(|now| *now += time);
    }

    /// Returns how often something has slept until this time from now.
    fn sleeps(&self, time: Duration) -> usize {
        let at = *self.time.borrow() + time;
        self.deadlines.lock().unwrap().iter().filter(|deadline| **deadline == at).count()
    }
}

/// A spawner with the threads of a tokio runtime.
struct Threads(tokio::runtime::Handle);

impl greenroom::Spawner for Threads {
    fn spawn(&self, task: greenroom::Task) {
        self.0.spawn(task);
    }
}

/// A motor whose handler keeps its thread until the test releases it.
#[actor]
#[derive(Clone, Default)]
struct Motor {
    released: Arc<AtomicBool>,
}

#[actor(local)]
impl Motor {
    #[call]
    fn spin(&mut self, began: Reply<()>) {
        began.send(());
        while !self.released.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
    }

    #[call]
    fn block(&mut self, began: Reply<()>) {
        began.send(());
        while !self.released.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    #[call]
    fn speed(&self) -> u64 {
        3_000
    }
}

#[supervisor(strategy = one_for_all, intensity = 5)]
struct Mill {
    released: Arc<AtomicBool>,
    #[child(start = Motor { released: self.released.clone() }, shutdown = "50ms")]
    motor: Motor,
    #[child]
    index: Index,
}

/// Releases the motor also if an assertion fails, which would else hang the test.
struct ReleaseOnDrop(Arc<AtomicBool>);

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits for a condition that other threads bring about.
async fn until(condition: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !is_true().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waits).await.is_ok(), "{condition}");
}

#[test]
fn a_handler_that_never_releases_its_thread_is_abandoned() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    for spins in [true, false] {
        runtime.block_on(async {
            let clock = ManualClock::new();
            let node = Node::local_on(Threads(tokio::runtime::Handle::current()), clock.clone());
            let released = Arc::new(AtomicBool::new(false));
            let _release = ReleaseOnDrop(Arc::clone(&released));
            let mill = node.start_tree(Mill { released: Arc::clone(&released) }).await.unwrap();
            let motor = mill.motor().pid().unwrap();
            if spins {
                mill.motor().spin().await.unwrap();
            } else {
                mill.motor().block().await.unwrap();
            }
            mill.index().corrupt();
            until("the supervisor waits", async || states(&mill).await == [ChildState::Up, ChildState::Restarting])
                .await;
            clock.advance(Duration::from_millis(60));
            // Each answer shows that the supervisor has looked at the clock and still waits.
            assert_eq!(states(&mill).await, [ChildState::Up, ChildState::Restarting]);
            clock.advance(Duration::from_millis(4_900));
            for _ in 0..10 {
                assert_eq!(states(&mill).await, [ChildState::Up, ChildState::Restarting]);
            }
            assert_eq!(node.raised_alarms(), []);
            clock.advance(Duration::from_millis(200));
            until("the restart continues", async || states(&mill).await == [ChildState::Restarting, ChildState::Up])
                .await;
            let [Alarm::AbandonedChild { child, pid, kind, .. }] = &node.raised_alarms()[..] else { panic!() };
            assert_eq!((child.as_str(), pid, &**kind), ("/Mill/motor", &motor, "Motor"));
            released.store(true, Ordering::SeqCst);
            until("the motor restarts", async || states(&mill).await == [ChildState::Up; 2]).await;
            assert_eq!(mill.motor().speed().await, Ok(3_000));
            assert_eq!(node.raised_alarms(), []);
            node.stop().await;
        });
    }
}

/// A motor whose `init` keeps its thread until the test releases it.
#[actor]
#[derive(Clone)]
struct Starter {
    began: Arc<AtomicBool>,
    released: Arc<AtomicBool>,
}

#[actor(local)]
impl Starter {
    #[init]
    fn warm_up(&mut self) {
        self.began.store(true, Ordering::SeqCst);
        while !self.released.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
    }

    #[cast]
    fn turn(&mut self) {}
}

#[test]
fn an_init_that_never_releases_its_thread_and_is_killed_by_anyone_is_abandoned() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    // A process that does not trap exits ends for each of them.
    for reason in [Exit::Kill, Exit::error("wrong fuel")] {
        runtime.block_on(async {
            let clock = ManualClock::new();
            let node = Node::local_on(Threads(tokio::runtime::Handle::current()), clock.clone());
            let (began, released) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let _release = ReleaseOnDrop(Arc::clone(&released));
            let mill = node.start_tree(Mill { released: Arc::default() }).await.unwrap();
            let starter = Starter { began: Arc::clone(&began), released: Arc::clone(&released) };
            let start = tokio::spawn(start(&mill, "starter", ChildSpec::<StarterRef>::new(move || starter.clone())));
            until("the init runs", async || began.load(Ordering::SeqCst)).await;
            let starter: StarterRef = mill.find_child("starter").await.unwrap();
            let limit = Duration::from_secs(5);
            let sleeps = clock.sleeps(limit);
            starter.exit(reason.clone());
            until("the supervisor sets a limit", async || clock.sleeps(limit) > sleeps).await;
            clock.advance(Duration::from_millis(4_900));
            for _ in 0..10 {
                assert_eq!(states(&mill).await.len(), 3);
            }
            assert_eq!(node.raised_alarms(), []);
            clock.advance(Duration::from_millis(200));
            until("the start fails", async || start.is_finished()).await;
            assert_eq!(start.await.unwrap(), Err(ChildError::Start(Exit::Killed)));
            let [Alarm::AbandonedChild { child, .. }] = &node.raised_alarms()[..] else { panic!() };
            assert_eq!(child, "/Mill/starter");
            released.store(true, Ordering::SeqCst);
            until("the process is gone", async || node.raised_alarms().is_empty()).await;
            node.stop().await;
        });
    }
}
