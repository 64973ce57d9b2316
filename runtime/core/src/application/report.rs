//! The log events of applications, with the target `greenroom::application`. They correspond to OTP's progress and exit
//! reports.

use std::time::Duration;

use super::ApplicationKind;
use crate::base::{Exit, StartError};
use crate::log;
#[cfg(feature = "registry")]
use crate::node::Node;
#[cfg(feature = "registry")]
use crate::observe::ReportKind;

pub(super) fn started(application: &str, kind: ApplicationKind) {
    log::info!(target: "greenroom::application", application, %kind, "application started");
}

pub(super) fn start_failed(application: &str, error: &StartError) {
    let StartError { child, reason } = error;
    log::error!(
        target: "greenroom::application", application, child = child.as_str(), reason = %log::Escaped(reason), "application did not start"
    );
}

/// Logs the end of an application that was stopped.
pub(super) fn stopped(application: &str, reason: &Exit) {
    if reason.is_orderly() {
        log::info!(target: "greenroom::application", application, reason = %log::Escaped(reason), "application stopped");
    } else {
        log::error!(target: "greenroom::application", application, reason = %log::Escaped(reason), "application failed while stopping");
    }
}

/// Logs the end of an application that was not stopped. With `fatal` the node stops because of it.
pub(super) fn ended(application: &str, kind: ApplicationKind, reason: &Exit, fatal: bool) {
    if fatal {
        log::error!(
            target: "greenroom::application", application, %kind, reason = %log::Escaped(reason), "application ended, so the node stops"
        );
    } else if reason.is_orderly() {
        log::info!(target: "greenroom::application", application, %kind, reason = %log::Escaped(reason), "application ended");
    } else {
        log::error!(target: "greenroom::application", application, %kind, reason = %log::Escaped(reason), "application ended");
    }
}

/// Logs that an application with failover did not start on this node.
#[cfg(feature = "registry")]
pub(super) fn not_taken_over(application: &str, error: &super::ApplicationError) {
    log::error!(
        target: "greenroom::application", application, error = %log::Escaped(error), "application did not start here, so another node runs it"
    );
}

/// Logs that an application with failover is killed.
#[cfg(feature = "registry")]
pub(super) fn claim_lost(application: &str) {
    log::error!(
        target: "greenroom::application", application, "the claim on the application is lost, so it is killed on this node"
    );
}

/// Counts and logs that states of an application with failover were not handed over.
#[cfg(feature = "registry")]
pub(super) fn states_lost(node: &Node, application: &str, count: usize, reason: &str) {
    node.loss_counts().count_lost_states(count as u64);
    node.report(ReportKind::LostState, || {
        log::warn!(
            target: "greenroom::application", application, reason = %log::Escaped(reason), "the state of the application was not handed over, so it starts anew"
        );
    });
}

pub(super) fn stop_timed_out(application: &str, timeout: Duration) {
    log::error!(
        target: "greenroom::application", application, ?timeout, "application did not stop in time and is killed"
    );
}
