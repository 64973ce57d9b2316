//! A supervisor that is killed cannot stop its children: they receive its exit signal, and end like any linked process.

use greenroom::Node;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::prelude::*;

/// A child that traps exits ends after the messages that were sent before its supervisor was killed.
#[actor]
#[derive(Clone, Default)]
struct Clerk {
    entries: u64,
}

#[actor]
impl Clerk {
    #[cast]
    async fn enter(&mut self) {
        self.entries += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    #[call]
    fn entries(&self) -> u64 {
        self.entries
    }

    #[cast]
    async fn stall(&mut self) {
        std::future::pending::<()>().await;
    }

    #[exit]
    fn exit(&mut self, _signal: ExitSignal) {}
}

/// A child that does not trap exits.
#[actor]
#[derive(Clone, Default)]
struct Guest {}

#[actor]
impl Guest {
    #[call]
    fn name(&self) -> String {
        "guest".to_owned()
    }
}

#[supervisor]
struct Office {
    #[child(start = Clerk::default())]
    clerk: Clerk,
    #[child(start = Guest::default())]
    guest: Guest,
    #[child(dynamic)]
    clerks: Clerk,
    #[child(dynamic)]
    guests: Guest,
}

#[supervisor]
struct Branch {
    #[child(supervisor, start = Office {})]
    office: Office,
}

#[greenroom::test]
async fn the_children_of_a_killed_root_end_with_it() -> greenroom::Result {
    let office = Office {}.start().await?;
    let clerk = office.clerks().start_child(Clerk::default()).await?;
    let guest = office.guests().start_child(Guest::default()).await?;
    let own = office.clerk();
    let own_guest = office.guest();
    let ends = (own.ended(), own_guest.ended(), clerk.ended(), guest.ended());
    office.supervisor().exit(Exit::kill());
    assert_eq!((ends.0.await, ends.1.await), (Exit::Killed, Exit::Killed));
    // Dynamic children have a supervisor of their own, which stops them in order.
    assert_eq!((ends.2.await, ends.3.await), (Exit::shutdown(), Exit::shutdown()));
    assert_eq!(Node::current().process_count(), 0);
    assert!(matches!(office.guest().name().await, Err(CallError { kind: CallErrorKind::NoProc, .. })));
    Ok(())
}

#[greenroom::test]
async fn the_dynamic_children_of_a_killed_supervisor_end_with_it() -> greenroom::Result {
    let branch = Branch {}.start().await?;
    let office = branch.office();
    let declared = Node::current().process_count();
    let clerk = office.clerks().start_child(Clerk::default()).await?;
    let guest = office.guests().start_child(Guest::default()).await?;
    let ends = (clerk.ended(), guest.ended());
    office.supervisor().exit(Exit::kill());
    assert_eq!((ends.0.await, ends.1.await), (Exit::shutdown(), Exit::shutdown()));
    assert_eq!(office.guest().name().await?, "guest");
    assert!(matches!(guest.name().await, Err(CallError { kind: CallErrorKind::NoProc, .. })));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Node::current().process_count(), declared);
    Ok(())
}

#[greenroom::test]
async fn a_server_reads_what_was_sent_before_its_supervisor_was_killed() -> greenroom::Result {
    let office = Office {}.start().await?;
    let clerk = office.clerk();
    clerk.enter();
    clerk.enter();
    let entries = tokio::spawn(clerk.entries().within(Duration::from_secs(10)).into_future());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // The second entry is being made, and the call waits behind it.
    office.supervisor().exit(Exit::kill());
    assert_eq!(clerk.ended().await, Exit::Killed);
    assert_eq!(entries.await?, Ok(2));
    Ok(())
}

/// The stop of a node kills the processes that are left, in no order.
#[greenroom::test]
async fn a_child_is_killed_although_its_supervisor_was_killed_before() -> greenroom::Result {
    let office = Office {}.start().await?;
    let clerk = office.clerk();
    clerk.stall();
    tokio::task::yield_now().await;
    office.supervisor().exit(Exit::kill());
    office.supervisor().ended().await;
    assert!(clerk.is_alive());
    clerk.exit(Exit::kill());
    assert_eq!(clerk.ended().await, Exit::Killed);
    Ok(())
}

/// A child whose restart takes long.
#[actor]
struct Slow {
    starts: Arc<AtomicU32>,
}

#[actor]
impl Slow {
    #[init]
    async fn begin(&mut self) {
        if self.starts.fetch_add(1, Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("boom"))
    }

    #[call]
    fn answer(&self) -> u32 {
        42
    }
}

#[supervisor]
struct Slowly {
    starts: Arc<AtomicU32>,
    #[child(start = Slow { starts: Arc::clone(&self.starts) })]
    slow: Slow,
}

#[greenroom::test]
async fn waits_for_a_restart_end_with_the_start_of_a_killed_root() -> greenroom::Result {
    let tree = Slowly { starts: Arc::default() }.start().await?;
    let slow = tree.slow();
    slow.crash();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The restart is under way: a monitor waits for it, and so does a call.
    let (end, call) = (slow.ended(), slow.answer().forever());
    tree.supervisor().exit(Exit::kill());
    assert_eq!(end.await, Exit::NoProc);
    assert_eq!(call.await, Err(CallErrorKind::Exit(Exit::Killed).into()));
    assert_eq!(slow.answer().await, Err(CallErrorKind::NoProc.into()));
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}
