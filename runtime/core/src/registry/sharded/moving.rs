//! The slots of a node that hosts a sharded actor: their claims, and the ends of their processes.
//!
//! | state of a slot | begins with | ends with |
//! |---|---|---|
//! | requested | a message for a slot without an owner, at its home | the answer of the registry |
//! | granted | the claim, if the previous owner may keep states of a portable actor | the states, or an error |
//! | held | the claim, or the states | a move, the end of hosting, or the loss of the claim |
//! | leaving | a move or the end of hosting: each process ends when its mailbox is empty | the end of the last process; then the claim is released |
//!
//! A message for a slot in another state than held waits, and is then sent to the next owner. When a claim is lost, the
//! processes receive an exit signal with [`Exit::ClaimLost`] and other nodes may start them at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::SLOTS;
use super::sharding::{PAUSE, Sharding};
use super::slot::{Here, Slot};
use crate::base::{Exit, NodeName};
use crate::log;
use crate::node::{Finish, LocalProcess, Node, WeakNode};
use crate::observe::ReportKind;
use crate::registry::service::{Hold, HoldId};
use crate::sync::PoisonError;

/// The time for which a claim on a slot is requested. After that it is requested again if messages wait.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// The time in which the processes of a slot that moves end, before they are killed.
const LEAVE_TIME: Duration = Duration::from_secs(30);
/// The shortest time between two looks at all processes.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
/// The number of looks at a process in its idle time.
const LOOKS: u8 = 4;

impl Sharding {
    pub(super) fn slot_key(&self, at: u16) -> String {
        format!("slot/{}/{at}", self.name)
    }

    /// Requests the claim on a slot. The caller holds the slot.
    pub(super) fn request(&self, node: &Node, at: u16, slot: &mut Slot) {
        let Some(this) = self.this() else { return };
        slot.here = Here::Requested;
        let (claims, key, weak) = (node.claims(), self.slot_key(at), node.downgrade());
        node.spawner().spawn(async move {
            let hold = claims.hold(&key, Vec::new(), REQUEST_TIME).await.ok();
            if let Some(node) = weak.upgrade() {
                this.answered(&node, at, hold);
            }
        });
    }

    /// Acts on the answer to a request: the claim, or an error.
    fn answered(&self, node: &Node, at: u16, hold: Option<Hold>) {
        let mut slot = self.slot(at);
        slot.here = Here::None;
        let Some(hold) = hold else {
            drop(slot);
            // Another node may own the slot. Otherwise the next look requests it again.
            return self.flush_to_others(node, at);
        };
        let (id, token, lost) = (hold.id(), hold.token(), hold.lost_or_dropped());
        slot.last_token = token;
        let is_portable = self.hosting().is_some_and(|hosting| hosting.is_portable);
        let keeper = if slot.kept.is_some() { Some(None) } else { self.keeper(node, &slot).map(Some) };
        let keeper = keeper.filter(|_| is_portable);
        slot.here = if keeper.is_some() { Here::Granted(hold) } else { Here::Held(hold) };
        drop(slot);
        let (Some(this), weak) = (self.this(), node.downgrade()) else { return };
        let observed = Arc::downgrade(&this);
        node.spawner().spawn(async move {
            if lost.await.is_some()
                && let (Some(this), Some(node)) = (observed.upgrade(), weak.upgrade())
            {
                this.lost(&node, at, id);
            }
        });
        match keeper {
            Some(from) => node.spawner().spawn(this.collect(node.clone(), at, (id, token), from)),
            None => self.begin(node, at),
        }
    }

    /// Returns the node that may keep states for the next owner of a slot: the previous owner.
    fn keeper(&self, node: &Node, slot: &Slot) -> Option<NodeName> {
        let (before, _) = slot.owner_before(node.id())?;
        let is_connected = node.router().is_some_and(|router| router.epoch(&before.name).is_some());
        is_connected.then(|| before.name.clone())
    }

