//! The defaults of a supervision tree, and the guarantees for a child.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use greenroom::prelude::*;
use tokio::time::Instant;

use crate::scripted::{Scripted, mortal, settle, stubborn};

/// A resource that one process can hold at a time, like a port.
struct Port(Arc<AtomicBool>);

impl Drop for Port {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[derive(Clone, Default)]
struct Harbour {
    taken: Arc<AtomicBool>,
    in_vain: Arc<AtomicU32>,
}

#[actor]
struct Listener {
    harbour: Harbour,
    port: Option<Port>,
}

#[actor]
impl Listener {
    #[init]
    fn open(&mut self) -> Result<(), Exit> {
        if self.harbour.taken.swap(true, Ordering::Relaxed) {
            self.harbour.in_vain.fetch_add(1, Ordering::Relaxed);
            return Err(Exit::error("in use"));
        }
        self.port = Some(Port(Arc::clone(&self.harbour.taken)));
        Ok(())
    }

    #[cast]
    fn crash(&mut self) {
        panic!("boom");
    }

    #[call]
    fn is_open(&self) -> bool {
        self.port.is_some()
    }
}

#[greenroom::test]
async fn a_restarted_child_finds_free_what_its_predecessor_held() -> greenroom::Result {
    #[supervisor(intensity = 3, period = "5s")]
    struct Tree {
        harbour: Harbour,
        #[child(start = Listener { harbour: self.harbour.clone(), port: None })]
        listener: Listener,
    }
    let harbour = Harbour::default();
    let tree = Tree { harbour: harbour.clone() }.start().await?;
    let ends: [fn(&ListenerRef); 3] =
        [|child| drop(child.crash()), |child| child.exit(Exit::kill()), |child| child.exit(Exit::error("boom"))];
    for (lives, end) in (2..).zip(ends) {
        end(&tree.listener());
        settle().await;
        assert!(tree.listener().is_open().await?);
        assert_eq!(tree.children().await?[0].starts, lives);
    }
    assert_eq!(harbour.in_vain.load(Ordering::Relaxed), 0);
    Ok(())
}

/// Exits with an error at each `Go`, in each incarnation.
fn fragile() -> Scripted {
    mortal(Exit::error("boom"))
}

#[supervisor]
struct Plain {
    #[child(start = fragile())]
    child: Scripted,
}

#[greenroom::test]
async fn by_default_one_restart_in_five_seconds_is_allowed() -> greenroom::Result {
    for (gap, lives) in [(4, false), (6, true)] {
        let tree = Plain {}.start().await?;
        for _ in 0..2 {
            tree.child().go();
            tokio::time::sleep(Duration::from_secs(gap)).await;
        }
        assert_eq!(tree.supervisor().is_alive(), lives, "two crashes, {gap} s apart");
    }
    Ok(())
}

#[greenroom::test]
async fn intensity_and_period_have_a_default_each() -> greenroom::Result {
    #[supervisor(intensity = 3)]
    struct Intensity {
        #[child(start = fragile())]
        child: Scripted,
        #[child(dynamic, restart = permanent, intensity = 4)]
        many: Scripted,
    }
    #[supervisor(period = "2s")]
    struct Period {
        #[child(start = fragile())]
        child: Scripted,
        #[child(dynamic, restart = permanent, period = "1m")]
        many: Scripted,
    }
    let intensity = Intensity {}.start().await?;
    assert_eq!(intensity.describe().await?.supervisor.to_string(), "one_for_one, 3 restarts in 5s");
    assert_eq!(intensity.many().describe().await?.supervisor.to_string(), "dynamic, 4 restarts in 5s");
    for alive in [true, true, true, false] {
        intensity.child().go();
        settle().await;
        assert_eq!(intensity.supervisor().is_alive(), alive);
    }
    let period = Period {}.start().await?;
    assert_eq!(period.describe().await?.supervisor.to_string(), "one_for_one, 1 restart in 2s");
    assert_eq!(period.many().describe().await?.supervisor.to_string(), "dynamic, 1 restart in 60s");
    for (gap, alive) in [(3, true), (1, true), (1, false)] {
        period.child().go();
        settle().await;
        assert_eq!(period.supervisor().is_alive(), alive);
        tokio::time::sleep(Duration::from_secs(gap)).await;
    }
    Ok(())
}

#[greenroom::test]
async fn by_default_a_worker_has_five_seconds_to_stop_and_a_supervisor_all_the_time() -> greenroom::Result {
    #[supervisor]
    struct Worker {
        #[child(start = stubborn())]
        child: Scripted,
    }
    #[supervisor]
    struct Slow {
        #[child(start = stubborn(), shutdown = "60s")]
        child: Scripted,
    }
    #[supervisor]
    struct Above {
        #[child(supervisor, start = Slow {})]
        slow: Slow,
    }
    let worker = Worker {}.start().await?;
    let above = Above {}.start().await?;
    settle().await;
    let begin = Instant::now();
    worker.stop().await;
    assert_eq!(begin.elapsed().as_secs(), 5);
    let begin = Instant::now();
    above.stop().await;
    assert_eq!(begin.elapsed().as_secs(), 60);
    Ok(())
}

#[greenroom::test]
async fn crashes_of_dynamic_children_count_in_their_own_supervisor() -> greenroom::Result {
    #[supervisor]
    struct Crowd {
        #[child(start = fragile())]
        steady: Scripted,
        #[child(dynamic, restart = permanent)]
        many: Scripted,
    }
    let tree = Crowd {}.start().await?;
    let guest = tree.many().start_child_with(fragile).await?;
    for _ in 0..2 {
        guest.go();
        settle().await;
    }
    // Two restarts are too many for the nested supervisor. Its end counts as one restart in the tree.
    let starts: Vec<_> = tree.children().await?.into_iter().map(|child| (child.id, child.starts)).collect();
    assert_eq!(starts, [("steady".to_owned(), 1), ("many".to_owned(), 2)]);
    assert_eq!(tree.many().count_children().await?.specs, 0);
    Ok(())
}

#[greenroom::test]
async fn a_temporary_child_that_stops_with_a_sibling_is_forgotten() -> greenroom::Result {
    #[supervisor(strategy = rest_for_one)]
    struct Pair {
        #[child(start = fragile())]
        first: Scripted,
        #[child(start = fragile(), restart = transient)]
        kept: Scripted,
        #[child(start = fragile(), restart = temporary)]
        forgotten: Scripted,
    }
    let tree = Pair {}.start().await?;
    tree.first().go();
    settle().await;
    let starts: Vec<_> = tree.children().await?.into_iter().map(|child| (child.id, child.starts)).collect();
    assert_eq!(starts, [("first".to_owned(), 2), ("kept".to_owned(), 2)]);
    assert!(!tree.forgotten().is_alive());
    Ok(())
}
