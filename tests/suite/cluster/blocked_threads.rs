//! Connections of a node whose threads are occupied by user code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use greenroom::prelude::*;
use greenroom::{Node, NodeEvent};
use tokio::runtime::Runtime;

/// The time after which a silent peer counts as lost.
const TICK: Duration = Duration::from_millis(800);
/// More bytes than the buffers of a socket hold.
const CATALOGUE: usize = 5 << 20;
/// The longest time that a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn runtime(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}

/// A flag that a test sets, and for which code of another thread waits without releasing its thread.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Occupies the thread until the flag is set, or the test has failed. Returns whether it is set.
    fn block(&self) -> bool {
        let give_up = Instant::now() + PATIENCE;
        while !self.0.load(Ordering::SeqCst) && Instant::now() < give_up {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.0.load(Ordering::SeqCst)
    }
}

/// A press that occupies its thread for as long as a job takes.
#[actor]
struct Press {
    paper: Flag,
    began: Flag,
}

#[actor(local)]
impl Press {
    /// Orders paper, and occupies the thread until it has come.
    #[call]
    fn print(&mut self, cx: &mut Context<Self>, supplier: NodeName) -> bool {
        let supplier: SupplierRef = cx.node().named_at("supplier", supplier);
        supplier.order(vec![7; CATALOGUE]);
        self.paper.block()
    }

    /// Occupies the thread until the flag is set.
    #[call]
    fn jam(&mut self) -> bool {
        self.began.set();
        self.paper.block()
    }
}

/// A supplier that brings the paper.
#[actor(name = "supplier")]
struct Supplier {
    paper: Flag,
    /// The time until the paper comes.
    takes: Duration,
}

#[actor]
impl Supplier {
    #[cast]
    fn order(&mut self, catalogue: Vec<u8>) {
        let ordered_at = Instant::now();
        while ordered_at.elapsed() < self.takes {
            std::thread::yield_now();
        }
        if catalogue.len() == CATALOGUE {
            self.paper.set();
        }
    }

    #[call]
    fn stock(&self) -> u32 {
        7
    }
}

/// A listening node on `plant`, and one on `depot` that has dialled it.
async fn connected(plant: &Runtime, depot: &Runtime, tick: Duration) -> (Node, Node) {
    let cookie = Cookie::random().unwrap();
    let listener = Node::builder("plant@test").cookie(cookie.clone()).tick(tick).listen("127.0.0.1:0");
    let listening = plant.spawn(listener.start()).await.unwrap().unwrap();
    let seed = listening.address().unwrap();
    let dialler = Node::builder("depot@test").cookie(cookie).tick(tick).seed(seed);
    let dialling = depot.spawn(dialler.start()).await.unwrap().unwrap();
    assert_eq!(listening.peers(), [dialling.name().clone()]);
    (listening, dialling)
}

/// A process that notes whether its node has lost a connection.
#[actor]
struct Watch {
    lost: Flag,
}

#[actor(local)]
impl Watch {
    #[node_event]
    fn changed(&mut self, event: NodeEvent) {
        if let NodeEvent::Down(_) = event {
            self.lost.set();
        }
    }

    #[call]
    fn lost(&self) -> bool {
        self.lost.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_node_whose_threads_are_all_blocked_does_not_look_dead() {
    // The process, or a task outside of any, occupies the only thread of its runtime.
    for by_a_process in [true, false] {
        let (plant, depot, test) = (runtime(1), runtime(2), runtime(1));
        test.block_on(async {
            let (listening, dialling) = connected(&plant, &depot, TICK).await;
            let watches = [&listening, &dialling].map(|node| node.spawn(Watch { lost: Flag::default() }));
            let (paper, began) = (Flag::default(), Flag::default());
            let press = listening.spawn(Press { paper: paper.clone(), began: began.clone() });
            let supplier = dialling.spawn(Supplier { paper: Flag::default(), takes: Duration::ZERO });
            let jam = if by_a_process {
                tokio::spawn(async move { press.jam().within(PATIENCE).await.unwrap() })
            } else {
                let (paper, began) = (paper.clone(), began.clone());
                plant.spawn(async move {
                    began.set();
                    paper.block()
                })
            };
            assert!(began.block());
            let blocked_at = Instant::now();
            while blocked_at.elapsed() < 3 * TICK {
                assert_eq!(supplier.stock().await, Ok(7));
                tokio::task::yield_now().await;
            }
            paper.set();
            assert!(jam.await.unwrap(), "the thread was blocked all the time");
            // The connection is the same one, and works.
            let far: SupplierRef = listening.named_at("supplier", dialling.name().clone());
            let stock = plant.spawn(async move { far.stock().await });
            assert_eq!(stock.await.unwrap(), Ok(7));
            for watch in watches {
                assert_eq!(watch.lost().await, Ok(false), "no node counts the other as lost");
            }
            depot.spawn(async move { dialling.stop().await }).await.unwrap();
            plant.spawn(async move { listening.stop().await }).await.unwrap();
        });
    }
}

#[test]
fn a_message_is_sent_although_its_sender_blocks_its_thread_at_once() {
    // The connection's task is woken by the sender. With one thread no other could run it; with two, tokio keeps it for the
    // sender's thread. Ticks are due during the test, or none.
    let long = 6 * PATIENCE;
    for (threads, tick, takes) in [(1, long, Duration::ZERO), (2, long, Duration::ZERO), (2, TICK, 2 * TICK)] {
        let (plant, depot, test) = (runtime(threads), runtime(2), runtime(1));
        test.block_on(async {
            let (listening, dialling) = connected(&plant, &depot, tick).await;
            let watches = [&listening, &dialling].map(|node| node.spawn(Watch { lost: Flag::default() }));
            let paper = Flag::default();
            let press = listening.spawn(Press { paper: paper.clone(), began: Flag::default() });
            dialling.spawn(Supplier { paper, takes });
            let name = dialling.name().clone();
            let printed = tokio::spawn(async move { press.print(name).within(2 * PATIENCE).await });
            assert_eq!(printed.await.unwrap(), Ok(true), "with {threads} threads");
            for watch in watches {
                assert_eq!(watch.lost().await, Ok(false), "no node counts the other as lost");
            }
            depot.spawn(async move { dialling.stop().await }).await.unwrap();
            plant.spawn(async move { listening.stop().await }).await.unwrap();
        });
    }
}
