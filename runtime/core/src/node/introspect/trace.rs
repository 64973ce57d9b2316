//! Message traces of single processes.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;

use crate::base::Pid;
use crate::node::{AnyCell, Node};
use crate::observe::{EventReceiver, Received, Trace, TraceEvent};

/// The limit of a trace whose own limit is beyond the clock's range.
const MAX_DURATION: Duration = Duration::from_secs(86_400);

impl Node {
    /// Traces the messages of one process, without interrupting it: each that arrives, and each that the process takes.
    /// Returns `None` if the process has ended or is on another node.
    ///
    /// The trace ends at the limits of `trace`, with the process, or when the stream is dropped. A process has at most
    /// one trace: a new one ends the one before. A process that is not traced has no additional cost.
    ///
    /// The counterpart in Erlang is [`erlang:trace/3`](https://www.erlang.org/doc/apps/kernel/trace.html) with
    /// `['receive']`, with limits as in [recon_trace](https://ferd.github.io/recon/recon_trace.html).
    ///
    /// ```
    /// # use greenroom::{Trace, prelude::*};
    /// # async fn watch(node: Node, pid: Pid) {
    /// let Some(mut trace) = node.trace(&pid, Trace { steps: 20, duration: Duration::from_secs(5) }) else { return };
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
        let cell = self.table().get(number).filter(|cell| cell.is_alive(number))?;
        let begin = self.clock().now();
        let end = begin.checked_add(trace.duration).unwrap_or(begin + MAX_DURATION);
        let id = self.next_reference().0;
        let receiver = self.traces().begin(number, id, (begin, end), trace.steps);
        Some(self.tracing(receiver, end, (number, id), cell))
    }

    /// Traces the messages of one process without their texts, unless it is traced already.
    #[cfg(feature = "inspect")]
    pub(crate) fn sample(&self, number: u64, trace: Trace) -> Option<Tracing> {
        let cell = self.table().get(number).filter(|cell| cell.is_alive(number))?;
        let begin = self.clock().now();
        let (end, id) = (begin + trace.duration.min(MAX_DURATION), self.next_reference().0);
        let receiver = self.traces().begin_sample(number, id, (begin, end), trace.steps)?;
        Some(self.tracing(receiver, end, (number, id), cell))
    }

    /// Lets the process report its messages to the trace that has begun.
    fn tracing(
        &self,
        receiver: EventReceiver<TraceEvent>,
        end: Instant,
        (number, id): (u64, u64),
        cell: Arc<dyn AnyCell>,
    ) -> Tracing {
        cell.set_traced(number, true);
        let timer = self.clock().sleep_until(end);
        Tracing { receiver, timer, guard: TraceGuard { node: self.clone(), number, id, cell } }
    }
}

/// A trace of one process's messages; from [`Node::trace`]. Dropping it ends the trace.
#[must_use = "a trace is read by awaiting `next`"]
pub struct Tracing {
    receiver: EventReceiver<TraceEvent>,
    timer: Pin<Box<dyn Future<Output = ()> + Send>>,
    guard: TraceGuard,
}

/// Ends a trace when it is dropped.
struct TraceGuard {
    node: Node,
    number: u64,
    id: u64,
    cell: Arc<dyn AnyCell>,
}

impl TraceGuard {
    fn end(&self) {
        if self.node.traces().end(self.number, Some(self.id)) {
            self.cell.set_traced(self.number, false);
        }
    }
}

impl Drop for TraceGuard {
    fn drop(&mut self) {
        self.end();
    }
}

impl Tracing {
    /// Returns the next event, or `None` when the trace has ended: by its limits, or with the process. Cancel-safe.
    pub async fn next(&mut self) -> Option<TraceEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<TraceEvent>> {
        loop {
            match self.receiver.poll_next(cx) {
                Poll::Ready(Some(Received::Event(event))) => return Poll::Ready(Some(event)),
                // Not reached: the channel's capacity is the limit of steps.
                Poll::Ready(Some(Received::Missed(_))) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        if self.timer.as_mut().poll(cx).is_pending() {
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
