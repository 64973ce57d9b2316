//! Crash reports: a log event for each abnormal end, and for each panic while a process ends.

use super::Cell;
use super::end::CrashInfo;
use crate::base::{Exit, Pid, Protocol};
use crate::log;
use crate::node::Node;
use crate::observe::Verdict;

/// Reports the abnormal end of a process. If processes of one kind crash often, their number is reported instead.
///
/// Orderly ends and [`Exit::Killed`] are not reported.
pub(super) fn crash<M: Protocol>(cell: &Cell<M>, number: u64, reason: &Exit) {
    if reason.is_orderly() || matches!(reason, Exit::Killed) {
        return;
    }
    let (node, crash_info) = (cell.node(), cell.crash_info());
    let kind = crash_info.kind;
    match node.report_limiter().admit(kind, node.clock().now()) {
        Verdict::Tell => log_crash(node, &node.pid(number), &crash_info, reason),
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

fn log_crash(node: &Node, pid: &Pid, crash_info: &CrashInfo, reason: &Exit) {
    let CrashInfo { kind, name, last_message, links, .. } = crash_info;
    let name = name.as_deref().unwrap_or("");
    let lived = node.clock().now().saturating_duration_since(crash_info.started_at);
    if log::is_heard() {
        log::error!(
            target: "greenroom",
            %pid,
            process = kind,
            name,
            %reason,
            last_message = last_message.as_deref(),
            ancestors = ?node.ancestors(crash_info.parent),
            ?links,
            ?lived,
            "process ended abnormally"
        );
    } else {
        // Without a subscriber the event would be lost, and with it a new user's first crash.
        let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
        let after = last_message.as_ref().map(|last| format!(" after `{last}`")).unwrap_or_default();
        log::tell(format_args!("{kind} {pid}{named} ended{after}: {reason}"));
    }
}

/// Reports the panic of a destructor while a process ends. The panic has no further effect.
pub(super) fn destructor_panic(pid: &Pid, panic: &Exit) {
    late_panic(pid, "a destructor", panic);
}

/// Reports a panic that came after the exit reason of its process was set.
pub(super) fn late_panic(pid: &Pid, source: &str, panic: &Exit) {
    if log::is_heard() {
        log::error!(target: "greenroom", %pid, %panic, "{source} panicked while its process ended");
    } else {
        log::tell(format_args!("{source} of {pid} {panic}"));
    }
}
