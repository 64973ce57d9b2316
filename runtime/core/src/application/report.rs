//! The log events of applications, with the target `greenroom::application`. They correspond to OTP's progress and exit
//! reports.

use std::time::Duration;

use super::ApplicationKind;
use crate::base::{Exit, StartError};
use crate::log;

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

pub(super) fn stop_timed_out(application: &str, timeout: Duration) {
    log::error!(
        target: "greenroom::application", application, ?timeout, "application did not stop in time and is killed"
    );
}
