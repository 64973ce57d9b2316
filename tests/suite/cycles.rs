//! Call cycles: a certain deadlock is reported at once, an uncertain one times out.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use greenroom::prelude::*;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::scripted::{Letter, LetterRef, Scripted, does, run, settle};

/// The behaviour of a chain member while it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    /// Awaits its call only.
    #[default]
    Simply,
    Forever,
    Within(u64),
    /// Two calls at once.
    Both,
    /// A timer beside the call.
    WithTimer,
    /// A channel beside the call.
    WithChannel,
    /// The mailbox beside the call.
    WithMailbox,
    /// The call in a task of its own.
    InTask,
}

/// A member of a call chain. It answers after it has called the next.
#[actor]
#[derive(Default)]
struct Link {
    way: Way,
    next: Option<LinkRef>,
    outcomes: Vec<Result<u32, CallError>>,
}

#[actor(local)]
impl Link {
    #[cast]
    fn follow(&mut self, next: LinkRef) {
        self.next = Some(next);
    }

    /// Calls the next and adds one.
    #[call]
    async fn depth(&mut self, cx: &mut Context<Self>) -> Result<u32, CallError> {
        let outcomes = self.ask(cx).await;
        self.outcomes.push(outcomes.clone());
        outcomes.map(|depth| depth + 1)
    }

    #[cast]
    async fn begin(&mut self, cx: &mut Context<Self>) {
        let outcomes = self.ask(cx).await;
        self.outcomes.push(outcomes);
    }

    #[call]
    fn outcomes(&self) -> Vec<Result<u32, CallError>> {
        self.outcomes.clone()
    }

    async fn ask(&mut self, cx: &mut Context<Self>) -> Result<u32, CallError> {
        // A request whose caller has left is still received. Calling the next once is enough.
        let Some(next) = self.next.take() else { return Ok(0) };
        let call = next.depth();
        let answer = match self.way {
            Way::Simply => call.await,
            Way::Forever => call.forever().await,
            Way::Within(seconds) => call.within(Duration::from_secs(seconds)).await,
            Way::Both => tokio::join!(call, next.depth()).0,
            Way::WithTimer => tokio::time::timeout(Duration::from_secs(60), call).await.unwrap(),
            Way::WithChannel => {
                let (_sender, mut receiver) = mpsc::channel::<()>(1);
                tokio::select! {
                    answer = call => answer,
                    _ = receiver.recv() => unreachable!(),
                }
            }
            Way::WithMailbox => {
                tokio::select! {
                    answer = call => answer,
                    _ = async { receive!(match cx { LinkMessage::Follow { .. } => {} }) } => unreachable!(),
                }
            }
            Way::InTask => tokio::spawn(call).await.unwrap(),
        };
        answer?
    }
}

/// Every process calls the next, and the last one the first. Returns the outcome of each call, and the pids.
async fn ring(ways: &[Way]) -> (Vec<Pid>, Vec<Result<u32, CallError>>, Duration) {
    let links: Vec<_> = ways.iter().map(|way| Link { way: *way, ..Link::default() }.spawn()).collect();
    for (link, next) in links.iter().zip(links.iter().cycle().skip(1)) {
        link.follow(next.clone());
    }
    let begin = Instant::now();
    links[0].begin();
    let mut outcomes = Vec::new();
    for link in &links {
        outcomes.push(link.outcomes().forever().await.unwrap().remove(0));
    }
    let elapsed = begin.elapsed();
    (links.iter().map(|link| link.pid().unwrap()).collect(), outcomes, elapsed)
}

/// The outcome for the process that closes the cycle. The others receive an answer made of it.
fn cycle_error(pids: &[Pid]) -> CallError {
    let mut pids = pids.to_vec();
    pids.rotate_right(1);
    CallErrorKind::Cycle { pids }.into()
}

