//! Trees that are stopped while a child's `init` does not return.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::prelude::*;
use greenroom::{ChildError, ChildSpec, Shutdown, Strategy, Supervisor};
use tokio::time::Instant;

/// A child whose `init` takes the given seconds in its first and in its second incarnation.
#[actor]
#[derive(Clone)]
struct Slow {
    seconds: [u64; 2],
    lives: Arc<AtomicU32>,
}

const NEVER: u64 = 1_000_000_000;

fn slow(first: u64, second: u64) -> Slow {
    Slow { seconds: [first, second], lives: Arc::default() }
}

#[actor]
impl Slow {
    #[init]
    async fn wait(&mut self) {
        let life = self.lives.fetch_add(1, Ordering::Relaxed) as usize;
        tokio::time::sleep(Duration::from_secs(self.seconds[life.min(1)])).await;
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("down"))
    }
}

#[supervisor]
struct Inner {
    slow: Slow,
    #[child(start = self.slow.clone())]
    first: Slow,
}

#[supervisor]
struct Outer {
    slow: Slow,
    #[child(supervisor, start = Inner { slow: self.slow.clone() })]
    inner: Inner,
}

/// A node whose only tree hangs at its start stops within the child's `shutdown` time.
#[greenroom::test]
async fn a_node_stops_although_a_child_never_starts() {
    for nested in [false, true] {
        let node = Node::local();
        let starting = async {
            let slow = slow(NEVER, NEVER);
            match nested {
                false => node.start_tree(Inner { slow }).await.map(drop),
                true => node.start_tree(Outer { slow }).await.map(drop),
            }
        };
        let began = Instant::now();
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            node.stop().await;
        };
        let (started, ()) = tokio::join!(starting, stopping);
        assert!(started.is_err(), "nested: {nested}");
        assert_eq!(began.elapsed(), Duration::from_secs(1 + 5), "nested: {nested}");
        assert_eq!(node.process_count(), 0);
    }
}

/// A restart that hangs, stopped through the tree's stub.
#[greenroom::test]
async fn a_tree_stops_although_a_start_does_not_return() -> greenroom::Result {
    let tree = Outer { slow: slow(0, NEVER) }.start().await?;
    tree.inner().first().crash();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let began = Instant::now();
    assert_eq!(tree.stop().await, Exit::shutdown());
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}

/// A request that came before the stop is still executed if it ends within the child's `shutdown` time.
#[greenroom::test]
async fn a_start_requested_before_a_stop_has_its_time() -> greenroom::Result {
    let cases = [
        (3, Shutdown::After(Duration::from_secs(5)), 3, true),
        (9, Shutdown::After(Duration::from_secs(5)), 5, false),
        (9, Shutdown::Kill, 0, false),
        // It does not trap exits, so the signal ends it.
        (9, Shutdown::Forever, 0, false),
    ];
    for (takes, shutdown, passes, starts) in cases {
        let tree = Supervisor::new(Strategy::OneForOne).start().await?;
        let other = tree.clone();
        let began = Instant::now();
        let child = greenroom::spawn(move |_: Mailbox<SlowMessage>| async move {
            let spec = ChildSpec::new(move || slow(takes, NEVER)).shutdown(shutdown);
            let started: Result<SlowRef, ChildError> = other.start_child("slow", spec).await;
            assert_eq!(started.is_ok(), starts, "{takes} s, {shutdown:?}");
        });
        tokio::task::yield_now().await;
        tree.stop().await;
        assert_eq!(began.elapsed(), Duration::from_secs(passes), "{takes} s, {shutdown:?}");
        assert_eq!(child.ended().await, Exit::Normal);
    }
    Ok(())
}
