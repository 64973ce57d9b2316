//! Reports in the log whose number is limited.

use super::Node;
use crate::observe::{ReportDecision, ReportKind};

impl Node {
    /// Logs a report by `log`, unless there were many of this kind recently. Those are counted, and their number is logged
    /// at the end of the time window.
    pub(crate) fn report(&self, kind: ReportKind, log: impl FnOnce()) {
        match self.report_limiter().admit(kind, self.clock().now()) {
            ReportDecision::Log => log(),
            ReportDecision::Suppress => {}
            ReportDecision::StartSummary(kind, due) => {
                let node = self.clone();
                self.spawner().spawn(async move {
                    node.clock().sleep_until(due).await;
                    node.report_limiter().summarize(&kind);
                });
            }
        }
    }
}
