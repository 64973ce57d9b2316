//! Random traffic between nodes, under faults that a seed decides.
//!
//! Clerks on all nodes send orders to shops, hire workers, and monitor, link and end them. Links break, carry nothing in
//! one direction, are slow or throttled; nodes crash and restart; the shops are slow. Each run checks that
//!
//! - no order is lost while its connection stands, and a loss is at the end of what was sent over a connection;
//! - no order arrives twice, and those of a clerk arrive at a shop in their order;
//! - each call, monitor and link has one outcome, which is the true one;
//! - in the end nothing waits, and nothing is remembered.
//!
//! Twenty seeds, or those of `GREENROOM_TEST_SEEDS` for each number of nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use greenroom_macros::{actor, protocol, supervisor};
use serde::{Deserialize, Serialize};

use crate::base::{NodeEvent, Subject};
use crate::prelude::*;
use crate::session::Limits;
use crate::testing::{Check, Cluster, Faults};

/// The number of a monitored shop among the workers.
const SHOP: u64 = u64::MAX;

/// An order: its clerk, and its number among all orders of the clerk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Order {
    clerk: u64,
    number: u64,
}

/// The messages of a shop.
#[protocol]
enum Trade {
    Buy {
        order: Order,
        list: Vec<u8>,
    },
    /// Answers with a parcel of that many bytes, which begins with the number of the order.
    Deliver {
        order: Order,
        size: u32,
        reply: Reply<Vec<u8>>,
    },
    /// Keeps the reply for ever.
    Promise {
        order: Order,
        reply: Reply<Vec<u8>>,
    },
    Me {
        reply: Reply<TradeRef>,
    },
    /// The stall of the shop's node, as a stub that follows its restarts.
    Stall {
        reply: Reply<TradeRef>,
    },
}

/// A quick shop with an unbounded mailbox.
#[actor(protocol = Trade)]
struct Kiosk {
    counter: Counter,
    stall: TradeRef,
}

/// A slow shop with a small mailbox.
#[actor(protocol = Trade, mailbox = 3, overflow = wait)]
#[derive(Clone)]
struct Shop {
    counter: Counter,
}

#[supervisor]
struct Mall {
    counter: Counter,
    #[child(start = Shop { counter: self.counter.clone() })]
    stall: Shop,
}

impl Process for Kiosk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            match cx.receive().await {
                Trade::Me { reply } => reply.send(cx.me()),
                Trade::Stall { reply } => reply.send(self.stall.clone()),
                message => drop(self.counter.serve(message)),
            }
        }
    }
}

