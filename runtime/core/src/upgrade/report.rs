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
    /// Makes a report. The successor starts some processes `anew` although they were recorded.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_processes_that_either_side_starts_anew() {
        let restarts = |paths: &[&str]| {
            let mut restarts = Restarts::default();
            paths.iter().for_each(|path| restarts.add(path, "no\ntime"));
            restarts
        };
        let report = UpgradeReport::new(5, restarts(&["/Shop/clock"]), restarts(&["/Shop/bell", "/Shop/till"]));
        let expected = "3 processes continue, 3 start anew\n\
                        /Shop/clock: no\n    time\n/Shop/bell: no\n    time\n/Shop/till: no\n    time";
        assert_eq!(report.to_string(), expected);
        let many = (0..101).map(|number| number.to_string()).collect::<Vec<_>>();
        let many = UpgradeReport::new(0, restarts(&many.iter().map(String::as_str).collect::<Vec<_>>()), restarts(&[]));
        assert!(many.to_string().ends_with("\n99: no\n    time\nand 1 more"), "{many}");
    }
}
