//! The policy for a cluster that is split.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::base::NodeName;

/// The claims that the sides of a split cluster keep.
#[derive(Clone, Debug)]
pub(super) enum SplitPolicy {
    /// Each side keeps its claims, and grants others.
    KeepAll,
    /// The side with the majority of these nodes keeps its claims.
    KeepMajority { nodes: BTreeSet<NodeName>, stable_after: Duration },
}

/// The state of this node under the policy.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The time since which the node is on the side without a majority.
    minority_since: Option<Instant>,
    has_given_up: bool,
}

impl SplitPolicy {
    /// Returns `true` if a side with these nodes grants claims.
    pub(super) fn grants<'a>(&self, side: impl IntoIterator<Item = &'a NodeName>) -> bool {
        match self {
            SplitPolicy::KeepAll => true,
            SplitPolicy::KeepMajority { nodes, .. } => {
                let present: BTreeSet<_> = side.into_iter().filter(|name| nodes.contains(*name)).collect();
                present.len() * 2 > nodes.len()
            }
        }
    }

    fn stable_after(&self) -> Duration {
        match self {
            SplitPolicy::KeepAll => Duration::MAX,
            SplitPolicy::KeepMajority { stable_after, .. } => *stable_after,
        }
    }
}

impl Side {
    /// Notes whether the side of this node has the majority.
    pub(super) fn set(&mut self, has_majority: bool, now: Instant) {
        if has_majority {
            *self = Side::default();
        } else {
            self.minority_since.get_or_insert(now);
        }
    }

    /// Returns the time at which the node gives its claims up.
    pub(super) fn gives_up_at(&self, policy: &SplitPolicy) -> Option<Instant> {
        self.minority_since.filter(|_| !self.has_given_up)?.checked_add(policy.stable_after())
    }

    /// Returns `true` once when the time has come.
    pub(super) fn gives_up(&mut self, policy: &SplitPolicy, now: Instant) -> bool {
        let gives_up = self.gives_up_at(policy).is_some_and(|at| at <= now);
        self.has_given_up |= gives_up;
        gives_up
    }
}