impl Process for Shop {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            match cx.receive().await {
                Trade::Me { reply } | Trade::Stall { reply } => reply.send(cx.me()),
                message => {
                    let pause = self.counter.serve(message);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// The part of a shop that takes orders.
#[derive(Clone)]
struct Counter {
    book: Book,
    /// The shop's number among all shops.
    shop: u64,
    /// The calls that are never answered.
    promises: Arc<Mutex<Vec<Reply<Vec<u8>>>>>,
}

impl Counter {
    fn new(book: &Book) -> Counter {
        Counter { book: book.clone(), shop: book.draw_id(), promises: Arc::default() }
    }

    /// Serves one order, and returns the time that it takes a slow shop.
    fn serve(&self, message: Trade) -> Duration {
        let order = match message {
            Trade::Buy { order, list } => {
                self.book.check(list.iter().all(|byte| u64::from(*byte) == order.number % 251), || {
                    format!("{order:?} has the list of another order")
                });
                self.book.handle(self.shop, order);
                order
            }
            Trade::Deliver { order, size, reply } => {
                self.book.handle(self.shop, order);
                let mut parcel = order.number.to_le_bytes().to_vec();
                parcel.resize(8 + size as usize, 1);
                reply.send(parcel);
                order
            }
            Trade::Promise { order, reply } => {
                self.book.handle(self.shop, order);
                self.promises.lock().unwrap().push(reply);
                order
            }
            Trade::Me { .. } | Trade::Stall { .. } => return Duration::ZERO,
        };
        Duration::from_millis(order.number * 7 % 30)
    }
}

/// The messages of a worker.
#[protocol]
enum Errand {
    Run {
        order: Order,
    },
    Quit {
        reason: Exit,
    },
    #[from]
    Exit(ExitSignal),
}

/// Hires workers on its node, and notes how they end.
#[actor]
struct Agency {
    book: Book,
    workers: BTreeMap<MonitorRef, (u64, ErrandRef)>,
}

#[actor]
impl Agency {
    #[call]
    fn hire(&mut self, worker: u64, traps: bool, cx: &mut Context<Self>) -> ErrandRef {
        let book = self.book.clone();
        let stub = crate::spawn(async move |mut mailbox: Mailbox<Errand>| {
            mailbox.trap_exit(traps);
            loop {
                match mailbox.receive().await {
                    Errand::Run { order } => book.handle(worker, order),
                    Errand::Quit { reason } => return Err::<(), Exit>(reason),
                    Errand::Exit(signal) => book.note_signal(worker, &signal),
                }
            }
        });
        self.workers.insert(cx.monitor(&stub), (worker, stub.clone()));
        stub
    }

    #[call]
    fn dismiss(&mut self) {
        self.workers.values().for_each(|(_, stub)| stub.exit(Exit::Kill));
    }

    #[down]
    fn ended(&mut self, down: Down) {
        let (worker, _) = self.workers.remove(&down.monitor).expect("one end of a worker");
        self.book.lock().ends.insert(worker, down.reason);
    }
}

/// The record of one run.
#[derive(Clone, Default)]
struct Book {
    record: Arc<Mutex<Record>>,
    ids: Arc<AtomicU64>,
}

#[derive(Default)]
struct Record {
    failures: Vec<String>,
    handled: BTreeSet<Order>,
    /// The number of each clerk's last order at each shop and worker.
    last: BTreeMap<(u64, u64), u64>,
    sent: Vec<Sent>,
    /// The connections that each clerk has seen the loss of, by the node at the other end.
    losses: BTreeMap<(u64, usize), u64>,
    /// The exit reasons of the workers that have ended.
    ends: BTreeMap<u64, Exit>,
    /// The outcomes of monitors and links.
    outcomes: Vec<Outcome>,
    exits: Vec<SentExit>,
    /// Failures as of a node that stops. The loss of the connection follows.
    farewells: Vec<(Over, String)>,
    /// The exit signals that workers have trapped: the worker, and the reason with the sender.
    signals: BTreeMap<(u64, String), u32>,
    /// The links that clerks have made: the worker, and the clerk.
    links: BTreeMap<(u64, Pid), u32>,
    /// The nodes of the clerks.
    homes: BTreeMap<u64, usize>,
    /// The clerks that have come to their ends.
    finished: BTreeSet<u64>,
    /// The clerks that send nothing more.
    resting: BTreeSet<u64>,
    is_closing: bool,
    coverage: BTreeMap<&'static str, u64>,
}

/// A place on a connection: its clerk, the node at the other end, and the number of losses before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Over {
    clerk: u64,
    node: usize,
    losses: u64,
}

#[derive(Debug)]
struct Sent {
    order: Order,
    over: Over,
    shop: ShopKind,
    /// The cast of the message has returned `Ok`, or the call was answered.
    is_accepted: bool,
    /// The cast of the message was not awaited.
    is_unawaited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ShopKind {
    Kiosk,
    Shop,
    Stall,
}

/// The outcome of a monitor or a link.
#[derive(Debug)]
struct Outcome {
    over: Over,
    /// The connection was up.
    was_up: bool,
    worker: Worker,
    reason: Exit,
}

/// An exit signal that a clerk has sent.
#[derive(Debug)]
struct SentExit {
    over: Over,
    worker: Worker,
    reason: String,
}

/// A worker: its number, and the incarnation of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Worker {
    id: u64,
    node: usize,
    incarnation: u64,
}

impl Book {
    fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    fn draw_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    fn count(&self, event: &'static str) {
        *self.lock().coverage.entry(event).or_default() += 1;
    }

    /// Notes a failure, also of a clerk that a crash ends later.
    fn check(&self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.lock().failures.push(text());
        }
    }

    fn handle(&self, receiver: u64, order: Order) {
        let mut record = self.lock();
        if !record.handled.insert(order) {
            record.failures.push(format!("{order:?} has arrived twice"));
        }
        let last = record.last.insert((receiver, order.clerk), order.number);
        if let Some(last) = last.filter(|last| *last >= order.number) {
            record.failures.push(format!("{order:?} has arrived after number {last}"));
        }
    }