#[greenroom::test]
async fn a_cycle_of_calls_that_is_stuck_is_found_and_named() {
    let patient = [Way::Forever; 3];
    for ways in [&[Way::Simply; 2][..], &[Way::Simply; 3], &[Way::Simply; 17], &patient, &[Way::Within(2); 2]] {
        let (pids, outcomes, elapsed) = ring(ways).await;
        let expected = vec![Err(cycle_error(&pids)); pids.len()];
        assert_eq!(outcomes, expected, "{ways:?}");
        assert!(elapsed <= Duration::from_millis(200), "{elapsed:?}");
    }
    assert_eq!(Node::current().counters().broken_cycles, 5);
}

#[greenroom::test]
async fn calls_that_can_still_be_answered_are_not_a_cycle() {
    for way in [Way::Both, Way::WithTimer, Way::WithChannel, Way::WithMailbox, Way::InTask] {
        for ways in [[Way::Simply, way, Way::Simply], [way, Way::Simply, way]] {
            let (_, outcomes, elapsed) = ring(&ways).await;
            // The first call that times out leads to an answer, and so on.
            assert!(outcomes.contains(&Err(CallErrorKind::Timeout.into())), "{ways:?}: {outcomes:?}");
            assert!(
                !outcomes
                    .iter()
                    .any(|outcomes| matches!(outcomes, Err(CallError { kind: CallErrorKind::Cycle { .. }, .. }))),
                "{ways:?}: {outcomes:?}"
            );
            assert!(elapsed >= Duration::from_secs(5), "{elapsed:?}");
        }
    }
    assert_eq!(Node::current().counters().broken_cycles, 0);
}

/// Calls `other` before it answers a call.
fn calls(other: impl FnOnce() -> LetterRef + Send + 'static) -> Scripted {
    does(move |cx| {
        Box::pin(async move {
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            let _ = other().ask().await;
            reply.send(1);
        })
    })
}

#[greenroom::test]
async fn a_reply_that_may_be_passed_on_is_not_a_cycle() {
    let name = || LetterRef::named("first");
    let second = calls(name).spawn();
    let first = run(move |cx| {
        Box::pin(async move {
            LetterRef::register("first", &cx.me()).unwrap();
            // The second has taken this reply with `receive!`, so it may pass it on.
            let begin = Instant::now();
            (second.ask().await, begin.elapsed().as_secs())
        })
    });
    assert_eq!(first.await, (Err(CallErrorKind::Timeout.into()), 5));

    // It passes the reply on, and the new holder answers in time, although the calls look like a cycle.
    let second = does(move |cx| {
        Box::pin(async move {
            let reply = receive!(match cx {
                Letter::Ask { reply } => reply,
            });
            does(move |_| {
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    reply.send(7);
                })
            })
            .spawn();
            let _ = name().ask().forever().await;
        })
    })
    .spawn();
    let first = run(move |cx| {
        Box::pin(async move {
            LetterRef::register("first", &cx.me()).unwrap();
            let answer = second.ask().await;
            receive!(match cx {
                Letter::Ask { reply } => reply.send(2),
            });
            answer
        })
    });
    assert_eq!(first.await, Ok(7));
    assert_eq!(Node::current().counters().broken_cycles, 0);
}

#[greenroom::test]
async fn calls_in_unread_mailboxes_form_a_cycle() {
    // Neither reads its mailbox: each calls the other at once.
    let (first, outcomes) = tokio::sync::oneshot::channel();
    let (to, other) = tokio::sync::oneshot::channel::<LetterRef>();
    let one = does(move |_| Box::pin(async move { drop(first.send(other.await.unwrap().ask().await)) })).spawn();
    let pid = one.pid().unwrap();
    let two =
        does(move |_| Box::pin(async move { one.ask().await.map(drop).unwrap_or_else(|error| panic!("{error}")) }));
    let two = two.spawn();
    to.send(two.clone()).unwrap();
    let pids = [two.pid().unwrap(), pid];
    let [me, other] = &pids;
    let words = format!(
        "`Letter::ask` on {other}: calls wait for each other in a cycle: {me} waits for {other} waits for {me}"
    );
    match two.ended().await {
        Exit::Panic { message, .. } => assert_eq!(&*message, &*words),
        reason => panic!("{reason}"),
    }
    assert!(
        matches!(outcomes.await.unwrap(), Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { .. }), .. })),
        "the call fails with its callee"
    );
}

