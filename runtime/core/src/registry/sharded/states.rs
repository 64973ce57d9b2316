//! The states of portable processes on their way to the next owner of their slot.
//!
//! A node that leaves a slot keeps the states of its processes for [`KEEP_TIME`]. The next owner of the slot, which has a
//! greater token, collects them before it takes messages, and starts a process from each of them. They are given once. So the
//! state of a process is lost if the answer with it is lost, and is never used twice.
//!
//! The next owner finds the previous one in its view of the claims. A view that misses an owner in between, since the registry
//! has reported all claims anew, leads to the states from before that owner: then the state of its time is lost.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::SLOTS;
use super::handle::local_sharding;
use super::sharding::Sharding;
use super::slot::{Here, KeptStates, NamedState};
use crate::base::{EncodedState, NodeName, Right};
use crate::call::CallName;
use crate::log;
use crate::node::{AddExport, Export, Node, Serve};
use crate::observe::ReportKind;
use crate::registry::service::HoldId;
use crate::remote::{RemoteFunction, call_at, serve_call};

/// The answer of a process that was requested to hand its state over.
pub(super) type StateAnswer = (Arc<str>, oneshot::Receiver<Result<EncodedState, String>>);

/// The time for which the states of a slot are kept for its next owner.
const KEEP_TIME: Duration = Duration::from_secs(30);
/// The time in which the next owner collects the states of a slot. After it, the processes start anew.
const COLLECT_TIME: Duration = Duration::from_secs(5);
/// The size of an answer with states, in bytes, unless one state is longer.
const BATCH: usize = 256 * 1024;

impl Sharding {
    /// Keeps the states that processes of a slot hand over, as they end.
    pub(super) async fn keep_states(self: Arc<Self>, node: Node, at: u16, token: u64, answers: Vec<StateAnswer>) {
        let mut states = Vec::new();
        for (name, answer) in answers {
            // Otherwise the process has ended in another way.
            if let Ok(Ok(state)) = answer.await {
                states.push((name.to_string(), state));
            }
        }
        let until = node.clock().now() + KEEP_TIME;
        let has_states = !states.is_empty();
        self.keep(&node, at, has_states.then_some(KeptStates { token, states, until }));
        if has_states {
            node.clock().sleep_until(until).await;
            self.expire(&node, at, token);
        }
    }

    /// Keeps the states of a slot, which ends to be left.
    fn keep(&self, node: &Node, at: u16, states: Option<KeptStates>) {
        let mut slot = self.slot(at);
        slot.is_collecting = false;
        let before = std::mem::replace(&mut slot.kept, states);
        let left = slot.take_left();
        drop(slot);
        drop(before);
        if let Some(hold) = left {
            self.released(node, at, hold);
        }
    }

    /// Drops the states of the run with this token.
    fn expire(&self, node: &Node, at: u16, token: u64) {
        let expired = self.slot(at).kept.take_if(|kept| kept.token == token);
        if let Some(KeptStates { states, .. }) = expired {
            self.report_lost(node, at, states.len(), "no node has collected it");
        }
    }

    /// Returns whether states wait for the next owner of their slot.
    pub(super) fn keeps_states(&self) -> bool {
        (0..SLOTS).any(|at| self.slot(at).kept.is_some())
    }

    /// Gives some of the kept states to the next owner, whose claim has this token, and whether there are more.
    pub(super) fn give(&self, node: &Node, at: u16, token: u64) -> (Vec<NamedState>, bool) {
        let mut slot = self.slot(at);
        let now = node.clock().now();
        let Some(kept) = slot.kept.as_mut().filter(|kept| kept.token < token && now < kept.until) else {
            return (Vec::new(), false);
        };
        let mut size = 0;
        let count = kept.states.iter().take_while(|(name, state)| {
            let is_first = size == 0;
            size += name.len() + state.bytes().len();
            is_first || size <= BATCH
        });
        let count = count.count();
        let given = kept.states.drain(..count).collect();
        let has_more = !kept.states.is_empty();
        let ended = if has_more { None } else { slot.kept.take() };
        drop(slot);
        drop(ended);
        (given, has_more)
    }

