//! A sharded actor on one node: the way of each message to the process of its key.

use std::any::Any;

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::SLOTS;
use super::hosting::Hosting;
use super::hosts::Hosts;
use super::slot::{Decision, Entry, Slot, Waiting, WaitingMessage};
use crate::base::{CallErrorKind, NodeName, Protocol, UnreadMessage};
use crate::call::deliver_keyed;
use crate::node::{
    ActorKey, AwaitsOwner, EncodedMessage, KeptMessage, KeyedActors, LocalProcess, Node, Owner,
    WaitingMessage as WaitingPlace,
};
use crate::registry::rendezvous::hash;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// A sharded actor on one node.
pub(super) struct Sharding {
    this: Weak<Sharding>,
    pub(super) name: Arc<str>,
    /// The protocol of the actor and the function that reads its messages, once this node has used the actor with its type.
    protocol: OnceLock<(&'static str, Deliver)>,
    // Lock order: nothing is locked while a slot is, but the process table.
    slots: Box<[Mutex<Slot>]>,
    pub(super) hosts: RwLock<Hosts>,
    /// The functions of this node as a host.
    pub(super) hosting: RwLock<Option<Arc<Hosting>>>,
    /// The number of keys for which messages wait.
    waiting: AtomicUsize,
    /// A task looks at the messages that wait.
    is_watched: AtomicBool,
    /// Referred to by each message whose sender does not wait for it.
    kept: Arc<()>,
    /// Notified of each change of the hosts and of the owners of slots.
    pub(super) changed: Notify,
}

type Deliver = fn(&Node, &ActorKey, EncodedMessage<'_>, bool, &NodeName) -> Result<Option<WaitingPlace>, UnreadMessage>;

/// The time between two looks at messages that wait.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// The time for which a message waits if its sender does not wait for it.
const KEEP_TIME: Duration = Duration::from_secs(10);
/// The most messages of one sharded actor that wait although their senders do not.
const MAX_KEPT: usize = 10_000;

impl Sharding {
    pub(super) fn new(name: &str) -> Arc<Sharding> {
        Arc::new_cyclic(|this| Sharding {
            this: Weak::clone(this),
            name: name.into(),
            protocol: OnceLock::new(),
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
            hosts: RwLock::default(),
            hosting: RwLock::default(),
            waiting: AtomicUsize::new(0),
            is_watched: AtomicBool::new(false),
            kept: Arc::default(),
            changed: Notify::new(),
        })
    }

    /// Sets the protocol. Returns `false` if this node uses the actor with another one.
    pub(super) fn set_protocol<M: Protocol>(&self) -> bool {
        self.protocol.get_or_init(|| (M::NAME, deliver_keyed::<M>)).0 == M::NAME
    }

    // A panic while a slot is locked can only come from an allocation, and the slot is consistent then.
    pub(super) fn slot(&self, slot: u16) -> MutexGuard<'_, Slot> {
        self.slots[usize::from(slot)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hosting(&self) -> Option<Arc<Hosting>> {
        self.hosting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a reference for a task. `None` at the end of the node.
    pub(super) fn this(&self) -> Option<Arc<Sharding>> {
        self.this.upgrade()
    }

    /// Decides where a message goes, and starts the process or requests the slot if that is needed.
    fn place(
        &self,
        node: &Node,
        at: u16,
        name: &Arc<str>,
        mut slot: MutexGuard<'_, Slot>,
        from: Option<&NodeName>,
    ) -> Option<Owner> {
        let hosting = self.hosting();
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let decision = slot.decide(node.id(), hosting.is_some(), hosts.home(at), from);
        drop(hosts);
        match (decision, hosting) {
            (Decision::Here, hosting) => {
                if let Some(Entry { process: Some(process), .. }) = slot.keys.get(name) {
                    return Some(Owner::Process(process.clone()));
                }
                let (process, run) = hosting?.start(node, name)?;
                slot.keys.entry(Arc::clone(name)).or_default().process = Some(process.clone());
                drop(slot);
                run();
                Some(Owner::Process(process))
            }
            (Decision::Node(at), _) => Some(Owner::Node(at)),
            (Decision::Claim, Some(_)) => {
                self.request(node, at, &mut slot);
                None
            }
            (Decision::Claim | Decision::Wait, _) => None,
        }
    }

    /// Sends the messages that wait for a key, if that is possible. They are sent by one caller at a time.
    pub(super) fn flush(&self, node: &Node, at: u16, name: &Arc<str>) {
        let mut tried: Option<Owner> = None;
        loop {
            let slot = self.slot(at);
            let entry = slot.keys.get(name).and_then(|entry| entry.waiting.as_ref());
            let Some(waiting) = entry.filter(|waiting| !waiting.is_flushing) else { return };
            let Some(WaitingMessage { message, from }) = waiting.messages.front().cloned() else { return };
            let Some(owner) = self.place(node, at, name, slot, from.as_ref()) else { return };
            if tried.as_ref().is_some_and(|tried| is_same(tried, &owner)) {
                return;
            }
            let mut slot = self.slot(at);
            let Some(waiting) = slot.keys.get_mut(name).and_then(|entry| entry.waiting.as_mut()) else { return };
            if std::mem::replace(&mut waiting.is_flushing, true) {
                return;
            }
            // The first one may be another one by now.
            let first = waiting.messages.front().map(|first| Arc::clone(&first.message));
            drop(slot);
            // The first one may have been withdrawn meanwhile.
            let message = first.unwrap_or(message);
            let is_sent = message.send_to(&owner);
            tried = (!is_sent).then_some(owner);
            let sent = self.end_flush(at, name, is_sent);
            drop((message, sent));
        }
    }

    /// Notes that the first message was sent, or was not. Returns it if it was.
    fn end_flush(&self, at: u16, name: &Arc<str>, is_sent: bool) -> Option<WaitingMessage> {
        let mut slot = self.slot(at);
        let entry = slot.keys.get_mut(name)?;
        let waiting = entry.waiting.as_mut()?;
        waiting.is_flushing = false;
        let sent = if is_sent { waiting.messages.pop_front() } else { None };
        self.remove_if_none_waits(&mut slot, name);
        sent
    }

    fn remove_if_none_waits(&self, slot: &mut Slot, name: &str) {
        let Some(entry) = slot.keys.get_mut(name) else { return };
        if entry.waiting.as_ref().is_some_and(|waiting| waiting.messages.is_empty()) {
            entry.waiting = None;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        slot.remove_if_empty(name);
    }

    /// Sends the messages that wait for keys of a slot, as far as possible.
    pub(super) fn flush_slot(&self, node: &Node, at: u16) {
        let waits = |(name, entry): (&Arc<str>, &Entry)| entry.waiting.is_some().then(|| Arc::clone(name));
        let names: Vec<_> = self.slot(at).keys.iter().filter_map(waits).collect();
        names.iter().for_each(|name| self.flush(node, at, name));
    }

    /// Sends all messages that wait, as far as possible.
    pub(super) fn flush_all(&self, node: &Node) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            (0..SLOTS).for_each(|at| self.flush_slot(node, at));
        }
    }

    /// Looks at the messages that wait: some are dropped, and others may be sent to a node that was not reached before, or from
    /// which they came.
    fn revise(&self, node: &Node) {
        for at in 0..SLOTS {
            let mut slot = self.slot(at);
            let names: Vec<_> = slot
                .keys
                .iter()
                .filter(|(_, entry)| entry.waiting.is_some())
                .map(|(name, _)| Arc::clone(name))
                .collect();
            let mut ended = Vec::new();
            for name in &names {
                let Some(Entry { waiting: Some(waiting), .. }) = slot.keys.get_mut(name) else { continue };
                let first = usize::from(waiting.is_flushing);
                waiting.messages.iter_mut().for_each(|waiting| waiting.from = None);
                ended.extend(waiting.messages.iter().skip(first).map(|waiting| Arc::clone(&waiting.message)));
            }
            drop(slot);
            // Without the lock: the drop of a message may send others.
            ended.retain(|message| message.expire());
            for name in &names {
                for message in &ended {
                    self.withdraw(at, name, Arc::as_ptr(message).cast());
                }
                self.flush(node, at, name);
            }
        }
    }

    /// Looks at the messages that wait, as long as there are any.
    fn watch_waiting(&self, node: &Node) {
        if self.is_watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let (this, weak, clock) = (Weak::clone(&self.this), node.downgrade(), Arc::clone(node.clock()));
        node.spawner().spawn(async move {
            loop {
                clock.sleep_until(clock.now() + PAUSE).await;
                let (Some(sharding), Some(node)) = (this.upgrade(), weak.upgrade()) else { return };
                sharding.revise(&node);
                if sharding.waiting.load(Ordering::Relaxed) == 0 {
                    sharding.is_watched.store(false, Ordering::Release);
                    // One may have come between the two.
                    if sharding.waiting.load(Ordering::Acquire) == 0 || sharding.is_watched.swap(true, Ordering::AcqRel)
                    {
                        return;
                    }
                }
            }
        });
    }
}

fn is_same(one: &Owner, other: &Owner) -> bool {
    match (one, other) {
        (Owner::Pid(one), Owner::Pid(other)) => one == other,
        (Owner::Process(one), Owner::Process(other)) => one.number == other.number,
        (Owner::Node(one), Owner::Node(other)) => one == other,
        _ => false,
    }
}

impl KeyedActors for Sharding {
    fn slot_of(&self, name: &str) -> u16 {
        (hash(name.as_bytes()) % u64::from(SLOTS)) as u16
    }

    fn route(&self, node: &Node, at: u16, name: &Arc<str>, from: Option<&NodeName>) -> Option<Owner> {
        let slot = self.slot(at);
        if slot.keys.get(name).is_some_and(|entry| entry.waiting.is_some()) {
            // No message overtakes one that waits.
            return None;
        }
        self.place(node, at, name, slot, from)
    }

    fn find(&self, node: &Node, at: u16, name: &str) -> Option<Owner> {
        let slot = self.slot(at);
        if let Some(Entry { process: Some(process), .. }) = slot.keys.get(name) {
            return Some(Owner::Process(process.clone()));
        }
        let elsewhere = slot.owner.as_ref().filter(|(owner, _)| owner.name != *node.name());
        elsewhere.map(|(owner, _)| Owner::Node(owner.name.clone()))
    }

    fn wait(&self, node: &Node, at: u16, name: &Arc<str>, message: Arc<dyn AwaitsOwner>, from: Option<&NodeName>) {
        let mut slot = self.slot(at);
        let entry = slot.keys.entry(Arc::clone(name)).or_default();
        let waiting = entry.waiting.get_or_insert_with(|| {
            self.waiting.fetch_add(1, Ordering::AcqRel);
            Box::<Waiting>::default()
        });
        waiting.messages.push_back(WaitingMessage { message, from: from.cloned() });
        drop(slot);
        self.flush(node, at, name);
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.watch_waiting(node);
        }
    }

    fn withdraw(&self, at: u16, name: &str, message: *const ()) {
        let mut slot = self.slot(at);
        let Some(waiting) = slot.keys.get_mut(name).and_then(|entry| entry.waiting.as_mut()) else { return };
        let is_it = |waiting: &WaitingMessage| Arc::as_ptr(&waiting.message).cast::<()>() == message;
        let position = waiting.messages.iter().position(is_it);
        // The first one is removed by the flush that sends it.
        let position = position.filter(|position| *position > 0 || !waiting.is_flushing);
        let removed = position.and_then(|position| waiting.messages.remove(position));
        self.remove_if_none_waits(&mut slot, name);
        drop(slot);
        // Without the lock: its drop may send others.
        drop(removed);
    }

    fn keep(&self, node: &Node) -> Option<KeptMessage> {
        let kept = Arc::clone(&self.kept);
        // This one is counted, and that of `self`.
        let has_room = Arc::strong_count(&kept) <= MAX_KEPT + 1;
        has_room.then(|| KeptMessage { until: node.clock().now() + KEEP_TIME, _count: kept })
    }

    fn deliver(
        &self,
        node: &Node,
        key: &ActorKey,
        message: EncodedMessage<'_>,
        can_wait: bool,
        from: &NodeName,
    ) -> Result<Option<WaitingPlace>, UnreadMessage> {
        let (_, deliver) = self.protocol.get().ok_or(CallErrorKind::NoProc)?;
        deliver(node, key, message, can_wait, from)
    }

    fn ended(&self, node: &Node, at: u16, name: &Arc<str>, number: u64) {
        let mut slot = self.slot(at);
        let is_it = |process: &mut LocalProcess| process.number == number;
        let process = slot.keys.get_mut(name).and_then(|entry| entry.process.take_if(is_it));
        slot.remove_if_empty(name);
        let left = slot.take_left();
        drop(slot);
        drop(process);
        if let Some(hold) = left {
            self.released(node, at, hold);
        } else {
            self.flush(node, at, name);
        }
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
