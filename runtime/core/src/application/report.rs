//! What an application tells the log, as OTP's progress and exit reports: structured events of the target
//! `greenroom::application`.

use std::time::Duration;

use super::Hosted;
use crate::base::{Exit, StartError};
use crate::log;

pub(super) fn started(hosted: &Hosted) {
    let (application, kind) = (hosted.name(), hosted.kind());
    log::info!(target: "greenroom::application", application, %kind, "application started");
}

pub(super) fn start_failed(hosted: &Hosted, error: &StartError) {
    let application = hosted.name();
    let StartError { child, reason } = error;
    log::error!(
        target: "greenroom::application", application, child = child.as_str(), %reason, "application did not start"
    );
}

/// It was told to stop, and has.
pub(super) fn stopped(hosted: &Hosted, reason: &Exit) {
    let application = hosted.name();
    if reason.is_orderly() {
        log::info!(target: "greenroom::application", application, %reason, "application stopped");
    } else {
        log::error!(target: "greenroom::application", application, %reason, "application did not stop in order");
    }
}

/// It ended by itself; if `fatal`, the node stops.
pub(super) fn ended(hosted: &Hosted, reason: &Exit, fatal: bool) {
    let (application, kind) = (hosted.name(), hosted.kind());
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
pub(super) fn late(hosted: &Hosted, patience: Duration) -> bool {
    let application = hosted.name();
    log::error!(
        target: "greenroom::application", application, ?patience, "application did not stop in time and is killed"
    );
    false
}
