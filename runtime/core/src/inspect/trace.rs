use std::borrow::Cow;
use std::time::Duration;

use crate::base::Pid;

/// How much of a process's messages to watch: so many steps, for so long, whichever is over first.
///
/// ```
/// # use std::time::Duration;
/// let trace = greenroom::Trace { steps: 20, lasting: Duration::from_secs(5) };
/// # let _ = trace;
/// assert_eq!(greenroom::Trace::default().steps, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trace {
    /// How many steps to tell of at most: no more than 10,000.
    pub steps: u32,
    /// For how long at most.
    pub lasting: Duration,
}

/// A hundred steps, for ten seconds.
impl Default for Trace {
    fn default() -> Trace {
        Trace { steps: 100, lasting: Duration::from_secs(10) }
    }
}

/// One step of one message of a traced process; from [`Tracing::next`](crate::Tracing::next).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TraceEvent {
    /// When, counted from the trace's beginning.
    pub at: Duration,
    /// What became of it.
    pub step: TraceStep,
    /// Which of the protocol's messages it is.
    pub variant: Cow<'static, str>,
    /// Who sent it, if a process of this node did.
    pub from: Option<Pid>,
    /// The message as text, as far as its fields have `Debug`; at most a thousand bytes of it.
    pub text: Option<String>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TraceStep {
    /// It came into the mailbox, or stands in line before it.
    Arrived,
    /// The process took it.
    Taken,
    /// A full mailbox refused or dropped it.
    Refused,
}

impl TraceEvent {
    pub(crate) fn new(
        at: Duration,
        step: TraceStep,
        variant: &'static str,
        from: Option<Pid>,
        text: Option<String>,
    ) -> TraceEvent {
        TraceEvent { at, step, variant: Cow::Borrowed(variant), from, text }
    }
}
