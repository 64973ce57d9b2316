//! The question for a node at a glance.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::fitting;
use super::question::Question;
use crate::base::Member;
use crate::call::CallName;
use crate::node::Node;

/// A node at a glance; from [`Inspection::overview`](crate::Inspection::overview).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeOverview {
    /// The node's name.
    pub node: String,
    /// The version of greenroom that the node runs.
    pub greenroom: String,
    /// The values that the node was started with: see [`NodeBuilder::metadata`](crate::NodeBuilder::metadata).
    pub metadata: BTreeMap<String, String>,
    /// The address at which other nodes dial it; `None` if it only dials.
    pub address: Option<String>,
    /// The other members of the cluster that the node has, as many as fit into an answer.
    pub members: Vec<Member>,
    /// The time since the node started.
    pub uptime: Duration,
    /// The number of processes.
    pub processes: u64,
    /// The memory of the whole program in bytes. `None` where the operating system is not Linux.
    pub memory: Option<u64>,
    /// The work of the program's threads. `None` if the node has another spawner than tokio.
    pub load: Option<Load>,
}

/// The work of the threads on which a node's processes run, from
/// [tokio's metrics](https://docs.rs/tokio/latest/tokio/runtime/struct.RuntimeMetrics.html). Other code of the program is
/// counted, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Load {
    /// The number of threads.
    pub threads: u64,
    /// The time for which all threads together have worked since the program started.
    pub busy: Duration,
    /// The number of tasks that wait for a thread in the queue of all threads: the run queue. Each thread has a small
    /// queue of its own, which is not counted.
    pub queue: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AtAGlance {}

impl Question for AtAGlance {
    type Answer = NodeOverview;
    const NAME: &'static str = "inspect::overview";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::overview" };

    async fn answer(self, node: Node) -> NodeOverview {
        let own = node.router().map(|router| router.own_record());
        let (address, metadata) = own.map(|own| (own.address, own.metadata)).unwrap_or_default();
        NodeOverview {
            node: node.name().to_string(),
            greenroom: env!("CARGO_PKG_VERSION").to_owned(),
            metadata,
            address,
            members: fitting(node.members()),
            uptime: Duration::from_nanos(node.uptime_nanos()),
            // Not the process that answers.
            processes: (node.process_count() as u64).saturating_sub(1),
            memory: resident_memory(),
            load: Load::now(),
        }
    }
}

impl Load {
    fn now() -> Option<Load> {
        let metrics = tokio::runtime::Handle::try_current().ok()?.metrics();
        let threads = metrics.num_workers();
        let busy = (0..threads).map(|thread| metrics.worker_total_busy_duration(thread)).sum();
        Some(Load { threads: threads as u64, busy, queue: metrics.global_queue_depth() as u64 })
    }
}

/// Returns the memory that the operating system has given to this program.
fn resident_memory() -> Option<u64> {
    // A file without a disk behind it: the read does not wait.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().split(' ').next()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}
