//! States that are taken out of running processes, and processes that continue them.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom_macros::{actor, protocol, receive};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::oneshot::{self, Receiver};
use tokio::time::sleep;

use super::take::NotHandedOver;
use super::{Otherwise, Resumed, take_state};
use crate::actor::{Actor, Context, NewProcess, Process, Spawn, Stub, spawn};
use crate::base::{CallErrorKind, Down, EncodedState, Exit, ExitSignal, NodeId, Pid};
use crate::call::Reply;
use crate::node::{Node, TakeState};
use crate::process::{self, Mailbox};

const LIMIT: Duration = Duration::from_secs(5);

/// The hooks that have run, in all processes of a test.
#[derive(Clone, Debug, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn note(&self, hook: &str) {
        self.0.lock().unwrap().push(hook.to_owned());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

thread_local! {
    /// The journal of a resumed process, whose state cannot contain it.
    static JOURNAL: Journal = Journal::default();
    static ABANDONED: Cell<Option<Receiver<Result<EncodedState, String>>>> = const { Cell::new(None) };
}

fn journal() -> Journal {
    JOURNAL.with(Journal::clone)
}

#[actor(upgrade, otherwise = refuse, name = "till", sys)]
#[derive(Debug, Default, Serialize, Deserialize)]
struct Till {
    cents: u64,
    /// Makes the state unfit to be handed over.
    #[serde(skip_deserializing, serialize_with = "fail_if_locked")]
    locked: Locked,
    waiting: Vec<u64>,
    #[serde(skip)]
    replies: Vec<Reply<u64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Locked {
    #[default]
    No,
    Fails,
    Panics,
    /// The requester gives up.
    Abandons,
}

fn fail_if_locked<S: Serializer>(locked: &Locked, serializer: S) -> Result<S::Ok, S::Error> {
    match locked {
        Locked::No => serializer.serialize_unit(),
        Locked::Fails => Err(serde::ser::Error::custom("it is locked")),
        Locked::Panics => panic!("it is jammed"),
        Locked::Abandons => {
            ABANDONED.take();
            serializer.serialize_unit()
        }
    }
}

#[actor]
impl Till {
    #[init]
    fn open(&mut self) {
        journal().note("init");
    }

    #[continue_with]
    fn count(&mut self) {
        journal().note("continue_with");
    }

    #[resumed]
    fn open_again(&mut self) {
        journal().note("resumed");
    }

    #[terminate]
    fn close(&mut self) {
        journal().note("terminate");
    }

    #[cast]
    fn take(&mut self, cents: u64) {
        self.cents += cents;
    }

    #[cast]
    fn lock(&mut self, how: Locked) {
        self.locked = how;
    }

    #[cast]
    async fn audit(&mut self, time: Duration) {
        sleep(time).await;
        self.cents += 1;
    }

    #[call]
    fn total(&self) -> u64 {
        self.cents
    }

