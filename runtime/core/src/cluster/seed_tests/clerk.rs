//! The clerks, who send orders, hire workers, and monitor, link and end them.

use std::collections::BTreeMap;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use greenroom_macros::protocol;

use super::SHOP;
use super::record::{Book, Outcome, Over, Sent, SentExit, ShopKind, Worker};
use super::shops::{AgencyRef, ErrandRef, Order, TradeRef};
use crate::base::{NodeEvent, Subject};
use crate::prelude::*;
use crate::testing::Cluster;

/// A clerk's view of a node.
pub(super) struct Branch {
    name: String,
    is_up: bool,
    losses: u64,
    /// The stubs of its shops, for the present connection.
    shops: Vec<(ShopKind, TradeRef)>,
}

/// The messages of a clerk.
#[protocol(local)]
pub(super) enum Desk {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    #[from]
    Node(NodeEvent),
}

pub(super) struct Clerk {
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
    pub(super) fn new(mailbox: Mailbox<Desk>, own: usize, cluster: &Cluster, book: &Book) -> Clerk {
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

    pub(super) async fn work(mut self) {
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
        let (NodeEvent::Up(id) | NodeEvent::Down(id)) = event else { return };
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
        // The message opens a connection. It is accepted once that is up.
        let place = self.note(order, node, ShopKind::Kiosk, false);
        let cast = kiosk.buy(order, Vec::new()).await;
        match cast {
            Ok(()) => {
                self.accept(place);
                self.book.count("casts that open a connection");
            }
            cast => {
                self.book.check(cast == Err(CastError::NoConnection), || format!("{name} is lost: {cast:?}"));
                self.book.count("casts to a lost node");
            }
        }
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
                Err(CallError { kind: CallErrorKind::Timeout, .. }) if limit.is_some() => {
                    self.book.count("calls that were given up");
                }
                Err(CallError { kind: CallErrorKind::NoConnection, .. }) => {
                    self.book.count("calls that were lost with a connection");
                    self.check_loss(place);
                }
                Err(error) if matches!(error.kind, CallErrorKind::NoProc | CallErrorKind::Exit(_)) => {
                    self.excuse(place, error.to_string());
                }
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
