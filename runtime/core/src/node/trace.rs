use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;

use super::events::{EventReceiver, EventSender, Received, events};
use super::{Node, Resident};
use crate::base::Pid;
use crate::inspect::{Trace, TraceEvent, TraceStep};
use crate::sync::{Mutex, MutexGuard, PoisonError};

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

    /// Tells of one step; `false` if the process is traced no more.
    pub(crate) fn tell(
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

impl Node {
    /// Watches what becomes of one process's messages, without stopping it: each that comes in, and each that it
    /// takes, until `trace` is through or dropped. `None` if there is no such process here.
    ///
    /// A process is traced by one at a time: the last who asks. Of the trace that it replaces no more comes. An
    /// untraced process pays nothing for the possibility. The model is
    /// [`erlang:trace/3`](https://www.erlang.org/doc/apps/kernel/trace.html) with `['receive']`, bounded as
    /// [recon_trace](https://ferd.github.io/recon/recon_trace.html) does it.
    ///
    /// ```
    /// # use greenroom::{Trace, prelude::*};
    /// # async fn watch(node: Node, pid: Pid) {
    /// let Some(mut trace) = node.trace(&pid, Trace { steps: 20, lasting: Duration::from_secs(5) }) else { return };
    /// while let Some(event) = trace.next().await {
    ///     println!("{:?} {:?} {}", event.at, event.step, event.variant);
    /// }
    /// # }
    /// ```
    pub fn trace(&self, pid: &Pid, trace: Trace) -> Option<Tracing> {
        if **pid.node_id() != **self.id() {
            return None;
        }
        let number = pid.number();
        let resident = self.table().get(number).filter(|resident| resident.is_alive(number))?;
        let begin = self.clock().now();
        // What a clock cannot say is far enough.
        let end = begin.checked_add(trace.lasting).unwrap_or(begin + std::time::Duration::from_secs(86_400));
        let id = self.next_reference().0;
        let steps = trace.steps.min(STEPS);
        let (teller, listener) = events(steps as usize);
        let tap = Tap { id, begin, end, steps, teller };
        let replaced = self.taps().taps().insert(number, tap);
        drop(replaced);
        resident.trace(number, true);
        let late = self.clock().sleep_until(end);
        let guard = Guard { node: self.clone(), number, id, resident };
        Some(Tracing { listener, late, guard })
    }
}

/// What becomes of one process's messages; from [`Node::trace`]. Dropping it ends the trace.
#[must_use = "a trace is heard by whoever awaits `next`"]
pub struct Tracing {
    listener: EventReceiver<TraceEvent>,
    late: Pin<Box<dyn Future<Output = ()> + Send>>,
    guard: Guard,
}

struct Guard {
    node: Node,
    number: u64,
    id: u64,
    resident: Arc<dyn Resident>,
}

impl Guard {
    fn end(&self) {
        if self.node.taps().end(self.number, Some(self.id)) {
            self.resident.trace(self.number, false);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

impl Tracing {
    /// The next step; `None` when the trace is over: by its count, its time, or the end of the process. Cancel-safe.
    pub async fn next(&mut self) -> Option<TraceEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<TraceEvent>> {
        loop {
            match self.listener.poll_next(cx) {
                Poll::Ready(Some(Received::Event(event))) => return Poll::Ready(Some(event)),
                // It has room for all that a trace may tell.
                Poll::Ready(Some(Received::Missed(_))) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        if self.late.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.guard.end();
        Poll::Ready(None)
    }
}

impl Stream for Tracing {
    type Item = TraceEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TraceEvent>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tracing")
    }
}
