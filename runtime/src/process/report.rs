//! The crash report: one event for each abnormal end, and for what panics while a process is cleared up.

use crate::base::{Exit, Pid};

/// Tells of a process that ended other than in order.
pub(super) fn crash(pid: &Pid, kind: &str, name: Option<&str>, reason: &Exit) {
    if reason.is_orderly() || matches!(reason, Exit::Killed) {
        return;
    }
    let name = name.unwrap_or("");
    if tracing::dispatcher::has_been_set() {
        tracing::error!(target: "greenroom", %pid, process = kind, name, %reason, "process ended abnormally");
    } else {
        // Without a subscriber the event would be lost; a newcomer's first crash must be seen.
        let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
        eprintln!("greenroom: {kind} {pid}{named} ended: {reason}");
    }
}

/// Tells of what panicked while a process was cleared up: that ends nothing more.
pub(super) fn destructor(pid: &Pid, panic: &Exit) {
    if tracing::dispatcher::has_been_set() {
        tracing::error!(target: "greenroom", %pid, %panic, "a destructor panicked while its process ended");
    } else {
        eprintln!("greenroom: a destructor of {pid} {panic}");
    }
}
