//! The crash report: one event for each abnormal end, and for what panics while a process is cleared up.

use super::Cell;
use super::end::CrashInfo;
use crate::base::{Exit, Pid, Protocol};
use crate::log;
use crate::node::Node;
use crate::observe::Verdict;

/// Tells of a process that ended other than in order; of many of one kind, how many there were.
pub(super) fn crash<M: Protocol>(cell: &Cell<M>, number: u64, reason: &Exit) {
    if reason.is_orderly() || matches!(reason, Exit::Killed) {
        return;
    }
    let (node, crash_info) = (cell.node(), cell.crash_info());
    let kind = crash_info.kind;
    match node.report_limiter().admit(kind, node.clock().now()) {
        Verdict::Tell => tell(node, &node.pid(number), &crash_info, reason),
        Verdict::Count => {}
        Verdict::Begin(due) => {
            let node = node.clone();
            node.clone().spawner().spawn(async move {
                node.clock().sleep_until(due).await;
                node.report_limiter().sum_up(kind);
            });
        }
    }
}

fn tell(node: &Node, pid: &Pid, crash_info: &CrashInfo, reason: &Exit) {
    let CrashInfo { kind, name, last, links, .. } = crash_info;
    let name = name.as_deref().unwrap_or("");
    let lived = node.clock().now().saturating_duration_since(crash_info.born);
    if log::is_heard() {
        log::error!(
            target: "greenroom",
            %pid,
            process = kind,
            name,
            %reason,
            last_message = last.as_deref(),
            ancestors = ?node.ancestors(crash_info.parent),
            ?links,
            ?lived,
            "process ended abnormally"
        );
    } else {
        // Without a subscriber the event would be lost; a newcomer's first crash must be seen.
        let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
        let after = last.as_ref().map(|last| format!(" after `{last}`")).unwrap_or_default();
        log::tell(format_args!("{kind} {pid}{named} ended{after}: {reason}"));
    }
}

/// Tells of what panicked while a process was cleared up: that ends nothing more.
pub(super) fn destructor(pid: &Pid, panic: &Exit) {
    leftover(pid, "a destructor", panic);
}

/// Tells of a panic that came too late to end its process.
pub(super) fn leftover(pid: &Pid, what: &str, panic: &Exit) {
    if log::is_heard() {
        log::error!(target: "greenroom", %pid, %panic, "{what} panicked while its process ended");
    } else {
        log::tell(format_args!("{what} of {pid} {panic}"));
    }
}
