use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::events::{EventReceiver, EventSender, events};
use crate::base::Pid;
use crate::sync::{Mutex, MutexGuard, PoisonError};

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

/// Who traces which process of a node. A process knows of it by one bit.
#[derive(Default)]
pub(crate) struct Traces {
    taps: Mutex<HashMap<u64, Tap>>,
}

struct Tap {
    /// Which trace it is: a later one of the same process takes its place.
    id: u64,
    begin: Instant,
    end: Instant,
    steps: u32,
    teller: EventSender<TraceEvent>,
}

/// The longest trace.
const STEPS: u32 = 10_000;

impl Traces {
    fn taps(&self) -> MutexGuard<'_, HashMap<u64, Tap>> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Traces this process from now on, instead of who did before: `begin` to `end`, and at most this many steps.
    pub(crate) fn begin(
        &self,
        number: u64,
        id: u64,
        begin: Instant,
        end: Instant,
        steps: u32,
    ) -> EventReceiver<TraceEvent> {
        let steps = steps.min(STEPS);
        let (teller, listener) = events(steps as usize);
        let replaced = self.taps().insert(number, Tap { id, begin, end, steps, teller });
        drop(replaced);
        listener
    }

    /// Tells of one step; `false` if the process is traced no more.
    pub(crate) fn record(
        &self,
        number: u64,
        now: Instant,
        step: TraceStep,
        variant: &'static str,
        from: Option<Pid>,
        text: Option<String>,
    ) -> bool {
        let mut taps = self.taps();
        let Some(tap) = taps.get_mut(&number) else { return false };
        let at = now.saturating_duration_since(tap.begin);
        let goes_on = now < tap.end && tap.steps > 0 && tap.teller.tell(TraceEvent::new(at, step, variant, from, text));
        tap.steps = tap.steps.saturating_sub(1);
        let over = !goes_on || tap.steps == 0;
        let ended = if over { taps.remove(&number) } else { None };
        drop(taps);
        drop(ended);
        !over
    }

    /// The process has ended, or its trace with this id is over.
    pub(crate) fn end(&self, number: u64, id: Option<u64>) -> bool {
        let mut taps = self.taps();
        let ends = taps.get(&number).is_some_and(|tap| id.is_none_or(|id| tap.id == id));
        let ended = if ends { taps.remove(&number) } else { None };
        drop(taps);
        ended.is_some()
    }
}