    /// Collects the states of the previous owner of a slot, `from`, and takes messages then. `None` is this node itself.
    pub(super) async fn collect(
        self: Arc<Self>,
        node: Node,
        at: u16,
        (id, token): (HoldId, u64),
        from: Option<NodeName>,
    ) {
        let mut states = Vec::new();
        let collect = async {
            loop {
                let (given, has_more) = match &from {
                    None => self.give(&node, at, token),
                    Some(from) => {
                        let args = (self.name.to_string(), at, token);
                        call_at::<GiveKeys>(&node, from.as_str(), args).await.map_err(|error| error.to_string())?
                    }
                };
                states.extend(given);
                if !has_more {
                    return Ok(());
                }
            }
        };
        let collected = node.clock().within(Some(COLLECT_TIME), collect).await;
        let collected: Result<(), String> = collected.unwrap_or_else(|| Err("no answer in time".to_owned()));
        if let Err(reason) = collected {
            self.report_lost(&node, at, 1, &reason);
        }
        self.resume(&node, at, id, states);
    }

    /// Starts the processes of a slot from their states, and takes messages from now on. Does nothing if the claim with this
    /// id is lost.
    fn resume(&self, node: &Node, at: u16, id: HoldId, states: Vec<NamedState>) {
        let hosting = self.hosting();
        let mut read = Vec::new();
        for (name, state) in states {
            match hosting.as_ref().map(|hosting| hosting.read(node, &state)) {
                Some(Ok(state)) => read.push((name, state)),
                Some(Err(reason)) => self.report_lost(node, at, 1, &reason.to_string()),
                None => self.report_lost(node, at, 1, "the node does not host the actor any more"),
            }
        }
        let mut slot = self.slot(at);
        match std::mem::take(&mut slot.here) {
            Here::Granted(hold) if hold.id() == id => slot.here = Here::Held(hold),
            here => {
                slot.here = here;
                drop(slot);
                return self.report_lost(node, at, read.len(), "the claim is lost");
            }
        }
        let mut runs = Vec::new();
        for (name, state) in read {
            if let Some((process, run)) = state(node, &name) {
                slot.keys.entry(name.into()).or_default().process = Some(process);
                runs.push(run);
            }
        }
        drop(slot);
        runs.into_iter().for_each(|run| run());
        self.begin(node, at);
    }

    fn report_lost(&self, node: &Node, at: u16, count: usize, reason: &str) {
        if count == 0 {
            return;
        }
        node.loss_counts().count_lost_states(count as u64);
        node.report(ReportKind::LostState, || {
            log::warn!(target: "greenroom", node = %node.name(), slot = %self.slot_key(at), count, reason = %log::Escaped(reason), "the state of a process by key was not handed over");
        });
    }
}

/// The function by which the next owner of a slot collects states.
struct GiveKeys;

impl RemoteFunction for GiveKeys {
    // Not an identifier: no function of a user has the name.
    const NAME: &'static str = "sharded::states";
    const __CALL: &'static CallName = &CallName { protocol: "sharded", message: "states" };
    const __PARAMS: &'static [&'static str] = &["actor", "slot", "token"];
    type Args = (String, u16, u64);
    type Output = (Vec<NamedState>, bool);

    fn __call((actor, at, token): (String, u16, u64)) -> impl Future<Output = (Vec<NamedState>, bool)> + Send {
        let node = Node::current();
        let sharding = local_sharding(&node, &actor).filter(|_| at < SLOTS);
        std::future::ready(sharding.map(|sharding| sharding.give(&node, at, token)).unwrap_or_default())
    }
}

/// The states of the keys of a node, for other nodes that can claim slots.
pub(crate) struct TransferableKeys;

#[diagnostic::do_not_recommend]
impl Export for TransferableKeys {
    fn __export<E: AddExport>(exports: &mut E) {
        let serve = Serve { right: Right::Claim, serve: serve_call::<GiveKeys> };
        exports.__add(GiveKeys::NAME.to_owned(), "", serve);
    }
}
