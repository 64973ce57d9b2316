//! The shops that take orders, and the agencies that hire workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom_macros::{actor, protocol, supervisor};
use serde::{Deserialize, Serialize};

use super::record::Book;
use crate::prelude::*;

/// An order: its clerk, and its number among all orders of the clerk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) clerk: u64,
    pub(super) number: u64,
}

/// The messages of a shop.
#[protocol]
pub(super) enum Trade {
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
pub(super) struct Kiosk {
    pub(super) counter: Counter,
    pub(super) stall: TradeRef,
}

/// A slow shop with a small mailbox.
#[actor(protocol = Trade, mailbox = 3, overflow = wait)]
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) counter: Counter,
}

#[supervisor]
pub(super) struct Mall {
    pub(super) counter: Counter,
    #[child(start = Shop { counter: self.counter.clone() })]
    pub(super) stall: Shop,
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
pub(super) struct Counter {
    pub(super) book: Book,
    /// The shop's number among all shops.
    pub(super) shop: u64,
    /// The calls that are never answered.
    pub(super) promises: Arc<Mutex<Vec<Reply<Vec<u8>>>>>,
}

impl Counter {
    pub(super) fn new(book: &Book) -> Counter {
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
pub(super) enum Errand {
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
pub(super) struct Agency {
    pub(super) book: Book,
    pub(super) workers: BTreeMap<MonitorRef, (u64, ErrandRef)>,
}

#[actor]
impl Agency {
    #[call]
    pub(super) fn hire(&mut self, worker: u64, traps: bool, cx: &mut Context<Self>) -> ErrandRef {
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
    pub(super) fn dismiss(&mut self) {
        self.workers.values().for_each(|(_, stub)| stub.exit(Exit::Kill));
    }

    #[down]
    fn ended(&mut self, down: Down) {
        let (worker, _) = self.workers.remove(&down.monitor).expect("one end of a worker");
        self.book.lock().ends.insert(worker, down.reason);
    }
}