    /// Answers never.
    #[call]
    fn wait(&mut self, reply: Reply<u64>) {
        self.replies.push(reply);
    }
}

async fn take<S: Stub>(process: &S) -> Result<EncodedState, NotHandedOver> {
    take_state(&Node::current(), process.pid().unwrap(), Exit::shutdown(), LIMIT).await
}

async fn resume<A: Process>(state: &EncodedState) -> crate::actor::Ref<A> {
    let node = Node::current();
    NewProcess::<A>::new(node.clone()).start(Resumed::<A>::read(&node, state).unwrap()).await.unwrap()
}

#[greenroom_macros::test]
async fn a_server_hands_over_after_the_messages_before_the_request_and_ends() {
    let till = Till::default().start().await.unwrap();
    let waiting = till.wait();
    till.take(2);
    till.take(3);
    let (state, call_after) = tokio::join!(take(&till), async { till.total().await });
    let state = state.unwrap();
    assert_eq!(waiting.await.unwrap_err().kind, CallErrorKind::Exit(Exit::shutdown()));
    assert!(!till.is_alive());
    assert_eq!(call_after.unwrap_err().kind, CallErrorKind::Exit(Exit::shutdown()));
    assert_eq!(journal().take(), ["init", "continue_with"], "`terminate` has run");
    // Its name is free.
    let successor = resume::<Till>(&state).await;
    assert_eq!(successor.total().await.unwrap(), 5);
    assert_eq!(TillRef::named("till").total().await.unwrap(), 5);
    assert_eq!(journal().take(), ["resumed"]);
    // The state is complete again.
    let state = take(&successor).await.unwrap();
    assert_eq!(resume::<Till>(&state).await.total().await.unwrap(), 5);
}

#[protocol(local)]
enum Guard {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

#[greenroom_macros::test]
async fn links_and_monitors_receive_the_reason_of_the_request() {
    let till = Till::default().start().await.unwrap();
    let taken = till.clone();
    let guard = spawn(|mut mailbox: Mailbox<Guard>| async move {
        mailbox.trap_exit(true);
        mailbox.link(&taken);
        mailbox.monitor(&taken);
        let reason = Exit::error("moved");
        let pid = taken.pid().unwrap();
        take_state(&Node::current(), pid.clone(), reason.clone(), LIMIT).await.unwrap();
        let signal = receive!(match mailbox {
            Guard::Exit(signal) => signal,
        });
        assert_eq!(signal, ExitSignal { from: pid, reason: reason.clone() });
        let down = receive!(match mailbox {
            Guard::Down(down) => down,
        });
        assert_eq!(down.reason, reason);
    });
    assert_eq!(guard.ended().await, Exit::Normal);
}

#[greenroom_macros::test]
async fn a_server_whose_state_cannot_be_encoded_goes_on() {
    let till = Till::default().start().await.unwrap();
    for (how, reason) in [(Locked::Fails, "the state of `Till`"), (Locked::Panics, "it is jammed")] {
        till.lock(how);
        till.take(1);
        let error = take(&till).await.unwrap_err();
        assert!(matches!(&error, NotHandedOver::Encode(text) if text.contains(reason)), "{error}");
    }
    assert_eq!(till.total().await.unwrap(), 2);
    till.lock(Locked::No);
    assert!(take(&till).await.is_ok());
}

#[greenroom_macros::test]
async fn a_server_that_waits_hands_over_when_its_handler_ends() {
    let till = Till::default().start().await.unwrap();
    till.audit(LIMIT - Duration::from_millis(1));
    let state = take(&till).await.unwrap();
    let successor = resume::<Till>(&state).await;
    assert_eq!(successor.total().await.unwrap(), 1);
    successor.audit(LIMIT * 2);
    assert_eq!(take(&successor).await.unwrap_err(), NotHandedOver::Timeout);
    // The request was withdrawn.
    assert_eq!(successor.total().within(LIMIT * 2).await.unwrap(), 2);
    assert!(take(&successor).await.is_ok());
}

#[greenroom_macros::test]
async fn a_server_goes_on_if_the_requester_gives_up_at_the_last_moment() {
    let till = Till::default().start().await.unwrap();
    till.lock(Locked::Abandons);
    let number = till.pid().unwrap().number();
    let (answer, answered) = oneshot::channel();
    ABANDONED.set(Some(answered));
    let request = TakeState { reason: Exit::shutdown(), answer };
    Node::current().table().get(number).unwrap().take_state(number, request).unwrap();
    till.take(1);
    assert_eq!(till.total().await.unwrap(), 1);
    assert!(ABANDONED.take().is_none());
}

#[greenroom_macros::test]
async fn requests_that_were_given_up_do_not_add_up() {
    let till = Till::default().start().await.unwrap();
    till.audit(LIMIT * 10);
    for _ in 0..3 {
        assert_eq!(take(&till).await.unwrap_err(), NotHandedOver::Timeout);
    }
    let cell = Node::current().table().get(till.pid().unwrap().number()).unwrap();
    let cell = cell.into_any().downcast::<process::Cell<TillMessage>>().unwrap();
    assert_eq!(cell.pending_requests(), 1);
}

#[greenroom_macros::test]
async fn a_state_is_handed_over_once() {
    let till = Till::default().start().await.unwrap();
    let (first, second) = tokio::join!(take(&till), take(&till));
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err(), NotHandedOver::NoProc);
    assert_eq!(take(&till).await.unwrap_err(), NotHandedOver::NoProc);
}

#[greenroom_macros::test]
async fn a_suspended_server_hands_its_state_over() {
    let till = Till::default().start().await.unwrap();
    till.sys().suspend().await.unwrap();
    till.take(7);
    let state = take(&till).await.unwrap();
    // The message arrived while it was suspended.
    assert_eq!(resume::<Till>(&state).await.total().await.unwrap(), 0);
    assert_eq!(journal().take(), ["init", "continue_with", "resumed"]);
}

#[actor]
#[derive(Default)]
struct Clerk;

#[actor]
impl Clerk {
    #[cast]
    fn work(&mut self) {}
}

#[greenroom_macros::test]
async fn a_process_that_is_not_portable_refuses_the_request() {
    let clerk = Clerk.start().await.unwrap();
    assert_eq!(take(&clerk).await.unwrap_err(), NotHandedOver::NotPortable);
    let function = spawn(|mut mailbox: Mailbox<Guard>| async move { drop(mailbox.receive().await) });
    assert_eq!(take(&function).await.unwrap_err(), NotHandedOver::NotPortable);
    assert!(clerk.is_alive() && function.is_alive());
    function.exit(Exit::Kill);
    let elsewhere = Pid::new(Arc::new(NodeId { incarnation: 7, ..(**clerk.pid().unwrap().node_id()).clone() }), 2);
    let error = take_state(&Node::current(), elsewhere, Exit::shutdown(), LIMIT).await.unwrap_err();
    assert_eq!(error, NotHandedOver::Elsewhere);
}

#[actor(upgrade)]
#[derive(Default, Serialize, Deserialize)]
struct Clock {
    ticks: u64,
}

#[actor]
impl Clock {
    #[every("1s")]
    async fn tick(&mut self) {
        journal().note("tick");
        self.ticks += 1;
        sleep(Duration::from_secs(2)).await;
    }

