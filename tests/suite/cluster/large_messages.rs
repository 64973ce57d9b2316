//! Large messages, which are decoded beside the connection's task: what they delay, and what they do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use greenroom::Node;
use greenroom::prelude::*;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::mpsc;

/// The longest time that a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// The number of bytes of a large message.
const LARGE: usize = 1 << 20;

/// A gate in front of the decoding of one test's deliveries.
#[derive(Default)]
struct Gate {
    is_reached: AtomicBool,
    is_open: AtomicBool,
}

impl Gate {
    /// Occupies the thread until the gate is open, or the test has failed.
    fn pass(&self) {
        self.is_reached.store(true, Ordering::SeqCst);
        let give_up = Instant::now() + PATIENCE;
        while !self.is_open.load(Ordering::SeqCst) && Instant::now() < give_up {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    async fn reached(&self) {
        while !self.is_reached.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

/// Both nodes of a test are in this process, so a delivery finds the gate of its test by the address in it.
struct Delivery {
    gate: Arc<Gate>,
    goods: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Crate(usize, Vec<u8>);

impl Serialize for Delivery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let gates = GATES.lock().unwrap();
        let place = gates.iter().position(|gate| Arc::ptr_eq(gate, &self.gate)).expect("a gate of a test");
        Crate(place, self.goods.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Crate(place, goods) = Crate::deserialize(deserializer)?;
        // The recording of the type has no large delivery.
        let gate = GATES.lock().unwrap().get(place).cloned().ok_or_else(|| D::Error::custom("no such gate"))?;
        if goods.len() >= LARGE {
            gate.pass();
        }
        Ok(Delivery { gate, goods })
    }
}

/// The gates of all tests.
static GATES: std::sync::Mutex<Vec<Arc<Gate>>> = std::sync::Mutex::new(Vec::new());

fn gate() -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    GATES.lock().unwrap().push(Arc::clone(&gate));
    gate
}

/// A warehouse that reports what it receives.
#[actor(name = "warehouse")]
struct Warehouse {
    received: mpsc::UnboundedSender<String>,
}

#[actor]
impl Warehouse {
    #[cast]
    fn store(&mut self, delivery: Delivery) {
        self.received.send(format!("{} bytes", delivery.goods.len())).unwrap();
    }

    #[cast]
    fn note(&mut self, text: String) {
        self.received.send(text).unwrap();
    }

    #[call]
    fn inspect(&self, cx: &mut Context<Self>) -> WarehouseRef {
        cx.me()
    }

    /// Monitors a supplier, and reports its end.
    #[cast]
    fn watch(&mut self, cx: &mut Context<Self>, supplier: SupplierRef) {
        cx.monitor(&supplier);
    }

    #[down]
    fn ended(&mut self, down: Down) {
        self.received.send(format!("ended: {}", down.reason)).unwrap();
    }
}

/// A process that sends a large message, and a small one behind it.
#[actor]
struct Supplier;

#[actor]
impl Supplier {
    #[call]
    async fn deliver(&self, cx: &mut Context<Self>, warehouse: WarehouseRef, delivery: Delivery) {
        warehouse.watch(cx.me()).await.unwrap();
        warehouse.store(delivery).await.unwrap();
        warehouse.note("the bill".into()).await.unwrap();
    }
}

struct Town {
    shop: Node,
    depot: Node,
    received: mpsc::UnboundedReceiver<String>,
    /// The warehouse, as the shop reaches it.
    warehouse: WarehouseRef,
}

impl Town {
    /// A warehouse on the node `depot`, and a node `shop` that is connected to it.
    async fn new() -> Town {
        let cookie = Cookie::random().unwrap();
        let depot = Node::builder("depot@test").cookie(cookie.clone()).listen("127.0.0.1:0").start().await.unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        depot.start(Warehouse { received: sender }).await.unwrap();
        let shop = Node::builder("shop@test").cookie(cookie).seed(depot.address().unwrap()).start().await.unwrap();
        let warehouse = shop.named_at("warehouse", depot.name().clone());
        Town { shop, depot, received, warehouse }
    }

    /// Has a process of the shop send a large message. Returns once it is being decoded.
    async fn deliver(&self, gate: &Arc<Gate>) {
        let delivery = Delivery { gate: Arc::clone(gate), goods: vec![7; LARGE] };
        self.shop.spawn(Supplier).deliver(self.warehouse.clone(), delivery).await.unwrap();
        gate.reached().await;
    }

    async fn next(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.received.recv()).await.expect("a message").expect("a warehouse")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_delays_its_own_sender_alone() {
    let (mut town, gate) = (Town::new().await, gate());
    town.deliver(&gate).await;
    // The bill is behind the large message.
    for round in 0..100 {
        town.warehouse.note(round.to_string()).await.unwrap();
        assert_eq!(town.next().await, round.to_string());
        town.warehouse.inspect().within(PATIENCE).await.unwrap();
    }
    gate.open();
    for expected in ["1048576 bytes", "the bill"] {
        assert_eq!(town.next().await, expected);
    }
    town.shop.stop().await;
    town.depot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_received_before_a_loss_precedes_it() {
    let (mut town, gate) = (Town::new().await, gate());
    town.deliver(&gate).await;
    town.shop.stop().await;
    // Nothing of the loss is visible before the large message is decoded.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(town.depot.peers().len(), 1);
    assert!(town.received.is_empty());
    gate.open();
    for expected in ["1048576 bytes", "the bill", "ended: shutdown"] {
        assert_eq!(town.next().await, expected);
    }
    while !town.depot.peers().is_empty() {
        tokio::task::yield_now().await;
    }
    town.depot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stop_of_a_node_waits_for_a_message_that_is_being_decoded() {
    let (town, gate) = (Town::new().await, gate());
    town.deliver(&gate).await;
    let depot = town.depot.clone();
    let stop = tokio::spawn(async move { depot.stop().await });
    while !town.shop.peers().is_empty() {
        tokio::task::yield_now().await;
    }
    // The connection is over. The stop would be, too.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stop.is_finished());
    gate.open();
    tokio::time::timeout(PATIENCE, stop).await.expect("the stop ends").unwrap();
    town.shop.stop().await;
}