    /// Takes messages for a slot.
    pub(super) fn begin(&self, node: &Node, at: u16) {
        if self.hosting().is_none() {
            // Hosting has ended meanwhile.
            return self.leave(node, at, LEAVE_TIME, false);
        }
        self.flush_slot(node, at);
        self.changed.notify_one();
    }

    /// Sends what waits for a slot if another node owns it.
    fn flush_to_others(&self, node: &Node, at: u16) {
        if self.slot(at).owner.is_some() {
            self.flush_slot(node, at);
        }
    }

    /// Acts on the loss of a claim.
    fn lost(&self, node: &Node, at: u16, id: HoldId) {
        let mut slot = self.slot(at);
        let hold = match std::mem::take(&mut slot.here) {
            Here::Granted(hold) | Here::Held(hold) | Here::Leaving(hold) if hold.id() == id => hold,
            // A later one.
            here => {
                slot.here = here;
                return;
            }
        };
        let numbers: Vec<u64> = slot.processes().map(|(_, process)| process.number).collect();
        drop(slot);
        drop(hold);
        for number in numbers {
            node.send_exit(number, Exit::claim_lost(self.slot_key(at)));
        }
        self.changed.notify_one();
        self.flush_slot(node, at);
    }

    /// Ends the processes of a slot when their mailboxes are empty, and then the claim. With `hands_over`, the states of
    /// portable processes are kept for the next owner.
    ///
    /// The processes that have not ended after `limit` are killed.
    pub(super) fn leave(&self, node: &Node, at: u16, limit: Duration, hands_over: bool) {
        let Some(this) = self.this() else { return };
        let mut slot = self.slot(at);
        let (id, token) = match std::mem::take(&mut slot.here) {
            Here::Held(hold) => {
                let id = (hold.id(), hold.token());
                slot.here = Here::Leaving(hold);
                id
            }
            here => {
                slot.here = here;
                return;
            }
        };
        let processes: Vec<_> = slot.processes().map(|(name, process)| (Arc::clone(name), process.clone())).collect();
        slot.is_collecting = hands_over && !processes.is_empty();
        let left = slot.take_left();
        drop(slot);
        if let Some(hold) = left {
            return self.released(node, at, hold);
        }
        let mut answers = Vec::new();
        for (name, LocalProcess { number, cell }) in processes {
            let state = hands_over.then(|| {
                let (state, answer) = oneshot::channel();
                answers.push((name, answer));
                state
            });
            cell.finish(number, Finish { reason: Exit::shutdown(), insists: true, state });
        }
        if hands_over {
            node.spawner().spawn(Arc::clone(&this).keep_states(node.clone(), at, token, answers));
        }
        let (this, weak, clock) = (Arc::downgrade(&this), node.downgrade(), Arc::clone(node.clock()));
        node.spawner().spawn(async move {
            clock.sleep_until(clock.now() + limit).await;
            if let (Some(this), Some(node)) = (this.upgrade(), weak.upgrade()) {
                this.kill_left(&node, at, id);
            }
        });
    }

    /// Kills the processes of a slot that is still being left.
    fn kill_left(&self, node: &Node, at: u16, id: HoldId) {
        let slot = self.slot(at);
        if !matches!(&slot.here, Here::Leaving(hold) if hold.id() == id) {
            return;
        }
        let numbers: Vec<u64> = slot.processes().map(|(_, process)| process.number).collect();
        drop(slot);
        node.report(ReportKind::ChildStop, || {
            log::warn!(target: "greenroom", node = %node.name(), slot = %self.slot_key(at), processes = numbers.len(), "processes by key did not end in time, and are killed");
        });
        numbers.into_iter().for_each(|number| node.send_exit(number, Exit::Kill));
    }

    /// Returns the names of the keys that have a process here.
    pub(super) fn local_names(&self) -> Vec<Arc<str>> {
        let names = |at| self.slot(at).processes().map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>();
        (0..SLOTS).flat_map(names).collect()
    }

