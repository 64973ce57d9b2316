//! Traces of the messages of single processes.

use std::borrow::Cow;
use std::collections::HashMap;
#[cfg(feature = "inspect")]
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use super::event_channel::{EventReceiver, EventSender, event_channel};
use crate::base::Pid;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The limits of a trace of one process's messages: it ends when either is reached.
///
/// ```
/// # use std::time::Duration;
/// let trace = greenroom::Trace { steps: 20, duration: Duration::from_secs(5) };
/// # let _ = trace;
/// assert_eq!(greenroom::Trace::default().steps, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trace {
    /// The most events of the trace. Values above 10,000 count as 10,000.
    pub steps: u32,
    /// The longest time that the trace takes.
    pub duration: Duration,
}

/// A hundred events within ten seconds.
impl Default for Trace {
    fn default() -> Trace {
        Trace { steps: 100, duration: Duration::from_secs(10) }
    }
}

/// A step of one message of a traced process; from [`Tracing::next`](crate::Tracing::next).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TraceEvent {
    /// The time since the trace began.
    pub at: Duration,
    /// The kind of step.
    pub step: TraceStep,
    /// The message's variant.
    pub variant: Cow<'static, str>,
    /// The sender, if it is a process. It may be on another node.
    pub from: Option<Pid>,
    /// The message's text, as far as its fields implement `Debug`, cut after a thousand bytes.
    pub text: Option<String>,
}

/// The kind of a [`TraceEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TraceStep {
    /// The message arrived in the mailbox, or in the wait queue in front of it.
    Arrived,
    /// The process took the message.
    Taken,
    /// The full mailbox refused or dropped the message.
    Refused,
}

impl TraceEvent {
    fn new(at: Duration, step: TraceStep, variant: &'static str, from: Option<Pid>, text: Option<String>) -> Self {
        TraceEvent { at, step, variant: Cow::Borrowed(variant), from, text }
    }
}

/// The traces of a node, by process. A process has one flag that it is traced, and everything else is here.
#[derive(Default)]
pub(crate) struct Traces {
    traces: Mutex<HashMap<u64, ActiveTrace>>,
    /// The number of traces and subscriptions for other nodes.
    remote: AtomicUsize,
}

/// One of the traces and subscriptions that a node may have for other nodes.
pub(crate) struct RemoteTrace<'a>(&'a AtomicUsize);

impl Drop for RemoteTrace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct ActiveTrace {
    /// Distinguishes the trace from a later one of the same process, which replaces it.
    id: u64,
    begin: Instant,
    end: Instant,
    steps_left: u32,
    has_text: bool,
    sender: EventSender<TraceEvent>,
}

impl ActiveTrace {
    fn new(
        id: u64,
        (begin, end): (Instant, Instant),
        steps: u32,
        has_text: bool,
    ) -> (ActiveTrace, EventReceiver<TraceEvent>) {
        let steps = steps.min(MAX_STEPS);
        let (sender, receiver) = event_channel(steps as usize);
        (ActiveTrace { id, begin, end, steps_left: steps, has_text, sender }, receiver)
    }
}

/// The most events of a trace.
const MAX_STEPS: u32 = 10_000;
/// The most traces and subscriptions for other nodes: their events wait for the reader, and occupy up to 10 MB each.
const MAX_REMOTE: usize = 16;

impl Traces {
    fn traces(&self) -> MutexGuard<'_, HashMap<u64, ActiveTrace>> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a trace or a subscription for another node, unless there are too many.
    pub(crate) fn admit(&self) -> Option<RemoteTrace<'_>> {
        let admitted = |count: usize| (count < MAX_REMOTE).then_some(count + 1);
        let is_admitted = self.remote.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admitted).is_ok();
        // Not `then_some`: its value would be dropped, and free a place, if it is not admitted.
        is_admitted.then(|| RemoteTrace(&self.remote))
    }

    /// Starts a trace of this process between two points in time. It replaces an earlier one.
    pub(crate) fn begin(
        &self,
        process: u64,
        id: u64,
        (begin, end): (Instant, Instant),
        steps: u32,
    ) -> EventReceiver<TraceEvent> {
        let (trace, receiver) = ActiveTrace::new(id, (begin, end), steps, true);
        let replaced = self.traces().insert(process, trace);
        drop(replaced);
        receiver
    }

    /// Starts a trace of this process without the texts of its messages, unless the process is traced already.
    #[cfg(feature = "inspect")]
    pub(crate) fn begin_sample(
        &self,
        process: u64,
        id: u64,
        (begin, end): (Instant, Instant),
        steps: u32,
    ) -> Option<EventReceiver<TraceEvent>> {
        match self.traces().entry(process) {
            Entry::Occupied(_) => None,
            Entry::Vacant(vacant) => {
                let (trace, receiver) = ActiveTrace::new(id, (begin, end), steps, false);
                vacant.insert(trace);
                Some(receiver)
            }
        }
    }

    /// Returns whether the trace of a process contains the texts of its messages.
    pub(crate) fn has_text(&self, process: u64) -> bool {
        self.traces().get(&process).is_some_and(|trace| trace.has_text)
    }

    /// Adds an event to a process's trace; returns false if the process is no longer traced.
    pub(crate) fn record(
        &self,
        process: u64,
        now: Instant,
        step: TraceStep,
        variant: &'static str,
        from: Option<Pid>,
        text: Option<String>,
    ) -> bool {
        let mut traces = self.traces();
        let Some(trace) = traces.get_mut(&process) else { return false };
        let at = now.saturating_duration_since(trace.begin);
        let is_active = now < trace.end && trace.steps_left > 0;
        let sent = is_active && trace.sender.send(TraceEvent::new(at, step, variant, from, text));
        trace.steps_left = trace.steps_left.saturating_sub(1);
        let is_over = !sent || trace.steps_left == 0;
        let ended = if is_over { traces.remove(&process) } else { None };
        // Not under the lock: dropping the sender wakes the subscriber.
        drop(traces);
        drop(ended);
        !is_over
    }

    /// Ends the trace of a process, or only the one with this id. Returns true if there was one.
    pub(crate) fn end(&self, process: u64, id: Option<u64>) -> bool {
        let mut traces = self.traces();
        let is_meant = traces.get(&process).is_some_and(|trace| id.is_none_or(|id| trace.id == id));
        let ended = if is_meant { traces.remove(&process) } else { None };
        drop(traces);
        ended.is_some()
    }
}
