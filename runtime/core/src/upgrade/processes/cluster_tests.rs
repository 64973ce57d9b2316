//! A node in memory whose processes and connections are handed over, while processes of two peers use them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom_macros::{actor, supervisor};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{HeldProcesses, Reader, finish_adoption};
use crate::prelude::*;
use crate::testing::{Check, Cluster};

/// Takes coins in order, and answers calls late.
#[actor(upgrade, otherwise = refuse, name = "account")]
#[derive(Default, Serialize, Deserialize)]
struct Account {
    /// The number of the next coin of each client.
    next: BTreeMap<u64, u64>,
    /// The first wrong coin.
    wrong: Option<(u64, u64)>,
    waiting: Vec<(u64, Reply<u64>)>,
    /// The exits of clients that it monitors.
    downs: Vec<String>,
}

/// The next coin of each client, the first wrong coin, and the exits of clients.
type Outcome = (BTreeMap<u64, u64>, Option<(u64, u64)>, Vec<String>);

#[actor]
impl Account {
    #[cast]
    fn pay(&mut self, client: u64, number: u64) {
        let next = self.next.entry(client).or_default();
        if *next != number {
            self.wrong.get_or_insert((client, number));
        }
        *next = number + 1;
    }

    /// Returns the number after some time.
    #[call]
    fn echo(&mut self, number: u64, reply: Reply<u64>) {
        self.waiting.push((number, reply));
    }

    #[every("30ms")]
    fn answer(&mut self) {
        for (number, reply) in self.waiting.drain(..) {
            reply.send(number);
        }
    }

    #[call]
    fn stub(&self, cx: &mut Context<Self>) -> AccountRef {
        cx.me()
    }

    #[cast]
    fn watch(&self, client: WalletRef, cx: &mut Context<Self>) {
        cx.monitor(&client);
    }

    #[down]
    fn down(&mut self, down: Down) {
        self.downs.push(down.reason.to_string());
    }

    #[call]
    fn result(&self) -> Outcome {
        (self.next.clone(), self.wrong, self.downs.clone())
    }
}

#[supervisor]
struct Bank {
    #[child]
    account: Account,
}

/// Monitors the account and is linked with it.
#[actor]
struct Wallet {
    account: AccountRef,
    losses: Arc<Mutex<Vec<String>>>,
}

#[actor]
impl Wallet {
    #[init]
    fn open(&mut self, cx: &mut Context<Self>) {
        cx.monitor(&self.account);
        cx.link(&self.account);
        self.account.watch(cx.me());
    }

    #[down]
    fn down(&self, down: Down) {
        self.losses.lock().unwrap().push(down.reason.to_string());
    }

    #[exit]
    fn exit(&self, exit: ExitSignal) {
        self.losses.lock().unwrap().push(exit.reason.to_string());
    }
}

/// A client of the account on a peer.
struct Client {
    paid: u64,
    echoes: u64,
}

/// Pays coins and awaits echoes until the end. All are taken.
async fn run_client(node: Node, client: u64, is_over: Rc<AtomicBool>) -> Client {
    let account: AccountRef = node.named_at("account", "n0@test");
    let mut state = Client { paid: 0, echoes: 0 };
    while !is_over.load(Ordering::Relaxed) {
        node.scope(account.pay(client, state.paid).into_future()).await.unwrap();
        state.paid += 1;
        if node.rng().below(3) == 0 {
            let echo = node.scope(account.echo(state.paid).within(Duration::from_secs(600)).into_future()).await;
            assert_eq!(echo, Ok(state.paid));
            state.echoes += 1;
        }
        sleep(Duration::from_millis(node.rng().below(10))).await;
    }
    state
}

/// A step after which an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Held,
    Paused,
    Written,
    Started,
}