#[greenroom::test]
async fn a_kill_has_precedence_over_a_cycle_error() {
    for victim in 0..3 {
        let links: Vec<_> = (0..3).map(|_| Link::default().spawn()).collect();
        for (link, next) in links.iter().zip(links.iter().cycle().skip(1)) {
            link.follow(next.clone());
        }
        links[0].begin();
        settle().await;
        links[victim].exit(Exit::Kill);
        let caller = links[(victim + 2) % 3].outcomes().await.unwrap();
        assert_eq!(caller[0], Err(CallErrorKind::Exit(Exit::Killed).into()), "{victim}");
    }
    assert_eq!(Node::current().counters().broken_cycles, 0);
}

#[greenroom::test]
async fn a_caller_of_a_cycle_is_not_part_of_it() {
    let links: Vec<_> = (0..4).map(|_| Link::default().spawn()).collect();
    for (link, next) in [(0, 1), (1, 2), (2, 3), (3, 1)] {
        links[link].follow(links[next].clone());
    }
    // The first caller of the chain is not part of the cycle and receives the result of its answers.
    links[0].begin();
    let pids = [3, 1, 2].map(|link| links[link].pid().unwrap()).to_vec();
    for link in &links {
        assert_eq!(link.outcomes().await.unwrap()[0], Err(CallErrorKind::Cycle { pids: pids.clone() }.into()));
    }
}

#[greenroom::test]
async fn a_child_of_a_tree_and_a_name_can_be_in_a_cycle() {
    let link = Link { next: Some(LinkRef::named("second")), ..Link::default() };
    let first = link.spawn();
    let second = Link { next: Some(first.clone()), ..Link::default() }.spawn();
    LinkRef::register("second", &second).unwrap();
    first.begin();
    let pids = vec![second.pid().unwrap(), first.pid().unwrap()];
    assert_eq!(first.outcomes().await.unwrap(), [Err(CallErrorKind::Cycle { pids }.into())]);

    #[supervisor(strategy = one_for_one)]
    struct Pair {
        #[child(start = Link::default())]
        left: Link,
        #[child(start = Link::default())]
        right: Link,
    }
    let pair = Pair {}.start().await.unwrap();
    pair.left().follow(pair.right());
    pair.right().follow(pair.left());
    pair.left().begin();
    let pids = vec![pair.right().pid().unwrap(), pair.left().pid().unwrap()];
    assert_eq!(pair.left().outcomes().await.unwrap(), [Err(CallErrorKind::Cycle { pids }.into())]);
}

/// The calls of a crowd, to check each reported cycle.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<HashMap<Pid, Pid>>>);

/// A member of a crowd. Each member may call each other one.
#[actor]
struct Guest {
    ledger: Ledger,
    crowd: Arc<OnceLock<Vec<GuestRef>>>,
    random: u64,
    cycles: u32,
    answers: u32,
}

#[actor(local)]
impl Guest {
    /// Calls a chain of `hops` members.
    #[cast]
    async fn wander(&mut self, cx: &mut Context<Self>, hops: u32, upwards: bool) {
        let _ = self.hop(cx, hops, upwards).await;
    }

    #[call]
    async fn visit(&mut self, cx: &mut Context<Self>, hops: u32, upwards: bool) -> bool {
        self.hop(cx, hops, upwards).await
    }

    #[cast]
    fn unused(&mut self) {}

    #[call]
    fn totals(&self) -> (u32, u32) {
        (self.cycles, self.answers)
    }

    fn random_below(&mut self, limit: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % limit
    }

