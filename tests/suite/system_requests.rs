//! System requests: reading and replacing a server's state, suspending and resuming it.

use greenroom::{Node, ProcessState, SysError, prelude::*};

use crate::scripted::{LetterRef, idle, settle};

#[actor(sys)]
#[derive(Debug, Default)]
struct Counter {
    count: u64,
    ticks: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }

    #[every("1s")]
    fn tick(&mut self) {
        self.ticks += 1;
    }
}

#[greenroom::test]
async fn a_state_is_shown_as_it_is_after_all_that_was_sent_before() {
    let counter = Counter::default().spawn();
    counter.add(1);
    let state = counter.sys().state();
    counter.add(1);
    assert_eq!(state.await.unwrap(), "Counter { count: 1, ticks: 0 }");
    counter.add(1);
    assert_eq!(counter.sys().state().await.unwrap(), "Counter { count: 3, ticks: 0 }");
}

#[greenroom::test]
async fn a_state_can_be_changed_and_replaced() {
    let counter = Counter::default().spawn();
    assert_eq!(counter.sys().with(|counter: &mut Counter| std::mem::replace(&mut counter.count, 9)).await, Ok(0));
    assert_eq!(counter.count().await, Ok(9));
    let before = counter.sys().replace(Counter { count: 1, ticks: 1 }).await.unwrap();
    assert_eq!((before.count, counter.count().await), (9, Ok(1)));
}

#[greenroom::test]
async fn a_suspended_server_handles_nothing_and_can_be_inspected_stopped_and_killed() {
    let counter = Counter::default().spawn();
    counter.sys().suspend().await.unwrap();
    counter.add(5);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let info = Node::current().process_info(&counter.pid().unwrap()).unwrap();
    assert_eq!((info.state, info.mailbox), (ProcessState::Suspended, 1));
    assert_eq!(counter.sys().state().await.unwrap(), "Counter { count: 0, ticks: 0 }");
    counter.sys().suspend().await.unwrap();
    counter.sys().resume().await.unwrap();
    assert_eq!(counter.count().await, Ok(5));
    let info = Node::current().process_info(&counter.pid().unwrap()).unwrap();
    assert_ne!(info.state, ProcessState::Suspended);
    // A running server is resumed again.
    counter.sys().resume().await.unwrap();
    counter.sys().suspend().await.unwrap();
    assert_eq!(counter.stop(Exit::shutdown()).await, Exit::shutdown());
    let counter = Counter::default().spawn();
    counter.sys().suspend().await.unwrap();
    counter.exit(Exit::kill());
    assert_eq!(counter.ended().await, Exit::Killed);
}

#[actor]
struct Private;

#[actor]
impl Private {
    #[call]
    async fn hang(&self) -> u32 {
        std::future::pending().await
    }
}

#[actor(sys)]
#[derive(Debug)]
struct Busy;

#[actor]
impl Busy {
    #[cast]
    async fn hang(&self) {
        std::future::pending::<()>().await;
    }
}

#[greenroom::test]
async fn a_process_without_system_requests_returns_an_error() {
    assert_eq!(Private.spawn().sys().state().await, Err(SysError::NotAllowed));
    assert_eq!(idle().spawn().sys().state().await, Err(SysError::NotAllowed));
    assert_eq!(LetterRef::named("nobody").sys().state().await, Err(SysError::NoProc));
    assert_eq!(LetterRef::at("mail", "far@away").sys().state().await, Err(SysError::Elsewhere));
    let counter = Counter::default().spawn();
    counter.exit(Exit::kill());
    assert_eq!(counter.sys().state().await, Err(SysError::NoProc));
    counter.ended().await;
    assert_eq!(counter.sys().state().await, Err(SysError::NoProc));
}

#[greenroom::test]
async fn system_requests_of_a_server_that_ends_fail() {
    let busy = Busy.spawn();
    busy.hang();
    settle().await;
    assert_eq!(busy.sys().state().await, Err(SysError::Timeout));
    let requests = busy.sys();
    let waiting = requests.state();
    let ends = async {
        settle().await;
        busy.exit(Exit::kill());
    };
    assert_eq!(tokio::join!(waiting, ends).0, Err(SysError::NoProc));
}