    fn note_signal(&self, worker: u64, signal: &ExitSignal) {
        let key = match &signal.reason {
            Exit::Error { message, .. } if message.starts_with("order ") => message.to_string(),
            _ => format!("link of {}", signal.from),
        };
        *self.lock().signals.entry((worker, key)).or_default() += 1;
    }
}

/// A clerk's view of a node.
struct Branch {
    name: String,
    is_up: bool,
    losses: u64,
    /// The stubs of its shops, for the present connection.
    shops: Vec<(ShopKind, TradeRef)>,
}

/// The messages of a clerk.
#[protocol(local)]
enum Desk {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    #[from]
    Node(NodeEvent),
}

struct Clerk {
    id: u64,
    own: usize,
    mailbox: Mailbox<Desk>,
    cluster: Cluster,
    book: Book,
    branches: Vec<Branch>,
    is_stopping: bool,
    orders: u64,
    workers: Vec<(Worker, ErrandRef)>,
    monitors: BTreeMap<MonitorRef, (Worker, Over, bool)>,
    links: BTreeMap<Pid, (Worker, Over, bool)>,
}

impl Clerk {
    fn new(mailbox: Mailbox<Desk>, own: usize, cluster: &Cluster, book: &Book) -> Clerk {
        mailbox.trap_exit(true);
        mailbox.watch_nodes(true);
        let peers = mailbox.node().peers();
        let branch = |node: usize| {
            let name = format!("n{node}@test");
            let is_up = node == own || peers.iter().any(|peer| peer.as_str() == name);
            Branch { name, is_up, losses: 0, shops: Vec::new() }
        };
        let id = book.draw_id();
        book.lock().homes.insert(id, own);
        Clerk {
            id,
            own,
            branches: (0..cluster.size()).map(branch).collect(),
            mailbox,
            cluster: cluster.clone(),
            book: book.clone(),
            is_stopping: false,
            orders: 0,
            workers: Vec::new(),
            monitors: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    fn draw(&self, bound: u64) -> u64 {
        self.cluster.draw(bound)
    }

    fn over(&self, node: usize) -> Over {
        Over { clerk: self.id, node, losses: self.branches[node].losses }
    }

    async fn work(mut self) {
        while !self.book.lock().is_closing {
            self.read();
            if self.is_stopping {
                return;
            }
            let node = self.draw(self.cluster.size() as u64) as usize;
            if self.branches[node].shops.is_empty() {
                self.visit(node).await;
            } else {
                self.act(node).await;
            }
            tokio::time::sleep(Duration::from_millis(self.draw(400))).await;
        }
        self.book.lock().resting.insert(self.id);
        self.read();
        let shops: Vec<_> =
            self.monitors.iter().filter(|(_, (worker, ..))| worker.id == SHOP).map(|(shop, _)| *shop).collect();
        for monitor in shops {
            let was_active = self.mailbox.demonitor(monitor);
            self.book.check(was_active, || format!("clerk {}: a monitor ended without a Down", self.id));
            self.monitors.remove(&monitor);
        }
        // The agencies end all workers.
        while !self.monitors.is_empty() || !self.links.is_empty() {
            let message = self.mailbox.receive().await;
            self.take(message);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.read();
        self.book.lock().finished.insert(self.id);
    }

    /// Reads all messages that have come.
    fn read(&mut self) {
        loop {
            let next = std::pin::pin!(self.mailbox.receive()).poll(&mut TaskContext::from_waker(Waker::noop()));
            let Poll::Ready(message) = next else { return };
            self.take(message);
        }
    }

    fn take(&mut self, message: Desk) {
        match message {
            Desk::Down(down) => {
                let Some((worker, over, was_up)) = self.monitors.remove(&down.monitor) else {
                    return self.book.check(false, || format!("clerk {}: a second {down:?}", self.id));
                };
                if let Subject::Pid(pid) = &down.target {
                    let node = &self.branches[worker.node].name;
                    self.book.check(pid.node().as_str() == node, || format!("{down:?} is not of {worker:?}"));
                }
                self.book.lock().outcomes.push(Outcome { over, was_up, worker, reason: down.reason });
            }
            Desk::Exit(signal) => {
                // The own node stops, and the clerk with it.
                if signal.from.number() == Node::SYSTEM && signal.reason == Exit::shutdown() {
                    self.is_stopping = true;
                    return;
                }
                let Some((worker, over, was_up)) = self.links.remove(&signal.from) else {
                    return self.book.check(false, || format!("clerk {}: no link for {signal:?}", self.id));
                };
                self.book.lock().outcomes.push(Outcome { over, was_up, worker, reason: signal.reason });
            }
            Desk::Node(event) => self.take_event(&event),
        }
    }

    fn take_event(&mut self, event: &NodeEvent) {
        let (NodeEvent::Up(id) | NodeEvent::Down(id)) = event;
        let node = self.branches.iter().position(|branch| branch.name == id.name.as_str()).unwrap();
        let is_up = matches!(event, NodeEvent::Up(_));
        let branch = &mut self.branches[node];
        self.book.check(branch.is_up != is_up, || format!("clerk {}: {event:?} twice", self.id));
        branch.is_up = is_up;
        branch.shops.clear();
        if !is_up {
            branch.losses += 1;
            self.book.lock().losses.insert((self.id, node), branch.losses);
            let relations = self.monitors.values().chain(self.links.values());
            let left: Vec<_> = relations.filter(|(_, over, _)| over.node == node).collect();
            self.book.check(left.is_empty(), || format!("a relation outlives its connection: {left:?}"));
        }
    }

    /// Gets the stubs of a node's shops, if they are open.
    async fn visit(&mut self, node: usize) {
        if !self.branches[node].is_up {
            return self.call_lost_node(node).await;
        }
        let name = self.branches[node].name.clone();
        let [kiosk, shop] = ["kiosk", "shop"].map(|shop| self.mailbox.node().named_at::<TradeRef>(shop, name.as_str()));
        let over = self.over(node);
        let patience = Duration::from_secs(30);
        let stubs = async {
            let (me, shop_me) = (kiosk.me().within(patience).await?, shop.me().within(patience).await?);
            let stall = kiosk.stall().within(patience).await?;
            Ok::<_, CallError>([me, shop_me, stall])
        };
        let stubs = stubs.await;
        self.read();
        // On another connection these processes may not be tracked.
        if let (Ok([me, shop_me, stall]), true) = (stubs, over == self.over(node)) {
            self.branches[node].shops = vec![
                (ShopKind::Kiosk, kiosk),
                (ShopKind::Kiosk, me),
                (ShopKind::Shop, shop),
                (ShopKind::Shop, shop_me),
                (ShopKind::Stall, stall),
            ];
        }
    }

    /// Nothing reaches a node without a connection, and each attempt is answered.
    async fn call_lost_node(&mut self, node: usize) {
        let name = self.branches[node].name.clone();
        let kiosk: TradeRef = self.mailbox.node().named_at("kiosk", name.as_str());
        let order = self.next_order();
        let cast = kiosk.buy(order, Vec::new()).await;
        self.book.check(cast == Err(CastError::NoConnection), || format!("{name} is lost: {cast:?}"));
        self.book.count("casts to a lost node");
    }

    fn next_order(&mut self) -> Order {
        self.orders += 1;
        Order { clerk: self.id, number: self.orders }
    }

    /// Notes that an order is sent over the present connection. Returns its place in the record.
    fn note(&self, order: Order, node: usize, shop: ShopKind, is_unawaited: bool) -> usize {
        let mut record = self.book.lock();
        record.sent.push(Sent { order, over: self.over(node), shop, is_accepted: false, is_unawaited });
        record.sent.len() - 1
    }

    fn accept(&self, place: usize) {
        self.book.lock().sent[place].is_accepted = true;
    }

    /// The list of an order: a short one, or sometimes one of many fragments.
    fn list(&self, order: Order) -> Vec<u8> {
        let length = if self.draw(5) == 0 { self.draw(20_000) } else { self.draw(100) };
        vec![(order.number % 251) as u8; length as usize]
    }

    async fn act(&mut self, node: usize) {
        let shops = &self.branches[node].shops;
        let (shop, stub) = shops[self.draw(shops.len() as u64) as usize].clone();
        match self.draw(14) {
            0 => self.buy(node, shop, &stub, 1).await,
            1 | 2 => {
                let count = 1 + self.draw(150);
                self.buy(node, shop, &stub, count).await;
            }
            3 => {
                for _ in 0..1 + self.draw(90) {
                    let order = self.next_order();
                    self.note(order, node, shop, true);
                    drop(stub.buy(order, self.list(order)));
                }
            }
            4 | 5 => self.order_parcels(node, shop, &stub).await,
            6 => self.hire(node).await,
            _ if self.workers.is_empty() => self.hire(node).await,
            7..=9 => self.relate(),
            10 => self.release(),
            11 => self.end_worker(),
            12 => self.send_errands(),
            _ => tokio::time::sleep(Duration::from_millis(self.draw(3_000))).await,
        }
    }

    /// Casts so many orders at once, and awaits each, except for some that it takes back.
    async fn buy(&mut self, node: usize, shop: ShopKind, stub: &TradeRef, count: u64) {
        let mut casts = Vec::new();
        for _ in 0..count {
            let order = self.next_order();
            let place = self.note(order, node, shop, false);
            casts.push((place, Box::pin(stub.buy(order, self.list(order)))));
        }
        // A cast that is given up after a time, and may have been sent.
        let given_up = (self.draw(4) == 0).then(|| self.draw(count) as usize);
        for (index, (place, mut cast)) in casts.into_iter().enumerate() {
            if cast.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending() {
                self.book.count("casts that wait");
            }
            if given_up == Some(index) {
                tokio::time::sleep(Duration::from_millis(self.draw(500))).await;
                continue;
            }
            match cast.await {
                Ok(()) => self.accept(place),
                Err(CastError::NoConnection) => {
                    self.book.count("casts that were lost with a connection");
                    self.check_loss(place);
                }
                Err(CastError::NoProc) => self.excuse(place, CastError::NoProc.to_string()),
                Err(error) => self.book.check(false, || format!("clerk {}: a cast fails: {error}", self.id)),
            }
        }
    }

    /// Notes a failure as of a shop whose node stops.
    fn excuse(&self, place: usize, text: String) {
        let mut record = self.book.lock();
        let over = record.sent[place].over;
        record.farewells.push((over, text));
    }

    /// A failure by a loss has come with the loss.
    fn check_loss(&mut self, place: usize) {
        let over = self.book.lock().sent[place].over;
        self.read();
        self.book.check(over.losses < self.branches[over.node].losses, || format!("no loss of {over:?}"));
    }

    async fn order_parcels(&mut self, node: usize, shop: ShopKind, stub: &TradeRef) {
        let mut calls = Vec::new();
        for _ in 0..1 + self.draw(20) {
            let order = self.next_order();
            let place = self.note(order, node, shop, false);
            let size = if self.draw(4) == 0 { self.draw(20_000) } else { self.draw(100) };
            let is_promise = self.draw(8) == 0;
            let call = if is_promise { stub.promise(order) } else { stub.deliver(order, size as u32) };
            // Some callers give up.
            let limit = (is_promise || self.draw(4) == 0).then(|| Duration::from_millis(self.draw(4_000)));
            let call = match limit {
                Some(limit) => call.within(limit),
                None => call.forever(),
            };
            calls.push((order, place, size, limit, call));
        }
        for (order, place, size, limit, call) in calls {
            match call.await {
                Ok(parcel) => {
                    self.accept(place);
                    let is_right = parcel.len() as u64 == 8 + size && parcel[..8] == order.number.to_le_bytes();
                    self.book.check(is_right, || format!("{order:?} has the parcel of another order"));
                    let is_handled = self.book.lock().handled.contains(&order);
                    self.book.check(is_handled, || format!("{order:?} was answered before it was handled"));
                    self.book.count("answers");
                }
                Err(CallError::Timeout) if limit.is_some() => self.book.count("calls that were given up"),
                Err(CallError::NoConnection) => {
                    self.book.count("calls that were lost with a connection");
                    self.check_loss(place);
                }
                Err(error @ (CallError::NoProc | CallError::Exit(_))) => self.excuse(place, error.to_string()),
                Err(error) => self.book.check(false, || format!("clerk {}: a call fails: {error}", self.id)),
            }
        }
    }

    async fn hire(&mut self, node: usize) {
        let name = self.branches[node].name.clone();
        let agency: AgencyRef = self.mailbox.node().named_at("agency", name.as_str());
        let incarnation = match node == self.own {
            true => self.mailbox.node().id().incarnation,
            false => self.mailbox.node().router().unwrap().incarnation(&name.parse().unwrap()).unwrap(),
        };
        let worker = Worker { id: self.book.draw_id(), node, incarnation };
        if let Ok(stub) = agency.hire(worker.id, self.draw(2) == 0).within(Duration::from_secs(20)).await {
            self.workers.push((worker, stub));
        }
    }

    fn any_worker(&self) -> (Worker, ErrandRef) {
        self.workers[self.draw(self.workers.len() as u64) as usize].clone()
    }

    /// Monitors and links a worker, which may have ended, on a node that may be lost.
    fn relate(&mut self) {
        let (worker, stub) = self.any_worker();
        let (over, is_up) = (self.over(worker.node), self.branches[worker.node].is_up);
        if self.draw(4) == 0 {
            // A shop, by its name. It does not end.
            let shop: TradeRef = self.mailbox.node().named_at("shop", self.branches[worker.node].name.as_str());
            let worker = Worker { id: SHOP, ..worker };
            self.monitors.insert(self.mailbox.monitor(&shop), (worker, over, is_up));
        } else if self.draw(2) == 0 {
            let monitor = self.mailbox.monitor(&stub);
            self.monitors.insert(monitor, (worker, over, is_up));
            self.book.count("monitors");
        } else if !self.links.contains_key(&stub.pid().unwrap()) {
            *self.book.lock().links.entry((worker.id, self.mailbox.pid().clone())).or_default() += 1;
            self.links.insert(stub.pid().unwrap(), (worker, over, is_up));
            self.mailbox.link(&stub);
            self.book.count("links");
        }
    }

    /// Removes a relation. Nothing comes of it any more.
    fn release(&mut self) {
        self.read();
        let workers: Vec<_> =
            self.workers.iter().filter(|(_, stub)| self.links.contains_key(&stub.pid().unwrap())).collect();
        if self.draw(2) == 0 && !workers.is_empty() {
            let (_, stub) = workers[self.draw(workers.len() as u64) as usize].clone();
            self.mailbox.unlink(&stub);
            self.links.remove(&stub.pid().unwrap());
            self.book.count("unlinks");
        } else if !self.monitors.is_empty() {
            let index = self.draw(self.monitors.len() as u64) as usize;
            let monitor = *self.monitors.keys().nth(index).unwrap();
            let was_active = self.mailbox.demonitor(monitor);
            self.book.check(was_active, || format!("clerk {}: a monitor ended without a Down", self.id));
            self.monitors.remove(&monitor);
            self.book.count("demonitors");
        }
    }

    fn end_worker(&mut self) {
        let (worker, stub) = self.any_worker();
        let order = self.next_order();
        if self.draw(3) == 0 {
            drop(stub.quit(Exit::error(format!("quit {}", order.number))));
            return;
        }
        let reason = format!("order {} {}", order.clerk, order.number);
        let kill = self.draw(2) == 0;
        stub.exit(if kill { Exit::Kill } else { Exit::error(reason.clone()) });
        if self.branches[worker.node].is_up {
            let reason = if kill { "kill".to_owned() } else { reason };
            self.book.lock().exits.push(SentExit { over: self.over(worker.node), worker, reason });
        }
    }

    fn send_errands(&mut self) {
        let (_, stub) = self.any_worker();
        for _ in 0..1 + self.draw(20) {
            let order = self.next_order();
            drop(stub.run(order));
        }
    }
}

/// Opens the shops of a node.
async fn boot(node: Node, book: Book) -> Result<(), crate::StartError> {
    let mall = Mall { counter: Counter::new(&book) }.start().await?;
    let shop = node.start(Shop { counter: Counter::new(&book) }).await?;
    let agency = node.start(Agency { book: book.clone(), workers: BTreeMap::new() }).await?;
    let kiosk = node.start(Kiosk { counter: Counter::new(&book), stall: mall.stall() }).await?;
    AgencyRef::register("agency", &agency).unwrap();
    TradeRef::register("shop", &shop).unwrap();
    TradeRef::register("kiosk", &kiosk).unwrap();
    Ok(())
}

/// Keeps two clerks on each node, also after restarts, until the traffic ends.
async fn employ(cluster: &Cluster, book: &Book) -> Vec<(usize, u64, DeskRef)> {
    let mut clerks: Vec<(usize, u64, DeskRef)> = Vec::new();
    while !book.lock().is_closing {
        for index in (0..cluster.size()).filter(|index| !cluster.is_down(*index)) {
            let incarnation = cluster.node(index).id().incarnation;
            if clerks.iter().any(|clerk| (clerk.0, clerk.1) == (index, incarnation)) {
                continue;
            }
            for _ in 0..2 {
                let (cluster, book) = (cluster.clone(), book.clone());
                let _here = cluster.node(index).clone().enter();
                let clerk = crate::spawn(async move |mailbox: Mailbox<Desk>| {
                    Clerk::new(mailbox, index, &cluster, &book).work().await;
                });
                clerks.push((index, incarnation, clerk));
            }
        }
        for counts in remembered(cluster) {
            counts.into_iter().filter(|(_, count)| *count > 0).for_each(|(kind, _)| book.count(kind));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    clerks.retain(|clerk| cluster.node(clerk.0).id().incarnation == clerk.1);
    clerks
}

/// Everything that a node remembers of others, and its processes.
fn remembered(cluster: &Cluster) -> Vec<BTreeMap<&'static str, usize>> {
    let of = |index| {
        let node = cluster.node(index);
        let mut counts = node.router().unwrap().remembered(node);
        counts.insert("processes", node.process_count());
        counts.insert("calls", node.pending_calls().count());
        counts
    };
    (0..cluster.size()).map(of).collect()
}

/// Breaks single links for a moment, again and again.
async fn break_links(cluster: &Cluster, span: Duration) {
    let end = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(cluster.draw(2_000))).await;
        let [one, other] = [(); 2].map(|()| cluster.draw(cluster.size() as u64) as usize);
        cluster.partition(one, other);
        tokio::time::sleep(Duration::from_millis(cluster.draw(300))).await;
        cluster.heal(one, other);
    }
}

async fn traffic(cluster: Cluster, book: Book) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = remembered(&cluster);
    let span = Duration::from_millis(10_000 + cluster.draw(15_000));
    let faults = async {
        tokio::join!(cluster.chaos(Faults::ALL, span), break_links(&cluster, span));
        // In order, beside the crashes.
        if cluster.draw(3) == 0 {
            cluster.restart(cluster.draw(cluster.size() as u64) as usize).await;
        }
        cluster.connected().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        book.lock().is_closing = true;
    };
    let (clerks, ()) = tokio::join!(employ(&cluster, &book), faults);
    // All that was sent arrives.
    tokio::time::sleep(Duration::from_secs(60)).await;
    check_exits(&cluster, &book.lock());
    for index in 0..cluster.size() {
        let node = cluster.node(index);
        node.scope(async { node.named::<AgencyRef>("agency").dismiss().await }).await.unwrap();
    }
    for (index, _, clerk) in clerks {
        let ended = tokio::time::timeout(Duration::from_secs(600), clerk.ended()).await;
        assert_eq!(ended, Ok(Exit::Normal), "a clerk of node {index}: {:?}", book.lock().failures);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    check_record(&cluster, &mut book.lock());
    assert_eq!(remembered(&cluster), before);
}

/// Checks that each exit signal over a connection that stands has arrived.
fn check_exits(cluster: &Cluster, record: &Record) {
    let stands = |over: Over| {
        record.resting.contains(&over.clerk)
            && *record.losses.get(&(over.clerk, over.node)).unwrap_or(&0) == over.losses
    };
    for SentExit { over, worker, reason } in &record.exits {
        if stands(*over) && cluster.node(worker.node).id().incarnation == worker.incarnation {
            let arrived =
                record.ends.contains_key(&worker.id) || record.signals.contains_key(&(worker.id, reason.clone()));
            assert!(arrived, "the exit signal {reason:?} to {worker:?} over {over:?} was lost");
        }
    }
}

fn check_record(cluster: &Cluster, record: &mut Record) {
    assert!(record.failures.is_empty(), "{:#?}", record.failures);
    let is_lost = |over: Over| {
        !record.finished.contains(&over.clerk)
            || *record.losses.get(&(over.clerk, over.node)).unwrap_or(&0) > over.losses
    };
    // The first order of each clerk at a shop, over one connection, that was not handled although it was sent.
    let mut missing = BTreeMap::new();
    let mut unseen = 0;
    for Sent { order, over, shop, is_accepted, is_unawaited } in &record.sent {
        let is_handled = record.handled.contains(order);
        if *is_unawaited {
            // A full mailbox of the same node has counts of its own.
            unseen += u64::from(!is_handled && over.node != record.homes[&over.clerk] && !is_lost(*over));
        } else if *is_accepted && !is_handled {
            assert!(is_lost(*over), "{order:?} to {shop:?} over {over:?} was lost");
            missing.entry((*over, *shop)).or_insert(*order);
        } else if is_handled && let Some(first) = missing.get(&(*over, *shop)) {
            panic!("{first:?} to {shop:?} over {over:?} was lost, and {order:?} was not");
        }
    }
    for (over, error) in &record.farewells {
        assert!(is_lost(*over), "a shop fails, and its node does not stop: {over:?}: {error}");
    }
    let counted: u64 = (0..cluster.size()).map(|index| cluster.node(index).metrics().lost_messages).sum();
    assert!(unseen <= counted, "{unseen} casts were lost, and {counted} are counted");
    for Outcome { over, was_up, worker, reason } in &record.outcomes {
        let is_replaced = cluster.node(worker.node).id().incarnation != worker.incarnation;
        let end = record.ends.get(&worker.id);
        let is_true = match reason {
            reason if Some(reason) == end => true,
            Exit::NoConnection => !was_up || is_lost(*over),
            Exit::NoProc => end.is_some() || is_replaced || worker.id == SHOP,
            _ => is_replaced,
        };
        assert!(is_true, "{worker:?} over {over:?}: {reason:?}, and not {end:?}");
    }
    for ((worker, text), count) in &record.signals {
        let of_links = |((linked, clerk), links): (&(u64, Pid), &u32)| {
            (linked == worker && *text == format!("link of {clerk}")).then_some(*links)
        };
        let most = record.links.iter().find_map(of_links).unwrap_or(1);
        assert!(*count <= most, "{count} signals {text:?} to worker {worker}");
    }
}

/// The states that the traffic of all seeds is to reach.
const REACHED: &[&str] = &[
    "answers",
    "calls that were given up",
    "calls that were lost with a connection",
    "casts that wait",
    "casts that were lost with a connection",
    "casts to a lost node",
    "demonitors",
    "held targets",
    "links",
    "messages in front of mailboxes",
    "messages in front of the outbox",
    "monitors",
    "monitors of names",
    "unlinks",
];

/// Runs the traffic between so many nodes. Returns the states that the seeds have reached.
fn check(nodes: usize, seeds: u64) -> BTreeMap<&'static str, u64> {
    let (coverage, runs) = (Mutex::new(BTreeMap::new()), AtomicU64::new(0));
    // Small bounds, so that much has to wait.
    let limits =
        Limits { fragment: 1024, high_water: 16 * 1024, frame: 1 << 20, reassembly: 1 << 20, ..Limits::default() };
    let check = Check::nodes(nodes).limits(limits).state(|_| Book::default()).boot(boot);
    check.run(0..seeds, async |cluster, book| {
        traffic(cluster, book.clone()).await;
        runs.fetch_add(1, Ordering::Relaxed);
        for (event, count) in book.lock().coverage.clone() {
            *coverage.lock().unwrap().entry(event).or_default() += count;
        }
    });
    // One seed, to find its fault, does not reach all.
    if runs.into_inner() >= seeds { coverage.into_inner().unwrap() } else { BTreeMap::new() }
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_two_nodes() {
    let reached = check(2, 12);
    for state in REACHED.iter().filter(|_| !reached.is_empty()) {
        assert!(reached.contains_key(state), "no seed reaches {state:?}: {reached:#?}");
    }
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_three_nodes() {
    check(3, 5);
}

#[test]
fn nothing_is_lost_twice_or_left_behind_between_four_nodes() {
    check(4, 3);
}
