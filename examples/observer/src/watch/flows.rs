//! The dependency graph: which kinds of processes send messages to which others, on all nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use greenroom::{FlowSender, Inspection, Pid, prelude::*};
use serde::{Deserialize, Serialize};

use super::view::short;

/// The most flows to one node, those with the highest rates.
const MAX_FLOWS: usize = 100;
/// The most senders of other nodes whose kinds are looked up for one sample.
const MAX_LOOKUPS: usize = 16;
/// The share of a new sample in the rate that is shown.
const SHARE: f64 = 0.4;
/// The rate below which a flow is forgotten, in messages a second.
const LEAST_RATE: f64 = 0.05;
/// The time limit of a question.
const LIMIT: Duration = Duration::from_secs(2);

/// A kind of process on a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Kind {
    /// The node's name.
    pub node: String,
    /// The type of the actor or the function.
    pub kind: String,
}

/// Messages from one kind of process to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// The sender.
    pub from: Kind,
    /// The receiver.
    pub to: Kind,
    /// The receiver's protocol.
    pub protocol: String,
    /// The messages a second, estimated.
    pub rate: f64,
    /// The messages a second that a full mailbox refused, estimated, and the calls a second that timed out.
    pub errors: f64,
}

/// The kind of code outside of any process, and of processes that have ended.
const OUTSIDE: &str = "no process, or ended";

/// Requests a sample of the messages on a node, with the kinds of the senders on other nodes.
pub(super) async fn sample(node: Node, at: String) -> Result<Vec<Flow>, CallError> {
    let there = node.inspect(&at);
    let found = there.message_flows().within(LIMIT).await?.unwrap_or_default();
    let mut kinds: BTreeMap<Pid, String> = BTreeMap::new();
    let mut flows = Vec::new();
    for flow in found {
        let from = match flow.from {
            FlowSender::Kind(kind) => Kind { node: at.clone(), kind: short(&kind) },
            FlowSender::Remote(pid) => {
                let kind = match kinds.get(&pid) {
                    Some(kind) => kind.clone(),
                    None if kinds.len() < MAX_LOOKUPS => {
                        // Not connected to the sender's node yet: the next sample has it.
                        let there = node.inspect(pid.node().as_str());
                        let Some(kind) = kind_of(&there, &pid).await else { continue };
                        kinds.entry(pid.clone()).or_insert(kind).clone()
                    }
                    None => continue,
                };
                Kind { node: pid.node().to_string(), kind }
            }
            _ => Kind { node: at.clone(), kind: OUTSIDE.to_owned() },
        };
        let to = Kind { node: at.clone(), kind: short(&flow.to) };
        flows.push(Flow { from, to, protocol: flow.protocol, rate: flow.rate, errors: flow.refused });
    }
    Ok(flows)
}

/// Returns the kind of a process, or `None` if its node does not answer.
async fn kind_of(there: &Inspection, pid: &Pid) -> Option<String> {
    let info = there.process_info(pid).within(LIMIT).await.ok()?;
    Some(info.map_or_else(|| OUTSIDE.to_owned(), |info| short(&info.kind)))
}

/// The flows to one node, with rates that several samples have smoothed.
#[derive(Default)]
pub(super) struct Flows(BTreeMap<(Kind, Kind, String), (f64, f64)>);

impl Flows {
    /// Adds a sample. `timeouts` are the calls a second that timed out on each node, by the callee's protocol.
    pub(super) fn add(&mut self, sample: Vec<Flow>) {
        for (rate, errors) in self.0.values_mut() {
            *rate *= 1.0 - SHARE;
            *errors *= 1.0 - SHARE;
        }
        let is_first = self.0.is_empty();
        for flow in sample {
            let share = if is_first { 1.0 } else { SHARE };
            let (rate, errors) = self.0.entry((flow.from, flow.to, flow.protocol)).or_default();
            *rate += share * flow.rate;
            *errors += share * flow.errors;
        }
        self.0.retain(|_, (rate, _)| *rate >= LEAST_RATE);
    }

    /// Returns the strongest flows, the strongest one first.
    pub(super) fn strongest(&self) -> Vec<Flow> {
        let mut flows: Vec<_> = self
            .0
            .iter()
            .map(|((from, to, protocol), (rate, errors))| Flow {
                from: from.clone(),
                to: to.clone(),
                protocol: protocol.clone(),
                rate: *rate,
                errors: *errors,
            })
            .collect();
        flows.sort_by(|a, b| b.rate.total_cmp(&a.rate));
        flows.truncate(MAX_FLOWS);
        flows
    }
}

/// Adds the calls that timed out to the errors of the strongest flow from each node to their protocol. The counts of a node
/// do not distinguish its callers.
pub(super) fn add_timeouts(flows: &mut [Flow], node: &str, timeouts: &BTreeMap<String, f64>) {
    for (protocol, rate) in timeouts {
        let meant = |flow: &&mut Flow| flow.from.node == node && flow.protocol == *protocol;
        if let Some(flow) = flows.iter_mut().filter(meant).max_by(|a, b| a.rate.total_cmp(&b.rate)) {
            flow.errors += rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(from: &str, to: &str, rate: f64) -> Flow {
        let kind = |kind: &str| Kind { node: "a@x".to_owned(), kind: kind.to_owned() };
        Flow { from: kind(from), to: kind(to), protocol: format!("{to}Message"), rate, errors: 0.0 }
    }

    #[test]
    fn rates_are_smoothed_and_flows_that_ended_are_forgotten() {
        let mut flows = Flows::default();
        flows.add(vec![flow("Client", "Desk", 10.0)]);
        assert_eq!(flows.strongest(), [flow("Client", "Desk", 10.0)]);
        flows.add(vec![flow("Client", "Desk", 20.0), flow("Client", "Bank", 100.0)]);
        let rates: Vec<_> = flows.strongest().iter().map(|flow| (flow.to.kind.clone(), flow.rate)).collect();
        assert_eq!(rates, [("Bank".to_owned(), 40.0), ("Desk".to_owned(), 14.0)]);
        for _ in 0..20 {
            flows.add(Vec::new());
        }
        assert_eq!(flows.strongest(), []);
    }

    #[test]
    fn timeouts_count_for_the_strongest_flow_of_their_protocol() {
        let mut flows = [flow("Client", "Desk", 1.0), flow("Guest", "Desk", 5.0), flow("Client", "Bank", 9.0)];
        add_timeouts(&mut flows, "a@x", &[("DeskMessage".to_owned(), 2.0), ("Other".to_owned(), 1.0)].into());
        add_timeouts(&mut flows, "b@x", &[("BankMessage".to_owned(), 3.0)].into());
        assert_eq!(flows.map(|flow| flow.errors), [0.0, 2.0, 0.0]);
    }
}
