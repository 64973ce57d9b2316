use std::time::Duration;

/// How long a child, or a whole node, may take to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Shutdown {
    /// It is killed at once.
    Kill,
    /// It is told to shut down, and killed after this time.
    After(Duration),
    /// It is told to shut down and may take its time: right for supervisors.
    Forever,
}
