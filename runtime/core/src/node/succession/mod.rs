//! The turn of this process of the operating system to run the node: always, unless the feature `upgrade` lets a successor
//! take over.

#[cfg(feature = "upgrade")]
mod handed_over;
#[cfg(feature = "upgrade")]
mod record;
#[cfg(all(feature = "upgrade", unix))]
mod restarts;
#[cfg(all(feature = "upgrade", unix))]
mod state;

#[cfg(feature = "upgrade")]
pub(crate) use handed_over::{HandedOver, TakenProcess};
#[cfg(feature = "upgrade")]
pub(crate) use record::{
    DefinitionRecord, HoldRequest, HookTimes, MessageContent, MessageRecord, OwnPart, ProcessRecord, RecordedProcess,
    TimerRecord,
};

#[cfg(all(feature = "upgrade", unix))]
pub use restarts::RestartedProcess;
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use restarts::Restarts;
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use state::{ListeningSocket, SocketName, Succession, Upgrades};

use crate::base::Pid;
use crate::node::{LocalProcess, Node};

impl Node {
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn succession(&self) -> &Succession {
        &self.inner.succession
    }

    /// Returns the processes that a predecessor has handed over to the node, if it has one.
    #[cfg(feature = "upgrade")]
    pub(crate) fn handed_over(&self) -> Option<&HandedOver> {
        self.inner.handed_over.get()
    }

    /// Adds processes that the predecessor hands over.
    #[cfg(feature = "upgrade")]
    pub(crate) fn handed_over_or_default(&self) -> &HandedOver {
        self.inner.handed_over.get_or_init(HandedOver::default)
    }

    /// Returns whether a successor serves in place of this process.
    #[cfg(feature = "upgrade")]
    pub(crate) fn has_successor(&self) -> bool {
        #[cfg(unix)]
        return self.succession().is_over();
        #[cfg(not(unix))]
        false
    }

    /// Returns a process or a supervised child of this node, whose pid was read before it was there: a predecessor has handed
    /// over both.
    pub(crate) fn taken_over(&self, pid: &Pid) -> Option<LocalProcess> {
        #[cfg(feature = "upgrade")]
        return self.handed_over().filter(|_| pid.belongs_to(self.id())).and_then(|_| self.exported(pid.number()));
        #[cfg(not(feature = "upgrade"))]
        {
            let _ = pid;
            None
        }
    }

    /// Returns a number for the supervised child with this path. A child that was handed over keeps its number.
    pub(crate) fn child_number(&self, path: &str) -> u64 {
        #[cfg(feature = "upgrade")]
        if let Some(number) = self.handed_over().and_then(|handed_over| handed_over.child_number(path)) {
            return number;
        }
        let _ = path;
        self.next_number()
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

    /// Resolves when this process serves, as [`own_turn`](Self::own_turn) without a borrow.
    pub(crate) async fn own_turn_owned(self) {
        self.own_turn().await;
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
