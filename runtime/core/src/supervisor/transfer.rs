//! The states of a tree's children, on their way from one start of the tree to the next, which can be on another node.
//!
//! A tree that is stopped for its successor takes the state of each portable child in place of stopping it, in the usual
//! order. The successor starts as usual, but a child whose path has a state is made of it. Each state is used once.
//!
//! Only declared children have a path that the successor has, too. Children that were added at run time are stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::EncodedState;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The states of a tree's children by their paths below the root of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TreeStates(BTreeMap<String, EncodedState>);

/// The most bytes of a tree's states. The child whose state does not fit starts anew.
pub(crate) const MAX_BYTES: usize = 16 << 20;

impl TreeStates {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(path, state)| path.len() + state.bytes().len()).sum()
    }
}

/// The states that one run of a tree gets, and those that it leaves.
#[derive(Debug, Default)]
pub(crate) struct StateTransfer(Mutex<Transfer>);

#[derive(Debug, Default)]
struct Transfer {
    /// The states of children that have not started yet.
    given: TreeStates,
    /// Those of children that have handed them over; `None` until the tree is stopped for its successor.
    taken: Option<TreeStates>,
    /// Another node can be the successor.
    has_successor: bool,
}

impl StateTransfer {
    pub(crate) fn new(given: TreeStates) -> StateTransfer {
        StateTransfer(Mutex::new(Transfer { given, ..Transfer::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Transfer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets whether another node is there that can be the successor.
    pub(crate) fn set_has_successor(&self, has_successor: bool) {
        self.lock().has_successor = has_successor;
    }

    /// Begins to take states: the tree is stopped for its successor. Without one the tree is only stopped.
    pub(crate) fn begin(&self) {
        let mut transfer = self.lock();
        if transfer.has_successor {
            transfer.taken.get_or_insert_default();
        }
    }

    /// Takes the states of a tree that has ended: those of its children, and those that no child was made of. Empty unless
    /// the tree was stopped for its successor.
    pub(crate) fn finish(&self) -> TreeStates {
        let mut transfer = self.lock();
        let Some(TreeStates(mut states)) = transfer.taken.take() else { return TreeStates::default() };
        states.append(&mut std::mem::take(&mut transfer.given.0));
        TreeStates(states)
    }

    /// Takes the state for the start of the child with this path.
    pub(super) fn state_for(&self, path: &str) -> Option<EncodedState> {
        self.lock().given.0.remove(below_root(path))
    }

    pub(super) fn is_taking(&self) -> bool {
        self.lock().taken.is_some()
    }

    /// Adds the state that the child with this path has handed over, in place of an earlier one. Returns `false` if it does
    /// not fit.
    pub(super) fn add(&self, path: &str, state: EncodedState) -> bool {
        let mut transfer = self.lock();
        let given = transfer.given.bytes();
        let Some(taken) = &mut transfer.taken else { return false };
        let path = below_root(path);
        taken.0.remove(path);
        let fits = given + taken.bytes() + path.len() + state.bytes().len() <= MAX_BYTES;
        if fits {
            taken.0.insert(path.to_owned(), state);
        }
        fits
    }

    /// Forgets the state of a child that has been started again.
    pub(super) fn forget(&self, path: &str) {
        if let Some(taken) = &mut self.lock().taken {
            taken.0.remove(below_root(path));
        }
    }
}

/// Returns the path below the root of the tree: the name of the root can differ between two nodes.
fn below_root(path: &str) -> &str {
    path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or(path, |(_, below)| below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(length: usize) -> EncodedState {
        EncodedState::new(vec![7; length])
    }

    #[test]
    fn a_state_is_given_once_and_those_that_were_not_used_go_on() {
        let first = StateTransfer::default();
        assert!(!first.add("/Shop/till", state(1)), "the tree is not stopped for a successor");
        first.begin();
        assert!(!first.is_taking(), "there is no successor");
        first.set_has_successor(true);
        first.begin();
        assert!(first.is_taking());
        for (path, length) in [("/Shop/till", 1), ("/Shop/till", 2), ("/Shop/stock/shelf", 3), ("/Shop/clock", 4)] {
            assert!(first.add(path, state(length)));
        }
        first.forget("/Shop/clock");
        let second = StateTransfer::new(first.finish());
        assert!(first.finish().is_empty());
        assert_eq!(second.state_for("/Shop 2/till"), Some(state(2)));
        assert_eq!(second.state_for("/Shop 2/till"), None);
        assert_eq!(second.state_for("/Shop 2/clock"), None);
        assert!(second.finish().is_empty(), "it was not stopped for a successor");
        second.set_has_successor(true);
        second.begin();
        assert_eq!(second.finish(), TreeStates([("stock/shelf".to_owned(), state(3))].into()));
    }

    #[test]
    fn the_states_of_a_tree_are_limited() {
        let transfer = StateTransfer::default();
        transfer.set_has_successor(true);
        transfer.begin();
        let most = MAX_BYTES - "till".len();
        assert!(!transfer.add("/Shop/till", state(most + 1)));
        assert!(transfer.add("/Shop/till", state(most)));
        assert!(!transfer.add("/Shop/clock", state(0)));
        assert!(transfer.add("/Shop/till", state(most)), "it replaces the earlier one");
    }
}
