//! A sample of the messages between kinds of processes.
//!
//! Nothing counts messages by their senders while they are sent. So a sample traces some processes of each kind for a
//! moment, and takes the senders from the traces. Without a sample this costs nothing.
//!
//! Each kind counts by its number of processes: of a thousand sessions three are traced, and their messages count for all.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::answer::fitting;
use super::inspection::Inspection;
use super::question::Question;
use crate::base::Pid;
use crate::call::CallName;
use crate::node::{Current, Node, Tracing};
use crate::observe::{Trace, TraceStep};
use crate::remote::RemoteCall;

/// The time for which a sample traces processes, and the most steps of each.
const WINDOW: Duration = Duration::from_millis(500);
const MAX_STEPS: u32 = 500;
/// The most processes of one kind that a sample traces, and of all kinds.
const MAX_OF_KIND: usize = 3;
const MAX_TRACED: usize = 64;
/// The most processes among which a sample chooses.
const MAX_CANDIDATES: usize = 10_000;

/// Messages from one kind of process to another, as a sample found them; from
/// [`Inspection::message_flows`](crate::Inspection::message_flows).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageFlow {
    /// The sender.
    pub from: FlowSender,
    /// The type of the actor, or the function, that received the messages.
    pub to: String,
    /// The protocol of the receiver.
    pub protocol: String,
    /// The messages in a second, estimated.
    pub rate: f64,
    /// The messages in a second that a full mailbox refused or dropped, estimated.
    pub refused: f64,
}

/// The sender of a [`MessageFlow`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlowSender {
    /// Processes of the same node, by the type of their actor or their function.
    Kind(String),
    /// One process of another node.
    Remote(Pid),
    /// Code outside of any process, or a process that has ended.
    Unknown,
}

#[derive(Serialize, Deserialize)]
pub(super) struct MessageFlows {}

impl Question for MessageFlows {
    type Answer = Option<Vec<MessageFlow>>;
    const NAME: &'static str = "inspect::message_flows";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::message_flows" };

    async fn answer(self, node: Node) -> Option<Vec<MessageFlow>> {
        let _slot = node.traces().admit()?;
        let mut sampled = begin(&node);
        let begin = node.clock().now();
        node.clock().sleep_until(begin + WINDOW).await;
        let mut flows = Flows::default();
        for kind in &mut sampled {
            // Of those whose trace was not replaced by another one.
            let counts: Vec<_> = poll_fn(|_| Poll::Ready(kind.traced.iter_mut().map(count).collect())).await;
            for Counts { window, arrived, refused } in &counts {
                let weight = kind.processes as f64 / counts.len() as f64 / window.as_secs_f64();
                for (from, count) in arrived {
                    let from = sender(&node, from.as_ref());
                    flows.add(from, kind, *count as f64 * weight, 0.0);
                }
                // A step of a refusal comes behind that of its message, without the sender.
                for (from, count) in refused {
                    flows.add(sender(&node, from.as_ref()), kind, 0.0, *count as f64 * weight);
                }
            }
        }
        Some(fitting(flows.0.into_values()))
    }
}

/// The processes of one kind.
struct SampledKind {
    kind: &'static str,
    protocol: &'static str,
    processes: usize,
    traced: Vec<Tracing>,
}

/// Begins the traces of a sample, evenly over all kinds.
fn begin(node: &Node) -> Vec<SampledKind> {
    let mut kinds: BTreeMap<(&'static str, &'static str), Vec<u64>> = BTreeMap::new();
    let mut candidates = node.table().all();
    // A sample of another part of a large node each time.
    if candidates.len() > MAX_CANDIDATES {
        let start = node.rng().below(candidates.len() as u64) as usize;
        candidates.rotate_left(start);
        candidates.truncate(MAX_CANDIDATES);
    }
    for (number, cell) in candidates {
        if !Current::is(node, number) {
            kinds.entry((cell.type_and_line().0, cell.protocol())).or_default().push(number);
        }
    }
    let most = MAX_OF_KIND.min((MAX_TRACED / kinds.len().max(1)).max(1));
    let sample = |((kind, protocol), mut numbers): ((&'static str, &'static str), Vec<u64>)| {
        let processes = numbers.len();
        let limits = Trace { steps: MAX_STEPS, duration: 2 * WINDOW };
        let mut traced = Vec::new();
        while traced.len() < most && !numbers.is_empty() {
            let at = node.rng().below(numbers.len() as u64) as usize;
            traced.extend(node.sample(numbers.swap_remove(at), limits));
        }
        SampledKind { kind, protocol, processes, traced }
    };
    kinds.into_iter().take(MAX_TRACED).map(sample).collect()
}

/// The messages to one traced process, by sender.
struct Counts {
    /// The time in which they were counted.
    window: Duration,
    arrived: BTreeMap<Option<Pid>, u64>,
    refused: BTreeMap<Option<Pid>, u64>,
}

/// Counts the messages of a trace so far.
fn count(tracing: &mut Tracing) -> Counts {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut counts = Counts { window: WINDOW, arrived: BTreeMap::new(), refused: BTreeMap::new() };
    let (mut last, mut steps) = (None, 0);
    while let Poll::Ready(Some(event)) = Pin::new(&mut *tracing).poll_next(&mut cx) {
        steps += 1;
        match event.step {
            TraceStep::Arrived => {
                *counts.arrived.entry(event.from.clone()).or_default() += 1;
                last = event.from;
            }
            TraceStep::Refused => *counts.refused.entry(last.clone()).or_default() += 1,
            TraceStep::Taken => {}
        }
        if steps == MAX_STEPS {
            // The trace has ended before the sample.
            counts.window = event.at.max(Duration::from_micros(1));
        }
    }
    counts
}

fn sender(node: &Node, pid: Option<&Pid>) -> FlowSender {
    match pid {
        Some(pid) if !pid.belongs_to(node.id()) => FlowSender::Remote(pid.clone()),
        Some(pid) => match node.table().get(pid.number()) {
            Some(cell) => FlowSender::Kind(cell.type_and_line().0.to_owned()),
            None => FlowSender::Unknown,
        },
        None => FlowSender::Unknown,
    }
}

/// The flows by sender and receiver.
#[derive(Default)]
struct Flows(BTreeMap<(FlowSender, &'static str, &'static str), MessageFlow>);

impl Flows {
    fn add(&mut self, from: FlowSender, to: &SampledKind, rate: f64, refused: f64) {
        let SampledKind { kind, protocol, .. } = to;
        let flow = self.0.entry((from.clone(), kind, protocol)).or_insert_with(|| MessageFlow {
            from,
            to: (*kind).to_owned(),
            protocol: (*protocol).to_owned(),
            rate: 0.0,
            refused: 0.0,
        });
        flow.rate += rate;
        flow.refused += refused;
    }
}

impl Inspection {
    /// Samples the messages between kinds of processes for half a second. Returns `None` if the node has 16 traces and
    /// subscriptions for other nodes already.
    ///
    /// The node traces up to three processes of each kind, 64 in all, without the texts of their messages, and estimates the
    /// rates of the others of their kind. A process that is traced already is left out. The sample costs about as much as
    /// a [trace](Self::trace) of these processes. Without a sample a node counts nothing.
    pub fn message_flows(&self) -> RemoteCall<Option<Vec<MessageFlow>>> {
        self.ask(MessageFlows {})
    }
}