/// Upgrades the first node, or fails after a step.
async fn upgrade(cluster: &Cluster, fails_at: Option<Step>) {
    let node = cluster.node(0).clone();
    let router = node.router().unwrap();
    let pause = || sleep(Duration::from_millis(cluster.draw(50)));
    let mut held = HeldProcesses::hold(&node, Duration::from_secs(5)).await.unwrap();
    pause().await;
    if fails_at == Some(Step::Held) {
        return drop(held);
    }
    router.pause_peers(&node, Duration::from_secs(5)).await;
    pause().await;
    let resume = |held: HeldProcesses| {
        router.resume_peers();
        drop(held);
    };
    if fails_at == Some(Step::Paused) {
        return resume(held);
    }
    let (mut reader, mut items) = (Reader::default(), Vec::new());
    let mut parts = Vec::new();
    held.hand_over(|part| {
        parts.push(part);
        async { Ok(()) }
    })
    .await
    .unwrap();
    for part in parts {
        items.extend(reader.push(&part).unwrap());
    }
    pause().await;
    if fails_at == Some(Step::Written) {
        return resume(held);
    }
    let peers = router.paused_peers(&node);
    assert_eq!(peers.len(), 2);
    let (first, reference) = (node.last_number() + 1_000, node.last_reference() + 1_000);
    let take_over = move |successor: &Node| {
        successor.continue_numbers(first);
        successor.continue_references(reference);
        for item in items {
            item.give_to(successor);
        }
    };
    let successor = cluster.start_successor_with(0, peers, take_over).await;
    successor.node().scope(async { Bank {}.start().await }).await.unwrap();
    pause().await;
    if fails_at == Some(Step::Started) {
        successor.kill();
        return resume(held);
    }
    held.check().unwrap();
    finish_adoption(successor.node());
    cluster.commit(0, successor).await;
}

#[test]
fn peers_lose_no_message_no_answer_and_no_relation() {
    Check::nodes(3).run(0..10, async |cluster| {
        cluster.node(0).scope(async { Bank {}.start().await }).await.unwrap();
        let losses = Arc::new(Mutex::new(Vec::new()));
        let events = |index: usize| {
            let counters = cluster.node(index).counters();
            (counters.node_ups, counters.node_downs)
        };
        let before = [events(1), events(2)];
        let mut wallets = Vec::new();
        for index in 1..3 {
            let node = cluster.node(index);
            let named: AccountRef = node.named_at("account", "n0@test");
            let account = node.scope(named.stub().into_future()).await.unwrap();
            wallets.push(node.start(Wallet { account, losses: Arc::clone(&losses) }).await.unwrap());
        }
        let is_over = Rc::new(AtomicBool::new(false));
        let upgrades = async {
            for _ in 0..5 {
                sleep(Duration::from_millis(cluster.draw(200))).await;
                let fails_at = [None, Some(Step::Held), Some(Step::Paused), Some(Step::Written), Some(Step::Started)];
                upgrade(&cluster, fails_at[cluster.draw(7).saturating_sub(2) as usize]).await;
            }
            sleep(Duration::from_millis(200)).await;
            is_over.store(true, Ordering::Relaxed);
        };
        let client = |index: usize| run_client(cluster.node(index).clone(), index as u64, Rc::clone(&is_over));
        let (one, two, ()) = tokio::join!(client(1), client(2), upgrades);
        sleep(Duration::from_secs(1)).await;
        let account: AccountRef = cluster.node(1).named_at("account", "n0@test");
        let (next, wrong, downs) = cluster.node(1).scope(account.result().into_future()).await.unwrap();
        assert_eq!((next, wrong), (BTreeMap::from([(1, one.paid), (2, two.paid)]), None));
        assert_eq!((losses.lock().unwrap().len(), downs), (0, Vec::new()));
        assert_eq!([events(1), events(2)], before);
        assert!(one.paid > 10 && one.echoes + two.echoes > 5, "{} {}", one.paid, one.echoes);
        // The relations are still there.
        wallets[0].exit(Exit::Kill);
        account.exit(Exit::error("closed"));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(losses.lock().unwrap().len(), 2, "an exit signal and a `Down` of one wallet");
    });
}
