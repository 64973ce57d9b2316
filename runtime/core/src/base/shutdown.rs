//! The time that a process has to stop.

use std::time::Duration;

/// The way in which a supervisor stops a child, or a program its node.
///
/// As the `shutdown` key of OTP's child specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Shutdown {
    /// The process is killed at once. OTP's `brutal_kill`.
    Kill,
    /// The process is requested to stop, and killed after this time.
    After(Duration),
    /// The process is requested to stop and has unlimited time: the right choice for supervisors. OTP's `infinity`.
    Forever,
}
