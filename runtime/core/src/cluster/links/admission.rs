//! The decision which connections to a peer are accepted, and which one of several stays. Pure.
//!
//! Two nodes may open several connections to each other: both dial at once, or one node is a seed under two addresses. A
//! node may also return before the other has noticed that it was gone. And two nodes may have the same name by mistake.
//! At most one connection to a name is ever up, and a connection that works is never replaced.
//!
//! The node with the smaller name decides, so that both nodes choose the same connection: see
//! [`session`](crate::session). Its candidates are the connections whose hello has arrived. The candidates of the other
//! node are the connections that the deciding node has admitted.
//!
//! # States of one name
//! Candidates are considered in the order of their arrival, one at a time:
//!
//! | a connection to the name | its identity | then |
//! |---|---|---|
//! | is not up | | the candidate is admitted; the others wait until it is up or over |
//! | is up | that of the candidate, and the peer has admitted the candidate | the peer has lost the old one: it is aborted |
//! | is up and quiet, before an upgrade | that of a successor: the incarnation is the same, and the instance another one | the old one is aborted, and the candidate can continue it |
//! | is up | any other | it is probed: if the peer answers, the candidate is refused, else the old one is aborted |
//!
//! A candidate of a further name is refused while there are connections to as many names as the node may have peers: a
//! member could invent names without end.
//!
//! An *identity* is a node's incarnation and its random instance. A candidate of the same identity is refused as a
//! duplicate, one of another identity because its name is in use. After an abort the candidate waits until the loss of the
//! old connection has taken effect.

use std::collections::VecDeque;

use crate::base::{NodeName, SortedMap};
use crate::session::Refusal;
use crate::wire::Epoch;

/// One incarnation of one node, as its hello describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) incarnation: u64,
    pub(super) instance: u64,
}

/// A step that the owner of the connections has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Admit the peer on this connection.
    Admit(Epoch),
    Refuse(Epoch, Refusal),
    /// Ask the peer for a sign of life, and call [`probed`](Admissions::probed).
    Probe(Epoch),
    /// End this connection at once, and call [`closed`](Admissions::closed) when its loss has taken effect.
    Abort(Epoch),
}

/// All connections of a node whose peer is known, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Admissions {
    names: SortedMap<NodeName, Rivals>,
    most: usize,
}

/// The connections to one name. At least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rivals {
    /// The connection that is up, until its loss has taken effect.
    up: Option<Connected>,
    /// The connection that this node has admitted, and that is not up yet.
    admitted: Option<Candidate>,
    waiting: VecDeque<Candidate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    epoch: Epoch,
    identity: Identity,
    /// The peer decides, and has admitted this node.
    offered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Connected {
    epoch: Epoch,
    identity: Identity,
    state: Liveness,
    /// The connection is paused, and a successor of the peer can continue it.
    is_quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Liveness {
    Assumed,
    /// A probe is on its way.
    Probed,
    Aborted,
}

impl Identity {
    /// Returns `true` if this process can be the successor of that one.
    fn succeeds(self, other: Identity) -> bool {
        self.incarnation == other.incarnation && self.instance != other.instance
    }
}

impl Admissions {
    /// Returns no connections, of which there may be some to `most` names at one time.
    pub(super) fn new(most: usize) -> Admissions {
        Admissions { names: SortedMap::new(), most }
    }

    /// Adds a candidate: a connection whose hello has arrived if this node decides, else one that the peer has `offered`.
    pub(super) fn add(&mut self, name: &NodeName, epoch: Epoch, identity: Identity, offered: bool) -> Vec<Action> {
        if self.names.len() >= self.most && !self.names.contains_key(name) {
            return vec![Action::Refuse(epoch, Refusal::TooManyPeers)];
        }
        let rivals = self.names.get_or_insert_with(name.clone(), Rivals::default);
        rivals.waiting.push_back(Candidate { epoch, identity, offered });
        rivals.settle()
    }

    /// Notes that both nodes have admitted each other on this connection. Returns `false` if this node has not
    /// admitted it.
    pub(super) fn up(&mut self, name: &NodeName, epoch: Epoch) -> bool {
        let Some(rivals) = self.names.get_mut(name) else { return false };
        let Some(admitted) = rivals.admitted.take_if(|admitted| admitted.epoch == epoch) else { return false };
        rivals.up = Some(Connected { epoch, identity: admitted.identity, state: Liveness::Assumed, is_quiet: false });
        true
    }

    /// Goes on after [`up`](Admissions::up), whose effects come first.
    pub(super) fn after_up(&mut self, name: &NodeName) -> Vec<Action> {
        self.names.get_mut(name).map(Rivals::settle).unwrap_or_default()
    }

    /// Notes whether the connection that is up is quiet.
    pub(super) fn set_quiet(&mut self, name: &NodeName, is_quiet: bool) -> Vec<Action> {
        let Some(rivals) = self.names.get_mut(name) else { return Vec::new() };
        let Some(up) = &mut rivals.up else { return Vec::new() };
        up.is_quiet = is_quiet;
        rivals.settle()
    }

    /// Takes the result of a probe.
    pub(super) fn probed(&mut self, name: &NodeName, epoch: Epoch, alive: bool) -> Vec<Action> {
        let Some(rivals) = self.names.get_mut(name) else { return Vec::new() };
        let Some(up) = rivals.up.as_mut().filter(|up| up.epoch == epoch && up.state == Liveness::Probed) else {
            return Vec::new();
        };
        if !alive {
            up.state = Liveness::Aborted;
            return vec![Action::Abort(epoch)];
        }
        up.state = Liveness::Assumed;
        // The answer is newer than every candidate that waits.
        let up = *up;
        let refused = rivals.waiting.drain(..).map(|candidate| {
            let same = candidate.identity == up.identity;
            Action::Refuse(candidate.epoch, if same { Refusal::Duplicate } else { Refusal::NameInUse })
        });
        refused.collect()
    }

    /// Removes a connection that is over, after its loss has taken effect.
    pub(super) fn closed(&mut self, name: &NodeName, epoch: Epoch) -> Vec<Action> {
        let Some(rivals) = self.names.get_mut(name) else { return Vec::new() };
        rivals.up.take_if(|up| up.epoch == epoch);
        rivals.admitted.take_if(|admitted| admitted.epoch == epoch);
        rivals.waiting.retain(|candidate| candidate.epoch != epoch);
        let actions = rivals.settle();
        if *rivals == Rivals::default() {
            self.names.remove(name);
        }
        actions
    }
}

impl Rivals {
    /// Considers the first candidate, unless another one is admitted or the connection that is up has to answer first.
    fn settle(&mut self) -> Vec<Action> {
        if self.admitted.is_some() {
            return Vec::new();
        }
        let Some(&candidate) = self.waiting.front() else { return Vec::new() };
        let Some(up) = &mut self.up else {
            self.waiting.pop_front();
            self.admitted = Some(candidate);
            return vec![Action::Admit(candidate.epoch)];
        };
        match up.state {
            Liveness::Aborted => Vec::new(),
            // The peer would not have offered a connection while it has one.
            _ if candidate.offered && candidate.identity == up.identity => {
                up.state = Liveness::Aborted;
                vec![Action::Abort(up.epoch)]
            }
            _ if up.is_quiet && candidate.identity.succeeds(up.identity) => {
                up.state = Liveness::Aborted;
                vec![Action::Abort(up.epoch)]
            }
            Liveness::Probed => Vec::new(),
            Liveness::Assumed => {
                up.state = Liveness::Probed;
                vec![Action::Probe(up.epoch)]
            }
        }
    }
}

#[cfg(test)]
mod tests;
