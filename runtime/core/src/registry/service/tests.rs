//! Owners on several nodes with a registry in memory, under its faults.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Hold, HoldError};
use crate::node::Node;
use crate::testing::{Check, ClaimStore, Cluster, Faults};

const LEASE: Duration = Duration::from_secs(9);
const KEY: &str = "application/billing";

/// The owners on all nodes that have a hold.
#[derive(Clone, Default)]
struct Owners(Arc<Mutex<Vec<Arc<Hold>>>>, Arc<OnceLock<Instant>>);

impl Owners {
    /// Adds an owner. No other one may rely on its claim from now on.
    fn add(&self, hold: Hold) -> Owner {
        let hold = Arc::new(hold);
        let mut owners = self.0.lock().unwrap();
        let others: Vec<_> = owners.iter().filter(|other| other.is_held()).map(|other| format!("{other:?}")).collect();
        assert!(others.is_empty(), "{hold:?} was granted while there was {others:?}");
        owners.push(Arc::clone(&hold));
        Owner { owners: self.clone(), hold }
    }

    fn held(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|hold| hold.is_held()).count()
    }
}

/// Removes an owner when its task ends, or is dropped with its node.
struct Owner {
    owners: Owners,
    hold: Arc<Hold>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut owners = self.owners.0.lock().unwrap();
        owners.retain(|hold| !Arc::ptr_eq(hold, &self.hold));
        drop(owners);
    }
}

/// Requests the key again and again. Every second owner gives it up after a while, before `calm`.
async fn contend(node: Node, owners: Owners, calm: Instant) {
    let mut generous = false;
    loop {
        match node.claims().hold(KEY, node.name().as_str().into(), Duration::from_secs(3)).await {
            Ok(hold) => {
                let owner = owners.add(hold);
                generous = !generous;
                let left = calm.saturating_duration_since(Instant::now());
                if generous && !left.is_zero() {
                    let limit = Duration::from_millis(node.rng().below(20_000));
                    let _ = tokio::time::timeout(limit.min(left), owner.hold.lost()).await;
                } else {
                    owner.hold.lost().await;
                }
            }
            Err(HoldError::Stopped) => return,
            Err(_) => sleep(Duration::from_millis(node.rng().below(1_000))).await,
        }
    }
}

#[test]
fn a_key_never_has_two_owners_and_has_one_after_faults() {
    const FAULTS: Duration = Duration::from_secs(180);
    let check = Check::nodes(3).state(|seed| (ClaimStore::seeded(LEASE, seed), Owners::default()));
    let check = check.configure(|index, builder, (store, _)| builder.registry(store.registry(index)));
    let check = check.boot(|node, (_, owners)| async move {
        let calm = *owners.1.get_or_init(|| Instant::now() + FAULTS);
        let contender = contend(node.clone(), owners, calm);
        node.spawner().spawn(contender);
        Ok::<(), String>(())
    });
    check.run(0..20, async |cluster: Cluster, (store, owners)| {
        tokio::join!(cluster.chaos(Faults::ALL, FAULTS), store.chaos(cluster.size(), FAULTS));
        sleep(LEASE * 2).await;
        assert_eq!(owners.held(), 1, "owners of {:?}", store.claims());
        assert_eq!(store.claims().len(), 1, "{:?}", store.claims());
        // Nothing happens any more.
        let before = store.claims();
        sleep(LEASE * 5).await;
        assert_eq!((store.claims(), owners.held()), (before, 1));
    });
}
