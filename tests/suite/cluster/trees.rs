//! A supervisor on another node: its children can be listed, stopped and restarted from here. New ones can be started only
//! there.

use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{ChildError, ChildSpec, Strategy, SupervisionRef, Supervisor};

#[actor]
#[derive(Clone, Default)]
struct Clerk {
    served: u64,
}

#[actor]
impl Clerk {
    #[call]
    fn serve(&mut self) -> u64 {
        self.served += 1;
        self.served
    }
}

#[greenroom::test]
async fn a_remote_supervisor_executes_requests_that_can_be_sent() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (there, here) = (cluster.node(0), cluster.node(1));
    let root = Supervisor::new(Strategy::OneForOne).child("first", ChildSpec::<ClerkRef>::new(Clerk::default));
    let tree = there.start_supervisor(root).await?;
    SupervisionRef::register("office", &tree)?;
    let office: SupervisionRef = here.named_at("office", "n0@test");

    let listed = office.children().await?;
    assert_eq!((listed.len(), &*listed[0].id, listed[0].starts), (1, "first", 1));
    assert_eq!(office.describe().await?.supervisor.path, "/Supervisor");

    // A child's constructor is code and cannot be sent. Nothing starts, and the caller receives an error.
    let refused: Result<ClerkRef, _> = office.start_child("second", ChildSpec::new(Clerk::default)).await;
    assert_eq!(refused.unwrap_err(), ChildError::RemoteSupervisor);
    assert_eq!(office.count_children().await?.specs, 1);
    // A start that was requested there is visible here.
    let second: ClerkRef = tree.start_child("second", ChildSpec::new(Clerk::default)).await?;
    assert_eq!(second.serve().await?, 1);
    assert_eq!(office.count_children().await?.active, 2);

    assert_eq!(office.delete_child("second").await, Err(ChildError::Running));
    office.terminate_child("second").await?;
    assert!(!second.is_alive());
    let pid = office.restart_child("second").await?;
    assert_eq!(pid, second.pid());
    office.terminate_child(pid.expect("it runs")).await?;
    office.delete_child("second").await?;
    assert_eq!(office.terminate_child("second").await, Err(ChildError::NotFound));

    assert_eq!(TreeStub::stop(&office).await, Exit::shutdown());
    assert!(!tree.is_alive());
    assert_eq!(office.children().await, Err(CallErrorKind::NoProc.into()));
    cluster.stop().await;
    Ok(())
}

/// Traps exits, so that an unrelated process's exit signal does not end it.
#[actor(trap_exit)]
struct Ledger {
    lines: Arc<Mutex<Vec<String>>>,
}

#[actor]
impl Ledger {
    #[cast]
    fn note(&mut self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    #[exit]
    fn exit_signal(&mut self, exit: ExitSignal) {
        panic!("a stop arrived as an exit signal: {exit:?}");
    }

    #[terminate]
    fn closed(&mut self, reason: &Exit) {
        self.lines.lock().unwrap().push(reason.to_string());
    }
}

#[greenroom::test]
async fn a_remote_server_stops_after_the_messages_sent_before() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (there, here) = (cluster.node(0), cluster.node(1));
    let lines = Arc::new(Mutex::new(Vec::new()));
    LedgerRef::register("ledger", &there.spawn(Ledger { lines: Arc::clone(&lines) }))?;
    let ledger: LedgerRef = here.named_at("ledger", "n0@test");
    let stopped = here.scope(async move {
        ledger.note("one".into());
        ledger.note("two".into());
        ledger.stop(Exit::shutdown()).await
    });
    assert_eq!(stopped.await, Exit::shutdown());
    assert_eq!(*lines.lock().unwrap(), ["one", "two", "shutdown"]);
    cluster.stop().await;
    Ok(())
}
