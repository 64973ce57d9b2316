//! The outcome of an upgrade: the processes that continue, and those that do not.

use std::fmt;

use crate::log;
use crate::node::{RestartedProcess, Restarts};

/// The processes of a node that an upgrade has kept, or that it would keep; from [`Node::upgrade`](crate::Node::upgrade)
/// and [`Node::check_upgrade`](crate::Node::check_upgrade). Its text is one line for each process that starts anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpgradeReport {
    /// The number of processes that continue with their state. Supervisors are among them.
    pub kept: u64,
    /// The number of supervised processes that start anew.
    pub restarted: u64,
    /// The first hundred of them.
    pub listed: Vec<RestartedProcess>,
}

impl UpgradeReport {
    /// Makes the report of the number of processes that were written down, of those that the predecessor left out, and
    /// of those that the successor starts anew although they were written down.
    pub(super) fn new(recorded: u64, mut left_out: Restarts, anew: Restarts) -> UpgradeReport {
        let kept = recorded.saturating_sub(anew.count);
        left_out.extend(anew);
        UpgradeReport { kept, restarted: left_out.count, listed: left_out.listed }
    }
}

impl fmt::Display for UpgradeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} processes continue, {} start anew", self.kept, self.restarted)?;
        for RestartedProcess { process, reason } in &self.listed {
            write!(f, "\n{}: {}", log::Escaped(process), log::Escaped(reason))?;
        }
        let more = self.restarted.saturating_sub(self.listed.len() as u64);
        if more > 0 { write!(f, "\nand {more} more") } else { Ok(()) }
    }
}
