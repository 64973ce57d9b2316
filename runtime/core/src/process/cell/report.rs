//! Crash reports: a log event for each abnormal end.

use std::borrow::Cow;
use std::time::Instant;

use super::Cell;
use crate::base::{Exit, Pid, Protocol};
use crate::log;
use crate::node::Node;
use crate::observe::ReportKind;

/// The facts about a process that its crash report contains.
struct CrashInfo {
    kind: &'static str,
    parent: u64,
    name: Option<String>,
    started_at: Instant,
    last_message: Option<Cow<'static, str>>,
    links: Vec<Pid>,
}

/// Reports the abnormal end of a process. If processes of one kind crash often, their number is reported instead.
///
/// Orderly ends and [`Exit::Killed`] are not reported.
pub(super) fn crash<M: Protocol>(cell: &Cell<M>, number: u64, reason: &Exit) {
    if reason.is_orderly() || matches!(reason, Exit::Killed) {
        return;
    }
    let (node, crash_info) = (cell.node(), cell.crash_info());
    node.report(ReportKind::Crash(crash_info.kind), || log_crash(node, &node.pid(number), &crash_info, reason));
}

fn log_crash(node: &Node, pid: &Pid, crash_info: &CrashInfo, reason: &Exit) {
    let CrashInfo { kind, name, last_message, links, .. } = crash_info;
    let name = name.as_deref().unwrap_or("");
    let age = node.clock().now().saturating_duration_since(crash_info.started_at);
    if log::has_subscriber() {
        log::error!(
            target: "greenroom",
            %pid,
            process = kind,
            name,
            %reason,
            last_message = last_message.as_deref(),
            ancestors = ?node.ancestors(crash_info.parent),
            ?links,
            ?age,
            "process ended abnormally"
        );
    } else {
        // Without a subscriber the event would be lost, and with it a new user's first crash.
        let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
        let after = last_message.as_ref().map(|last| format!(" after `{last}`")).unwrap_or_default();
        log::print(format_args!("{kind} {pid}{named} ended{after}: {reason}"));
    }
}

impl<M: Protocol> Cell<M> {
    /// Returns the facts for a crash report.
    fn crash_info(&self) -> CrashInfo {
        let control = self.control();
        let text = control.attached().and_then(|attached| attached.last_text.clone());
        let variant = || self.last_variant().map(|variant| Cow::Borrowed(variant.name));
        CrashInfo {
            kind: (control.kind.name)(),
            parent: control.parent,
            name: control.name().cloned(),
            started_at: self.node.instant_at(control.started_at),
            last_message: text.map(Cow::Owned).or_else(variant),
            links: control.cold().map(|cold| cold.relations.links().cloned().collect()).unwrap_or_default(),
        }
    }
}
