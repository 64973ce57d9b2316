//! One slot of a sharded actor on one node: its owner, its processes, the messages that wait, and the decision for each
//! message.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::base::{EncodedState, NodeId, NodeName};
use crate::node::{AwaitsOwner, LocalProcess};
use crate::registry::service::Hold;

/// A slot, in the view of one node.
#[derive(Default)]
pub(super) struct Slot {
    /// The node that has the claim, and the claim's token.
    pub(super) owner: Option<(NodeId, u64)>,
    pub(super) here: Here,
    /// The node that had the claim before, and its token.
    pub(super) previous: Option<(NodeId, u64)>,
    /// The token of the last claim of this node.
    pub(super) last_token: u64,
    /// The states of processes that have ended are being collected.
    pub(super) is_collecting: bool,
    /// The states for the next owner.
    pub(super) kept: Option<KeptStates>,
    pub(super) keys: HashMap<Arc<str>, Entry>,
}

/// The claim of this node on a slot.
#[derive(Default)]
pub(super) enum Here {
    #[default]
    None,
    Requested,
    /// The states of the previous owner are being collected.
    Granted(Hold),
    Held(Hold),
    /// The processes end, and then the claim.
    Leaving(Hold),
}

/// A key that has a process on this node, or messages that wait here.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) process: Option<LocalProcess>,
    pub(super) waiting: Option<Box<Waiting>>,
    /// The number of messages that the process had handled at the last look, and the looks since then.
    pub(super) quiet: (u64, u8),
}

/// The messages that wait for a key, in order.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) messages: VecDeque<WaitingMessage>,
    /// The first message is being sent.
    pub(super) is_flushing: bool,
}

#[derive(Clone)]
pub(super) struct WaitingMessage {
    pub(super) message: Arc<dyn AwaitsOwner>,
    /// The node that has sent the message here. It is not sent back at once.
    pub(super) from: Option<NodeName>,
}

/// The states that a node keeps for the next owner of a slot.
pub(super) struct KeptStates {
    /// The token of the claim under which the processes ran.
    pub(super) token: u64,
    pub(super) states: Vec<NamedState>,
    pub(super) until: Instant,
}

/// The state of a process, with the name of its key.
pub(super) type NamedState = (String, EncodedState);

/// The place of a message for a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The process of this node. A missing one is started.
    Here,
    Node(NodeName),
    /// The slot is claimed, and the message waits.
    Claim,
    Wait,
}

impl Slot {
    /// Decides where a message goes. `home` is the home of the slot. `from` is the node that has sent the message here.
    ///
    /// A message goes from node to node only as long as each of them has a better reason than the one before, so it cannot
    /// go round. The reasons: the claim of the slot, with a later token than any that this node has had, or else the home.
    /// It never goes back to the node from which it came. With none of these reasons it waits until the view changes.
    pub(super) fn decide(
        &self,
        me: &NodeId,
        is_hosting: bool,
        home: Option<&NodeName>,
        from: Option<&NodeName>,
    ) -> Decision {
        match &self.here {
            Here::Held(_) => return Decision::Here,
            Here::Requested | Here::Granted(_) | Here::Leaving(_) => return Decision::Wait,
            Here::None => {}
        }
        match (&self.owner, home) {
            // The claim of this node, of an earlier incarnation of it, or one that the report is late to show.
            (Some((owner, _)), _) if owner.name == me.name => Decision::Wait,
            (Some((owner, token)), _) if from.is_none_or(|from| *from != owner.name && *token > self.last_token) => {
                Decision::Node(owner.name.clone())
            }
            (Some(_), _) | (None, None) => Decision::Wait,
            (None, Some(home)) if *home == me.name => {
                if is_hosting {
                    Decision::Claim
                } else {
                    Decision::Wait
                }
            }
            (None, Some(home)) if from.is_none_or(|from| is_hosting && from != home) => Decision::Node(home.clone()),
            (None, Some(_)) => Decision::Wait,
        }
    }