    /// Releases the claim on a slot that has no process any more.
    pub(super) fn released(&self, node: &Node, at: u16, hold: Hold) {
        drop(hold);
        self.changed.notify_one();
        self.flush_slot(node, at);
    }

    /// Returns whether this node has, requests or leaves any slot.
    pub(super) fn has_slots(&self) -> bool {
        (0..SLOTS).any(|at| !matches!(self.slot(at).here, Here::None))
    }

    /// Gives up all slots, at the end of hosting. The states are handed over if another node hosts the actor.
    pub(super) fn leave_all(&self, node: &Node, limit: Duration, is_portable: bool) {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let hands_over = is_portable && hosts.has_other(node.name());
        drop(hosts);
        (0..SLOTS).for_each(|at| self.leave(node, at, limit, hands_over));
    }

    /// Gives up the slots that are to move now, and requests those that have moved here with states.
    fn move_slots(&self, node: &Node) {
        let is_portable = self.hosting().is_some_and(|hosting| hosting.is_portable);
        let (mut owners, mut left, mut moving) = (Vec::<(u16, NodeName)>::new(), Vec::new(), 0);
        for at in 0..SLOTS {
            let slot = self.slot(at);
            moving += usize::from(matches!(slot.here, Here::Leaving(_)));
            if is_portable && matches!(slot.here, Here::None) && slot.owner.is_none() && slot.previous.is_some() {
                left.push(at);
            }
            match (&slot.here, &slot.owner) {
                (Here::Held(_), _) => owners.push((at, node.name().clone())),
                (_, Some((owner, _))) => owners.push((at, owner.name.clone())),
                _ => {}
            }
        }
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let moves = hosts.moves(node.name(), owners.iter().map(|(at, owner)| (*at, owner)), moving);
        left.retain(|at| hosts.home(*at) == Some(node.name()));
        drop(hosts);
        moves.into_iter().for_each(|at| self.leave(node, at, LEAVE_TIME, is_portable));
        // Their states may wait at the previous owner.
        for at in left {
            let mut slot = self.slot(at);
            if matches!(slot.here, Here::None) && slot.owner.is_none() {
                self.request(node, at, &mut slot);
            }
        }
    }

    /// Ends the processes that have been idle.
    fn end_idle(&self) {
        for at in 0..SLOTS {
            let mut slot = self.slot(at);
            if !matches!(slot.here, Here::Held(_)) {
                continue;
            }
            let mut idle = Vec::new();
            for entry in slot.keys.values_mut() {
                let Some(process) = &entry.process else { continue };
                match process.cell.handled_all() {
                    Some(handled) if entry.quiet.0 == handled => entry.quiet.1 += 1,
                    handled => entry.quiet = (handled.unwrap_or(u64::MAX), 0),
                }
                if entry.quiet.1 >= LOOKS {
                    entry.quiet.1 = 0;
                    idle.push(process.clone());
                }
            }
            drop(slot);
            for LocalProcess { number, cell } in idle {
                cell.finish(number, Finish { reason: Exit::Normal, insists: false, state: None });
            }
        }
    }
}

/// Moves slots and ends idle processes, as long as the node hosts the actor.
pub(super) async fn keep_slots(sharding: Arc<Sharding>, node: WeakNode) {
    let mut is_changed = true;
    let mut looked = None;
    loop {
        let (Some(strong), Some(hosting)) = (node.upgrade(), sharding.hosting()) else { return };
        if is_changed {
            sharding.move_slots(&strong);
        }
        let clock = Arc::clone(strong.clock());
        let look = hosting.idle.map(|idle| (idle / u32::from(LOOKS)).max(SHORTEST_LOOK));
        if let Some(look) = look
            && looked.is_none_or(|at| clock.now() >= at + look)
        {
            looked = Some(clock.now());
            sharding.end_idle();
        }
        drop((strong, hosting));
        let pause = look.map_or(PAUSE, |look| look.min(PAUSE));
        is_changed = clock.within(Some(pause), sharding.changed.notified()).await.is_some();
    }
}
