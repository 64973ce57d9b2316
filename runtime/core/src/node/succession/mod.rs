//! The turn of this process of the operating system to run the node: always, unless the feature `upgrade` lets a successor
//! take over.

#[cfg(all(feature = "upgrade", unix))]
mod state;

#[cfg(all(feature = "upgrade", unix))]
pub(crate) use state::{ListeningSocket, SocketName, Succession, Upgrades};

use crate::node::Node;

impl Node {
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn succession(&self) -> &Succession {
        &self.inner.succession
    }

    /// Returns whether this process serves.
    pub(crate) fn is_own_turn(&self) -> bool {
        #[cfg(all(feature = "upgrade", unix))]
        return self.succession().is_own_turn();
        #[cfg(not(all(feature = "upgrade", unix)))]
        true
    }

    /// Resolves when this process serves. Cancel-safe.
    pub(crate) async fn own_turn(&self) {
        #[cfg(all(feature = "upgrade", unix))]
        self.succession().own_turn().await;
    }

    /// Resolves when this process does not serve, for a while or for good. Cancel-safe.
    pub(crate) async fn turn_lost(&self) {
        #[cfg(all(feature = "upgrade", unix))]
        self.succession().turn_lost().await;
        #[cfg(not(all(feature = "upgrade", unix)))]
        std::future::pending::<()>().await;
    }

    /// Awaits the request to end the run of the node, or the take-over by a successor.
    pub(super) async fn ended_or_over(&self, requested: impl Future<Output = ()>) {
        #[cfg(all(feature = "upgrade", unix))]
        tokio::select! {
            () = requested => {}
            () = self.succession().over() => {}
        }
        #[cfg(not(all(feature = "upgrade", unix)))]
        requested.await;
    }

    /// Ends this process after the node has stopped, if a successor has taken over. Returns if the process is to end by
    /// itself.
    pub(super) fn end_process(&self) {
        #[cfg(all(feature = "upgrade", unix))]
        if self.succession().is_over()
            && let Some(upgrades) = self.succession().upgrades()
        {
            upgrades.retire();
        }
    }
}
