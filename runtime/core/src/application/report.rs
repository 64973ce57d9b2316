//! What an application tells the log, as OTP's progress and exit reports: structured events of the target
//! `greenroom::application`.

use std::time::Duration;

use super::RunningApplication;
use crate::base::{Exit, StartError};
use crate::log;

pub(super) fn started(running_application: &RunningApplication) {
    let (application, kind) = (running_application.name(), running_application.kind());
    log::info!(target: "greenroom::application", application, %kind, "application started");
}

pub(super) fn start_failed(running_application: &RunningApplication, error: &StartError) {
    let application = running_application.name();
    let StartError { child, reason } = error;
    log::error!(
        target: "greenroom::application", application, child = child.as_str(), %reason, "application did not start"
    );
}

/// It was told to stop, and has.
pub(super) fn stopped(running_application: &RunningApplication, reason: &Exit) {
    let application = running_application.name();
    if reason.is_orderly() {
        log::info!(target: "greenroom::application", application, %reason, "application stopped");
    } else {
        log::error!(target: "greenroom::application", application, %reason, "application did not stop in order");
    }
}

/// It ended by itself; if `fatal`, the node stops.
pub(super) fn ended(running_application: &RunningApplication, reason: &Exit, fatal: bool) {
    let (application, kind) = (running_application.name(), running_application.kind());
    if fatal {
        log::error!(
            target: "greenroom::application", application, %kind, %reason, "application ended, so the node stops"
        );
    } else if reason.is_orderly() {
        log::info!(target: "greenroom::application", application, %kind, %reason, "application ended");
    } else {
        log::error!(target: "greenroom::application", application, %kind, %reason, "application ended");
    }
}

/// It was told to stop and has not; `false`, for that is what the report says.
pub(super) fn late(running_application: &RunningApplication, patience: Duration) -> bool {
    let application = running_application.name();
    log::error!(
        target: "greenroom::application", application, ?patience, "application did not stop in time and is killed"
    );
    false
}