    /// Sets the owner, as the registry reports it.
    pub(super) fn set_owner(&mut self, owner: Option<(NodeId, u64)>) {
        let before = std::mem::replace(&mut self.owner, owner);
        if before.is_some() && before != self.owner {
            self.previous = before;
        }
    }

    /// Returns the node that had the claim before this one, with its token.
    pub(super) fn owner_before(&self, me: &NodeId) -> Option<&(NodeId, u64)> {
        [&self.owner, &self.previous].into_iter().flatten().find(|(owner, _)| owner != me)
    }

    /// Returns the processes of the slot, with the names of their keys.
    pub(super) fn processes(&self) -> impl Iterator<Item = (&Arc<str>, &LocalProcess)> {
        self.keys.iter().filter_map(|(name, entry)| Some((name, entry.process.as_ref()?)))
    }

    /// Takes the claim of a slot that is left and has no process any more.
    pub(super) fn take_left(&mut self) -> Option<Hold> {
        if !matches!(self.here, Here::Leaving(_)) || self.is_collecting || self.processes().next().is_some() {
            return None;
        }
        match std::mem::take(&mut self.here) {
            Here::Leaving(hold) => Some(hold),
            _ => None,
        }
    }

    /// Removes the entry of a key if nothing is in it, and memory that is not needed any more.
    pub(super) fn remove_if_empty(&mut self, name: &str) {
        if self.keys.get(name).is_some_and(|entry| entry.process.is_none() && entry.waiting.is_none()) {
            self.keys.remove(name);
            if self.keys.len() < self.keys.capacity() / 8 {
                self.keys.shrink_to(self.keys.len() * 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u64) -> NodeId {
        NodeId { name: NodeName::new(format!("n{number}@host")).unwrap(), incarnation: number }
    }

    /// The decision of node 1, for a slot with this owner and token and this home, and a message from this node.
    fn decide(slot: &Slot, is_hosting: bool, home: Option<u64>, from: Option<u64>) -> Decision {
        let (home, from) = (home.map(|number| node(number).name), from.map(|number| node(number).name));
        slot.decide(&node(1), is_hosting, home.as_ref(), from.as_ref())
    }

    #[test]
    fn a_message_goes_to_the_owner_or_the_home_and_not_back() {
        let to = |number: u64| Decision::Node(node(number).name);
        let free = Slot { last_token: 5, ..Slot::default() };
        assert_eq!(decide(&free, true, Some(1), None), Decision::Claim);
        assert_eq!(decide(&free, true, Some(1), Some(2)), Decision::Claim);
        assert_eq!(decide(&free, false, Some(1), None), Decision::Wait, "the claim of the host is about to end");
        assert_eq!(decide(&free, true, Some(2), None), to(2));
        assert_eq!(decide(&free, true, Some(2), Some(3)), to(2));
        assert_eq!(decide(&free, true, Some(2), Some(2)), Decision::Wait);
        assert_eq!(decide(&free, false, Some(2), Some(3)), Decision::Wait, "only hosts send on to the home");
        assert_eq!(decide(&free, false, Some(2), None), to(2));
        assert_eq!(decide(&free, true, None, None), Decision::Wait);
        let owned = |number, token| Slot { owner: Some((node(number), token)), last_token: 5, ..Slot::default() };
        assert_eq!(decide(&owned(2, 4), true, Some(1), None), to(2));
        assert_eq!(decide(&owned(2, 6), true, Some(1), Some(3)), to(2));
        assert_eq!(decide(&owned(2, 6), true, Some(1), Some(2)), Decision::Wait);
        assert_eq!(decide(&owned(2, 4), true, Some(1), Some(3)), Decision::Wait, "the view is old");
        assert_eq!(decide(&owned(1, 6), true, Some(2), None), Decision::Wait);
        let requested = Slot { here: Here::Requested, ..owned(2, 6) };
        assert_eq!(decide(&requested, true, Some(1), None), Decision::Wait);
    }
}
