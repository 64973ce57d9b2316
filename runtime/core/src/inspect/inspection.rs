//! The questions as methods.

use super::answer::{NodeMetrics, OneProcess, Processes, RaisedAlarms};
use super::error::TraceError;
use super::overview::{AtAGlance, NodeOverview};
use super::question::{Ask, Question};
use super::stream::{RemoteEvents, RemoteTracing};
use crate::base::Pid;
use crate::node::Node;
use crate::observe::{Alarm, Metrics, ProcessInfo, Trace};
use crate::remote::{RemoteCall, call_at};

/// Another node, as observers see it; from [`Node::inspect`].
///
/// The methods are those of [`Node`]. Each is a question to the node, which answers it in a process of its own. Without an
/// answer the question fails after 5 s, unless [`within`](RemoteCall::within) changes that. All futures are cancel-safe.
///
/// An answer occupies at most 64 KiB, whatever the node has. The methods state what they leave out for that.
///
/// # Errors
/// Each question can fail with these kinds of errors, and those of a [`RemoteCall`]:
/// - [`CallErrorKind::NoConnection`](crate::CallErrorKind::NoConnection): this node is not connected to the other one.
/// - [`CallErrorKind::NotAllowed`](crate::CallErrorKind::NotAllowed): the [`Policy`](crate::Policy) of the node does not
///   give this one the right [`Inspect`](crate::Right::Inspect).
/// - [`CallErrorKind::NotExported`](crate::CallErrorKind::NotExported): the node runs a release without this question, or
///   was built without the feature `inspect`.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub(super) node: Node,
    pub(super) at: Box<str>,
}

#[cfg(feature = "inspect")]
impl Node {
    /// Inspects another node, for example `shop@gollum`: its processes, trees, metrics, alarms and messages. Nothing is
    /// sent before the first question. The node's own name is possible, too.
    ///
    /// The counterpart in Erlang is a call such as
    /// [`erpc:call(Node, erlang, processes, [])`](https://www.erlang.org/doc/apps/kernel/erpc.html#call/4).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # async fn show(node: &Node) -> greenroom::Result {
    /// let shop = node.inspect("shop@gollum");
    /// for process in shop.processes(None).await? {
    ///     println!("{:>8} {} {} {}", process.mailbox, process.pid, process.kind, process.state);
    /// }
    /// print!("{}", shop.metrics().await?.to_prometheus());
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect(&self, node: impl AsRef<str>) -> Inspection {
        Inspection { node: self.clone(), at: node.as_ref().into() }
    }
}

impl Inspection {
    pub(super) fn ask<Q: Question>(&self, question: Q) -> RemoteCall<Q::Answer> {
        call_at::<Ask<Q>>(&self.node, &self.at, (question,))
    }

    /// Returns the oldest processes, or those that were started after the process `after`: as many as fit into an answer.
    ///
    /// The lists of links, monitors and ancestors of each have about a kilobyte. An empty answer means that there are no
    /// further processes. So this reads all of them:
    ///
    /// ```
    /// # use greenroom::{Inspection, ProcessInfo, prelude::*};
    /// async fn all(shop: &Inspection) -> Result<Vec<ProcessInfo>, CallError> {
    ///     let mut all: Vec<ProcessInfo> = Vec::new();
    ///     loop {
    ///         let more = shop.processes(all.last().map(|process| &process.pid)).await?;
    ///         if more.is_empty() {
    ///             return Ok(all);
    ///         }
    ///         all.extend(more);
    ///     }
    /// }
    /// ```
    pub fn processes(&self, after: Option<&Pid>) -> RemoteCall<Vec<ProcessInfo>> {
        self.ask(Processes { after: after.map_or(0, Pid::number) })
    }

    /// Returns the state of one process, or `None` if it has ended or is on another node: see
    /// [`Node::process_info`]. The lists of its links, monitors and ancestors have about ten kilobytes each.
    pub fn process_info(&self, pid: &Pid) -> RemoteCall<Option<ProcessInfo>> {
        self.ask(OneProcess { pid: pid.clone() })
    }

    /// Returns the node's metrics: see [`Node::metrics`].
    pub fn metrics(&self) -> RemoteCall<Metrics> {
        self.ask(NodeMetrics {})
    }

    /// Returns the alarms that are raised, as many as fit into an answer: see [`Node::raised_alarms`].
    pub fn raised_alarms(&self) -> RemoteCall<Vec<Alarm>> {
        self.ask(RaisedAlarms {})
    }

    /// Returns the node at a glance: its version, its uptime, its load, its memory, and the members of its cluster.
    pub fn overview(&self) -> RemoteCall<NodeOverview> {
        self.ask(AtAGlance {})
    }

    /// Subscribes to the node's alarms, beginning with those that are raised, and to its lifecycle events from now on: see
    /// [`Node::alarms`] and [`Node::lifecycle`]. Resolves when the node has subscribed.
    ///
    /// The subscription ends when the stream is dropped, and when the connection is lost. If events wait for a call of
    /// [`next`](RemoteEvents::next), the node keeps about a thousand of each kind, and reports the number of the others.
    ///
    /// # Errors
    /// - [`TraceError::TooMany`]: the node has 16 traces and subscriptions for other nodes.
    /// - [`TraceError::Failed`] with the errors of each question.
    pub async fn events(&self) -> Result<RemoteEvents, TraceError> {
        RemoteEvents::begin(self.node.clone(), |question| self.ask(question)).await
    }

    /// Traces the messages of one process: see [`Node::trace`]. Resolves when the trace has begun.
    ///
    /// The trace also ends when the stream is dropped, when its process exits, and when the connection is lost. It takes at
    /// most an hour, whatever the limits of `trace`, and its events wait as long for a call of
    /// [`next`](RemoteTracing::next).
    ///
    /// ```
    /// # use greenroom::{Inspection, Trace, prelude::*};
    /// # async fn watch(shop: &Inspection, pid: &Pid) -> greenroom::Result {
    /// let mut trace = shop.trace(pid, Trace { steps: 20, duration: Duration::from_secs(5) }).await?;
    /// while let Some(event) = trace.next().await? {
    ///     println!("{:?} {:?} {}", event.at, event.step, event.variant);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`TraceError::NoProc`]: the process has ended, or is not on the node.
    /// - [`TraceError::TooMany`]: the node has 16 traces and subscriptions for other nodes.
    /// - [`TraceError::Failed`] with the errors of each question.
    pub async fn trace(&self, pid: &Pid, trace: Trace) -> Result<RemoteTracing, TraceError> {
        RemoteTracing::begin(self.node.clone(), |question| self.ask(question), pid.clone(), trace).await
    }
}
