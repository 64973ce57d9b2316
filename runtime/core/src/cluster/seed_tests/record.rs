//! The record of the orders that were sent and that have arrived, and the checks of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::SHOP;
use super::shops::Order;
use crate::prelude::*;
use crate::testing::Cluster;

/// The record of one run.
#[derive(Clone, Default)]
pub(super) struct Book {
    pub(super) record: Arc<Mutex<Record>>,
    pub(super) ids: Arc<AtomicU64>,
}

#[derive(Default)]
pub(super) struct Record {
    pub(super) failures: Vec<String>,
    pub(super) handled: BTreeSet<Order>,
    /// The number of each clerk's last order at each shop and worker.
    pub(super) last: BTreeMap<(u64, u64), u64>,
    pub(super) sent: Vec<Sent>,
    /// The connections that each clerk has seen the loss of, by the node at the other end.
    pub(super) losses: BTreeMap<(u64, usize), u64>,
    /// The exit reasons of the workers that have ended.
    pub(super) ends: BTreeMap<u64, Exit>,
    /// The outcomes of monitors and links.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) exits: Vec<SentExit>,
    /// Failures as of a node that stops. The loss of the connection follows.
    pub(super) farewells: Vec<(Over, String)>,
    /// The exit signals that workers have trapped: the worker, and the reason with the sender.
    pub(super) signals: BTreeMap<(u64, String), u32>,
    /// The links that clerks have made: the worker, and the clerk.
    pub(super) links: BTreeMap<(u64, Pid), u32>,
    /// The nodes of the clerks.
    pub(super) homes: BTreeMap<u64, usize>,
    /// The clerks that have come to their ends.
    pub(super) finished: BTreeSet<u64>,
    /// The clerks that send nothing more.
    pub(super) resting: BTreeSet<u64>,
    pub(super) is_closing: bool,
    pub(super) coverage: BTreeMap<&'static str, u64>,
}

/// A place on a connection: its clerk, the node at the other end, and the number of losses before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Over {
    pub(super) clerk: u64,
    pub(super) node: usize,
    pub(super) losses: u64,
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) order: Order,
    pub(super) over: Over,
    pub(super) shop: ShopKind,
    /// The cast of the message has returned `Ok`, or the call was answered.
    pub(super) is_accepted: bool,
    /// The cast of the message was not awaited.
    pub(super) is_unawaited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ShopKind {
    Kiosk,
    Shop,
    Stall,
}

/// The outcome of a monitor or a link.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) over: Over,
    /// The connection was up.
    pub(super) was_up: bool,
    pub(super) worker: Worker,
    pub(super) reason: Exit,
}

/// An exit signal that a clerk has sent.
#[derive(Debug)]
pub(super) struct SentExit {
    pub(super) over: Over,
    pub(super) worker: Worker,
    pub(super) reason: String,
}

/// A worker: its number, and the incarnation of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) id: u64,
    pub(super) node: usize,
    pub(super) incarnation: u64,
}

impl Book {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    pub(super) fn draw_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn count(&self, event: &'static str) {
        *self.lock().coverage.entry(event).or_default() += 1;
    }

    /// Notes a failure, also of a clerk that a crash ends later.
    pub(super) fn check(&self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.lock().failures.push(text());
        }
    }

    pub(super) fn handle(&self, receiver: u64, order: Order) {
        let mut record = self.lock();
        if !record.handled.insert(order) {
            record.failures.push(format!("{order:?} has arrived twice"));
        }
        let last = record.last.insert((receiver, order.clerk), order.number);
        if let Some(last) = last.filter(|last| *last >= order.number) {
            record.failures.push(format!("{order:?} has arrived after number {last}"));
        }
    }

    pub(super) fn note_signal(&self, worker: u64, signal: &ExitSignal) {
        let key = match &signal.reason {
            Exit::Error { message, .. } if message.starts_with("order ") => message.to_string(),
            _ => format!("link of {}", signal.from),
        };
        *self.lock().signals.entry((worker, key)).or_default() += 1;
    }
}

/// Checks that each exit signal over a connection that stands has arrived.
pub(super) fn check_exits(cluster: &Cluster, record: &Record) {
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

pub(super) fn check_record(cluster: &Cluster, record: &mut Record) {
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
