use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::base::Pid;
use crate::node::{AnyCell, Node};
use crate::observe::{EventReceiver, Received, Trace, TraceEvent};

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
        // What a clock cannot say is far enough.
        let end = begin.checked_add(trace.duration).unwrap_or(begin + std::time::Duration::from_secs(86_400));
        let id = self.next_reference().0;
        let listener = self.traces().begin(number, id, begin, end, trace.steps);
        cell.set_traced(number, true);
        let late = self.clock().sleep_until(end);
        let guard = Guard { node: self.clone(), number, id, cell };
        Some(Tracing { listener, late, guard })
    }
}

/// What becomes of one process's messages; from [`Node::trace`]. Dropping it ends the trace.
#[must_use = "a trace is read by awaiting `next`"]
pub struct Tracing {
    listener: EventReceiver<TraceEvent>,
    late: Pin<Box<dyn Future<Output = ()> + Send>>,
    guard: Guard,
}

struct Guard {
    node: Node,
    number: u64,
    id: u64,
    cell: Arc<dyn AnyCell>,
}

impl Guard {
    fn end(&self) {
        if self.node.traces().end(self.number, Some(self.id)) {
            self.cell.set_traced(self.number, false);
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