    /// Is due when the other hook ends.
    #[every("1s")]
    fn tock(&mut self) {
        journal().note("tock");
        self.ticks += 1;
    }

    #[call]
    fn ticks(&self) -> u64 {
        self.ticks
    }
}

#[greenroom_macros::test]
async fn no_hook_runs_after_the_state_was_handed_over() {
    let clock = Clock::default().start().await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    let state = take(&clock).await.unwrap();
    let hooks = journal().take().len() as u64;
    assert_eq!(resume::<Clock>(&state).await.ticks().await.unwrap(), hooks);
}

#[protocol]
enum Parcels {
    Weigh { grams: u64 },
    Rest { time: Duration },
    Total { reply: Reply<u64> },
}

#[actor(protocol = Parcels, upgrade)]
#[derive(Default, Serialize, Deserialize)]
struct Scales {
    grams: u64,
}

impl Process for Scales {
    async fn resumed(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        journal().note("resumed");
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        journal().note("run");
        loop {
            cx.upgrade_point(self).await;
            receive!(match cx {
                Parcels::Weigh { grams } => self.grams += grams,
                Parcels::Rest { time } => sleep(time).await,
                Parcels::Total { reply } => reply.send(self.grams),
                after!(Duration::from_secs(1)) => {}
            });
        }
    }

    async fn terminate(&mut self, _: &mut Context<Self>, _: &Exit) {
        journal().note("terminate");
    }
}

#[greenroom_macros::test]
async fn a_process_of_its_own_body_hands_over_at_its_upgrade_point() {
    let scales = Scales::default().start().await.unwrap();
    sleep(Duration::from_millis(10)).await;
    scales.weigh(2);
    scales.weigh(3);
    let state = take(&scales).await.unwrap();
    let successor = resume::<Scales>(&state).await;
    assert_eq!(successor.total().await.unwrap(), 5);
    assert_eq!(journal().take(), ["run", "resumed", "run"]);
    successor.rest(LIMIT * 2);
    assert_eq!(take(&successor).await.unwrap_err(), NotHandedOver::Timeout);
    assert_eq!(successor.total().within(LIMIT * 2).await.unwrap(), 5);
    let (first, second) = tokio::join!(take(&successor), take(&successor));
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err(), NotHandedOver::NoProc);
}

#[greenroom_macros::test]
async fn a_state_of_another_actor_cannot_be_read() {
    let scales = Scales::default().start().await.unwrap();
    let state = take(&scales).await.unwrap();
    let node = Node::current();
    let error = Resumed::<Till>::read(&node, &state).err().unwrap().to_string();
    assert!(error.contains("the state is of `Scales`, and not of `Till`"), "{error}");
    let error = Resumed::<Clerk>::read(&node, &state).err().unwrap().to_string();
    assert!(error.contains("not portable"), "{error}");
    let cut = EncodedState::new(state.bytes()[..state.bytes().len() - 1].to_vec());
    assert!(Resumed::<Scales>::read(&node, &cut).is_err());
    let longer = EncodedState::new([state.bytes(), &[0]].concat());
    assert!(Resumed::<Scales>::read(&node, &longer).is_err());
}

#[test]
fn the_runtime_reads_the_option_otherwise() {
    let otherwise = |options: crate::actor::Options| options.portability.map(|portability| portability.otherwise);
    assert_eq!(otherwise(Till::OPTIONS), Some(Otherwise::Refuse));
    assert_eq!(otherwise(Clock::OPTIONS), Some(Otherwise::Restart));
    assert_eq!(otherwise(Clerk::OPTIONS), None);
}