    async fn hop(&mut self, cx: &mut Context<Self>, hops: u32, upwards: bool) -> bool {
        let crowd = self.crowd.get().unwrap().clone();
        let me = crowd.iter().position(|guest| *guest == cx.me()).unwrap();
        let range = if upwards { me + 1..crowd.len() } else { 0..crowd.len() };
        if hops == 0 || range.is_empty() {
            // Some members answer at once, others later.
            if self.random_below(3) == 0 {
                let millis = self.random_below(400) as u64;
                nap(cx, Duration::from_millis(millis)).await;
            }
            return true;
        }
        let callee = range.start + self.random_below(range.len());
        if callee == me {
            return true;
        }
        let (mine, theirs) = (cx.pid().clone(), crowd[callee].pid().unwrap());
        self.ledger.0.lock().unwrap().insert(mine.clone(), theirs);
        let answer = crowd[callee].visit(hops - 1, upwards).forever().await;
        let mut ledger = self.ledger.0.lock().unwrap();
        if let Err(CallError { kind: CallErrorKind::Cycle { pids }, .. }) = &answer {
            assert_eq!(pids[0], mine);
            for (pid, next) in pids.iter().zip(pids.iter().cycle().skip(1)) {
                assert_eq!(ledger.get(pid), Some(next), "{pids:?} is a ring");
            }
            self.cycles += 1;
        } else {
            assert_eq!(answer, Ok(true));
            self.answers += 1;
        }
        ledger.remove(&mine);
        true
    }
}

/// Sleeps on the node's clock.
async fn nap(cx: &mut Context<Guest>, span: Duration) {
    receive!(match cx {
        GuestMessage::Unused => {}
        after!(span) => {}
    });
}

/// Lets `guests` call each other: only upwards, so that no cycle can occur, or without restriction.
async fn run_crowd(guests: usize, upwards: bool) -> (u32, u32) {
    let (ledger, crowd) = (Ledger::default(), Arc::new(OnceLock::new()));
    let guest =
        |random| Guest { ledger: ledger.clone(), crowd: Arc::clone(&crowd), random, cycles: 0, answers: 0 }.spawn();
    let guests: Vec<_> = (0..guests as u64).map(guest).collect();
    crowd.set(guests.clone()).unwrap_or_else(|_| unreachable!());
    for round in 0..20 {
        for guest in &guests {
            guest.wander(round % 5 + 1, upwards);
        }
        settle().await;
    }
    let mut sum = (0, 0);
    // A request is received although its caller has left, so it may take several rounds until all processes are idle.
    for _ in 0..100 {
        let before = std::mem::take(&mut sum);
        for guest in &guests {
            // Every call resolves. None has a timeout, so an undetected cycle would hang here.
            let (cycles, answers) = guest.totals().forever().await.unwrap();
            sum = (sum.0 + cycles, sum.1 + answers);
        }
        if sum == before {
            break;
        }
    }
    assert_eq!(u64::from(sum.0), Node::current().counters().broken_cycles);
    for guest in &guests {
        guest.stop(Exit::Normal).await;
    }
    sum
}

#[greenroom::test]
async fn in_a_crowd_exactly_the_real_cycles_are_reported() {
    let (cycles, answers) = run_crowd(60, true).await;
    assert_eq!(cycles, 0);
    assert!(answers > 1_000, "{answers}");
    let (cycles, answers) = run_crowd(60, false).await;
    assert!(cycles > 100 && answers > 500, "{cycles} {answers}");
}

/// A clock on which a second takes ten milliseconds.
struct Hurried(std::time::Instant);

const HURRY: u32 = 100;

impl greenroom::Clock for Hurried {
    fn now(&self) -> std::time::Instant {
        self.0 + self.0.elapsed() * HURRY
    }

    fn sleep_until(&self, at: std::time::Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep_until((self.0 + (at - self.0) / HURRY).into()))
    }
}

struct Tokio;

impl greenroom::Spawner for Tokio {
    fn spawn(&self, task: greenroom::Task) {
        tokio::spawn(task);
    }
}

#[test]
fn in_a_crowd_on_many_threads_exactly_the_real_cycles_are_reported() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::local_on(Tokio, Hurried(std::time::Instant::now()));
        let found = node.scope(async { (run_crowd(60, true).await.0, run_crowd(12, false).await.0) }).await;
        assert_eq!(found.0, 0);
        assert!(found.1 > 0, "{found:?}");
    });
}
