//! A tree of three levels and a thousand workers under kills, panics, failing starts and stalls.
//!
//! The long run: `STRESS=50000 cargo test --release -p greenroom-tests --test suite stress`. `STRESS_SEED` sets the seed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::{ChildSpec, ChildState, Description, Node, Shutdown, Strategy, SupervisionRef, Supervisor};

/// The state that the workers share with the test.
#[derive(Default)]
struct World {
    /// The number of the next starts of each worker that fail.
    failing: HashMap<(usize, usize), u32>,
    /// The starts of each group, in order, since the last check.
    starts: HashMap<usize, Vec<usize>>,
    /// The number of running processes per slot: never more than one.
    running: HashMap<(usize, usize), u32>,
    is_crowded: bool,
}

#[actor]
struct Worker {
    group: usize,
    number: usize,
    world: Arc<Mutex<World>>,
    alive: bool,
}

#[actor(local)]
impl Worker {
    #[init]
    fn begin(&mut self) -> Result<(), Exit> {
        let key = (self.group, self.number);
        let mut world = self.world.lock().unwrap();
        if let Some(left) = world.failing.get_mut(&key).filter(|left| **left > 0) {
            *left -= 1;
            return Err(Exit::error("refused"));
        }
        world.starts.entry(self.group).or_default().push(self.number);
        let running = world.running.entry(key).or_default();
        *running += 1;
        let is_crowded = *running > 1;
        world.is_crowded |= is_crowded;
        self.alive = true;
        Ok(())
    }

    #[call]
    fn who(&self) -> (usize, usize) {
        (self.group, self.number)
    }

    #[cast]
    fn crash(&mut self) {
        panic!("crash");
    }

    #[cast]
    fn end(&mut self) -> Result<(), Exit> {
        Err(Exit::Normal)
    }

    /// Reacts to nothing but a kill.
    #[cast]
    async fn stall(&mut self, cx: &mut Context<Self>) {
        cx.trap_exit(true);
        std::future::pending::<()>().await;
    }

    #[exit]
    fn exit_signal(&mut self, signal: ExitSignal) -> Result<(), Exit> {
        Err(signal.reason)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.alive {
            *self.world.lock().unwrap().running.entry((self.group, self.number)).or_default() -= 1;
        }
    }
}

const GROUPS: usize = 40;
const WORKERS: usize = 25;
const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll];

fn group(group: usize, world: &Arc<Mutex<World>>) -> Supervisor {
    let strategy = STRATEGIES[group % 3];
    let mut supervisor = Supervisor::new(strategy).intensity(6).period(Duration::from_secs(1));
    for number in 0..WORKERS {
        let world = Arc::clone(world);
        let make = move || Worker { group, number, world: Arc::clone(&world), alive: false };
        let spec = ChildSpec::new(make).shutdown(Shutdown::After(Duration::from_millis(20)));
        supervisor = supervisor.child(number.to_string(), spec);
    }
    supervisor
}

fn tree(world: &Arc<Mutex<World>>) -> Supervisor {
    // However often a group gives up, the root never does.
    let mut root = Supervisor::new(Strategy::OneForOne).name("Fire").intensity(u32::MAX).period(Duration::from_secs(1));
    for index in 0..GROUPS {
        let world = Arc::clone(world);
        root = root.child(index.to_string(), ChildSpec::supervisor(move || group(index, &world)));
    }
    root
}

/// A generator with the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// Checks that every child of every level is running.
fn check_whole(description: &Description) {
    assert_eq!(description.supervisor.children.len(), GROUPS);
    assert_eq!(description.below.len(), GROUPS);
    for (_, group) in &description.below {
        assert_eq!(group.supervisor.children.len(), WORKERS);
        let ids: Vec<_> = group.supervisor.children.iter().map(|child| child.id.clone()).collect();
        assert_eq!(ids, (0..WORKERS).map(|number| number.to_string()).collect::<Vec<_>>());
        for child in &group.supervisor.children {
            assert_eq!(child.state, ChildState::Up, "{} of {}", child.id, group.supervisor.path);
        }
    }
}

/// Checks that no worker of a group starts before the one above it: between two restarts the numbers rise one by one.
fn check_order(world: &mut World) {
    for (group, starts) in &mut world.starts {
        if STRATEGIES[group % 3] == Strategy::OneForOne {
            continue;
        }
        for pair in starts.windows(2) {
            // The next in order, or a restart from an earlier or the same number.
            assert!(pair[1] <= pair[0] + 1, "group {group}: {} started after {}", pair[1], pair[0]);
        }
        starts.drain(..starts.len().saturating_sub(1));
    }
}

#[greenroom::test(expect_crash)]
async fn a_stressed_tree_is_complete_afterwards() -> greenroom::Result {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let faults = number("STRESS").unwrap_or(1_000);
    let mut random = Random(number("STRESS_SEED").unwrap_or(1));
    let world = Arc::<Mutex<World>>::default();
    let root = tree(&world).start().await?;
    let mut workers = HashMap::new();
    for group in 0..GROUPS {
        let supervisor: SupervisionRef = root.find_child(group.to_string()).await?;
        for number in 0..WORKERS {
            let worker: WorkerRef = supervisor.find_child(number.to_string()).await?;
            workers.insert((group, number), worker);
        }
        workers.len();
    }
    let groups = root.children().await?;
    let whole = 1 + GROUPS + GROUPS * WORKERS;
    assert_eq!(Node::current().process_count(), whole);
    for fault in 0..faults {
        let at = (random.below(GROUPS), random.below(WORKERS));
        let worker = &workers[&at];
        match random.below(20) {
            0..6 => worker.exit(Exit::kill()),
            6..12 => drop(worker.crash()),
            12..14 => drop(worker.end()),
            14..16 => drop(worker.stall()),
            16..19 => {
                let failures = u32::try_from(random.below(4)).unwrap();
                world.lock().unwrap().failing.insert(at, failures);
                worker.exit(Exit::kill());
            }
            _ => {
                // A supervisor, one level above.
                if let Some(supervisor) = &groups[at.0].supervisor {
                    supervisor.exit(Exit::kill());
                }
            }
        }
        match random.below(4) {
            0 => tokio::time::sleep(Duration::from_millis(random.below(50) as u64)).await,
            1 => tokio::task::yield_now().await,
            _ => {}
        }
        if fault % 500 == 0 {
            check_order(&mut world.lock().unwrap());
        }
    }
    // Stalled workers are released, and failing starts are over.
    world.lock().unwrap().failing.clear();
    for worker in workers.values() {
        worker.exit(Exit::kill());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    check_order(&mut world.lock().unwrap());
    check_whole(&root.describe().await.expect("the root is running"));
    for (at, worker) in &workers {
        assert_eq!(worker.who().await, Ok(*at), "a stub still leads where it led");
    }
    assert!(!world.lock().unwrap().is_crowded, "two workers ran in one slot");
    assert_eq!(Node::current().process_count(), whole, "a process too many, or one missing");
    TreeStub::stop(&root).await;
    assert_eq!(Node::current().process_count(), 0);
    let running: u32 = world.lock().unwrap().running.values().sum();
    assert_eq!(running, 0, "a state that was not dropped");
    Ok(())
}
