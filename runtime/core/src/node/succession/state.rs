//! The succession of a node by another process of the operating system: whether the node serves, the listening sockets
//! that a successor takes over, and the end of this process after that.
//!
//! A layer above implements the upgrade, [`Upgrades`]. The connections of the node and the listeners of the program wait
//! here for their turn.

use std::any::Any;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::watch;

use crate::node::Node;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// An open listening socket of any type.
pub(crate) trait ListeningSocket: AsFd + Any + Send + Sync {}

impl<T: AsFd + Any + Send + Sync> ListeningSocket for T {}

/// The state of one node.
pub(crate) struct Succession {
    turn: watch::Sender<Turn>,
    sockets: Mutex<BTreeMap<SocketName, Weak<dyn ListeningSocket>>>,
    upgrades: OnceLock<Arc<dyn Upgrades>>,
}

/// The process of the operating system that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// This one.
    Own,
    /// At present none: the predecessor has not committed yet, or this process is paused.
    Pause,
    /// At present none: this process writes the commit.
    Commit,
    /// The successor, for good.
    Successor,
}

/// The name of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SocketName {
    /// The socket at which the node itself listens.
    Node,
    /// A socket of the program.
    Program(String),
}

/// The upgrade of a node, as its run executes it. Implemented by a layer above.
pub(crate) trait Upgrades: Any + Send + Sync {
    /// Begins an upgrade to the program of this process, as it is on disk now.
    fn begin(&self, node: &Node);

    /// Forwards a signal of the operating system to the successor.
    fn forward(&self, signal: i32);

    /// Returns whether this process runs behind a shim, which forwards signals to it.
    fn is_behind_shim(&self) -> bool;

    /// Ends this process after the node has stopped: either returns, or continues as the shim in front of the successor.
    fn retire(&self);
}

impl Default for Succession {
    fn default() -> Succession {
        Succession { turn: watch::Sender::new(Turn::Own), sockets: Mutex::default(), upgrades: OnceLock::new() }
    }
}

impl Succession {
    /// Returns the upgrades of the node, which `new` makes on the first call.
    pub(crate) fn upgrades_or<U: Upgrades>(&self, new: impl FnOnce() -> Arc<U>) -> Arc<dyn Upgrades> {
        Arc::clone(self.upgrades.get_or_init(|| new()))
    }

    pub(crate) fn upgrades(&self) -> Option<&Arc<dyn Upgrades>> {
        self.upgrades.get()
    }

    /// Suspends all that serves, unless this process is over.
    pub(crate) fn pause(&self) {
        self.change(Turn::Pause);
    }

    /// Suspends all that serves, until the commit is written or has failed.
    pub(crate) fn begin_commit(&self) {
        self.change(Turn::Commit);
    }

    pub(crate) fn resume(&self) {
        self.change(Turn::Own);
    }

    /// Leaves the node to the successor.
    pub(crate) fn hand_to_successor(&self) {
        self.change(Turn::Successor);
    }

    fn change(&self, to: Turn) {
        self.turn.send_if_modified(|turn| *turn != Turn::Successor && std::mem::replace(turn, to) != to);
    }

    /// Returns whether this process serves.
    pub(crate) fn is_own_turn(&self) -> bool {
        *self.turn.borrow() == Turn::Own
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.turn.borrow() == Turn::Successor
    }

    /// Resolves when the successor serves. Cancel-safe.
    pub(crate) async fn over(&self) {
        self.until(|turn| turn == Turn::Successor).await;
    }

    /// Resolves unless the commit is being written. Cancel-safe.
    pub(crate) async fn decided(&self) {
        self.until(|turn| turn != Turn::Commit).await;
    }

    /// Resolves when this process serves. Cancel-safe.
    pub(crate) async fn own_turn(&self) {
        self.until(|turn| turn == Turn::Own).await;
    }

    /// Resolves when this process does not serve. Cancel-safe.
    pub(crate) async fn turn_lost(&self) {
        self.until(|turn| turn != Turn::Own).await;
    }

    async fn until(&self, condition: impl Fn(Turn) -> bool) {
        // An error means that the node is gone, which the caller holds.
        let _ = self.turn.subscribe().wait_for(|turn| condition(*turn)).await;
    }

    fn sockets(&self) -> MutexGuard<'_, BTreeMap<SocketName, Weak<dyn ListeningSocket>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands this socket over to a successor, as long as it is open. It replaces an earlier one with the name.
    pub(crate) fn keep_socket<S: ListeningSocket>(&self, name: SocketName, socket: &Arc<S>) {
        let socket = Arc::downgrade(socket);
        let mut sockets = self.sockets();
        sockets.retain(|_, socket| socket.strong_count() > 0);
        sockets.insert(name, socket);
    }

    /// Returns the open socket with this name.
    pub(crate) fn open_socket(&self, name: &SocketName) -> Option<Arc<dyn ListeningSocket>> {
        self.sockets().get(name)?.upgrade()
    }

    /// Returns the open sockets.
    pub(crate) fn open_sockets(&self) -> Vec<(SocketName, Arc<dyn ListeningSocket>)> {
        let sockets = self.sockets();
        sockets.iter().filter_map(|(name, socket)| Some((name.clone(), socket.upgrade()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_node_that_was_handed_over_does_not_resume() {
        let succession = Succession::default();
        succession.pause();
        assert!(!succession.is_own_turn() && !succession.is_over());
        succession.hand_to_successor();
        succession.resume();
        assert!(!succession.is_own_turn() && succession.is_over());
    }

    #[test]
    fn a_closed_socket_is_not_handed_over() {
        let (succession, socket) = (Succession::default(), Arc::new(io::stdin()));
        succession.keep_socket(SocketName::Program("web".to_owned()), &socket);
        assert_eq!(succession.open_sockets().len(), 1);
        drop(socket);
        assert_eq!(succession.open_sockets().len(), 0);
    }
}
