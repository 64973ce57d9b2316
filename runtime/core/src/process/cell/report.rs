//! Crash reports: a log event for each abnormal end.

use std::borrow::Cow;
use std::time::Instant;

use super::Cell;
use crate::base::{Exit, Pid, Protocol};
use crate::log;
#[cfg(feature = "test")]
use crate::node::Inspect;
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
/// Orderly ends and [`Exit::Killed`] are not reported, nor is the end of a proxy: the other node reports the crash.
/// `has_callers` is set if callers received the exit reason.
#[cfg_attr(not(feature = "test"), expect(unused_variables, reason = "used by tests only"))]
pub(super) fn crash<M: Protocol>(cell: &Cell<M>, number: u64, reason: &Exit, has_callers: bool) {
    if reason.is_orderly() || matches!(reason, Exit::Killed) || cell.control().is_proxy() {
        return;
    }
    let (node, crash_info) = (cell.node(), cell.crash_info());
    #[cfg(feature = "test")]
    if !has_callers {
        note_unseen(cell, number, &crash_info, reason);
    }
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
            reason = %log::Escaped(reason),
            last_message = last_message.as_deref(),
            ancestors = ?node.ancestors(crash_info.parent),
            ?links,
            ?age,
            "process ended abnormally"
        );
    } else {
        // Without a subscriber the event would be lost, and with it a new user's first crash.
        log::print(format_args!("{}", text(pid, crash_info, reason)));
    }
}

/// Returns the crash report in one line.
fn text(pid: &Pid, crash_info: &CrashInfo, reason: &Exit) -> String {
    let CrashInfo { kind, name, last_message, .. } = crash_info;
    let named = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let after = last_message.as_ref().map(|last| format!(" after `{last}`")).unwrap_or_default();
    format!("{kind} {pid}{named} ended{after}: {reason}")
}

/// Adds a crash to the unseen ones of the node's test. An end that another process has caused is not a crash by itself.
#[cfg(feature = "test")]
fn note_unseen<M: Protocol>(cell: &Cell<M>, number: u64, crash_info: &CrashInfo, reason: &Exit) {
    let (node, pid) = (cell.node(), cell.node().pid(number));
    let Some(crashes) = node.unseen_crashes() else { return };
    // A supervisor without a panic passes on the reason of its parent.
    let passes_on = cell.ancestry().supervisor && !matches!(reason, Exit::Panic { .. });
    let is_own = crashes.take_failed(&pid) || (cell.exit_reason().is_none() && !passes_on);
    if is_own && !node.lifecycle_subscribers().any() {
        crashes.add(pid.clone(), text(&pid, crash_info, reason));
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
