//! A change of a group's members, and the way to a subscriber.

use std::sync::Arc;

use super::table::Change;
use crate::base::{NodeId, Pid};
use crate::observe::EventSender;

/// A change of a group's members; from [`Group::events`](super::Group::events).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum GroupEvent {
    /// These processes are members now. The first event has all members of that time.
    Joined(Vec<Pid>),
    /// These processes are members no longer: they have left or exited, or the connection to their node is lost.
    Left(Vec<Pid>),
    /// The subscriber was too slow, and this many events are lost. [`Group::members`](super::Group::members) returns the
    /// members.
    Missed(u64),
}

/// The sending end of a stream.
pub(super) struct Subscriber {
    pub(super) id: u64,
    pub(super) sender: EventSender<GroupEvent>,
}

impl Subscriber {
    /// Sends the change of a group on this node.
    pub(super) fn send(&self, node: &Arc<NodeId>, change: &Change) {
        let pids = |numbers: &[u64]| numbers.iter().map(|number| Pid::new(Arc::clone(node), *number)).collect();
        if !change.left.is_empty() {
            self.sender.send(GroupEvent::Left(pids(&change.left)));
        }
        if !change.joined.is_empty() {
            self.sender.send(GroupEvent::Joined(pids(&change.joined)));
        }
    }
}
