//! A node as observers see it: its processes, metrics, alarms, lifecycle events and message traces.

mod events;
mod trace;

pub use trace::Tracing;

use super::{Current, Node};
use crate::base::Pid;
use crate::observe::{Alarm, Counters, Metrics, ProcessInfo, ProcessState};

impl Node {
    /// Returns the node's processes, oldest first, without interrupting them. The counterpart in Erlang is
    /// [`erlang:processes/0`](https://www.erlang.org/doc/apps/erts/erlang.html#processes/0).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # fn show(node: &Node) {
    /// let mut all: Vec<_> = node.processes().iter().filter_map(|pid| node.process_info(pid)).collect();
    /// all.sort_by_key(|process| std::cmp::Reverse(process.mailbox));
    /// for process in all.iter().take(10) {
    ///     println!("{:>8} {} {} {}", process.mailbox, process.pid, process.kind, process.state);
    /// }
    /// # }
    /// ```
    pub fn processes(&self) -> Vec<Pid> {
        self.table().all().iter().map(|(number, _)| self.pid(*number)).collect()
    }

    /// Returns the state of one process, or `None` if it has ended or is on another node. Does not interrupt the process,
    /// and does not wait for it.
    pub fn process_info(&self, pid: &Pid) -> Option<ProcessInfo> {
        if **pid.node_id() != **self.id() {
            return None;
        }
        let number = pid.number();
        let cell = self.table().get(number);
        #[cfg(feature = "test")]
        if cell.is_none() {
            self.mark_crash_seen(pid);
        }
        let cell = cell?;
        let parent = cell.ancestry().parent;
        let mut info = cell.process_info(number)?;
        info.ancestors = self.ancestors(parent);
        let is_polled = || Current::is(self, number) || self.inner.watchdog.is_running(number);
        if info.state != ProcessState::Exiting && is_polled() {
            info.state = ProcessState::Running;
        }
        Some(info)
    }

    /// Returns the node's metrics, for example for [`Metrics::to_prometheus`]. Takes time in proportion to the number of
    /// processes.
    ///
    /// Messages are not counted for the metrics alone: the counts of running processes are added up by this function, and
    /// those of ended processes were kept. A connection counts its bytes once for each read and write.
    // `#[inline]`: a program that does not call it does not compile it.
    #[inline]
    pub fn metrics(&self) -> Metrics {
        let counters = self.counters();
        let router = self.router();
        let mut metrics = Metrics {
            node: self.name().to_string(),
            uptime: self.clock().now().saturating_duration_since(self.inner.started_at),
            names: self.names().count() as u64,
            peers: router.map(|router| router.peers().iter().map(ToString::to_string).collect()).unwrap_or_default(),
            restarts: self.loss_counts().restarts(),
            #[cfg(feature = "net")]
            traffic: self.peer_traffic().by_peer(),
            lost_messages: counters.lost_messages,
            refused_connections: counters.refused_connections,
            refused_relations: counters.refused_relations,
            refused_by_policy: counters.refused_by_policy,
            rejected_certificates: counters.rejected_certificates,
            node_ups: counters.node_ups,
            node_downs: counters.node_downs,
            claims: self.claims_held() as u64,
            claims_lost: counters.claims_lost,
            claims_refused: counters.claims_refused,
            lost_states: counters.lost_states,
            lost_trace_contexts: counters.lost_trace_contexts,
            ..Metrics::default()
        };
        for (protocol, of_protocol) in self.table().metrics() {
            match metrics.protocols.get_mut(protocol) {
                Some(sum) => sum.add(&of_protocol),
                None => {
                    metrics.protocols.insert(protocol.to_owned(), of_protocol);
                }
            }
        }
        for (protocol, count) in self.loss_counts().timeouts() {
            metrics.protocols.entry(protocol).or_default().timeouts = count;
        }
        for of_protocol in metrics.protocols.values_mut() {
            of_protocol.started = of_protocol.processes + of_protocol.ended.total();
        }
        metrics.alarms = Alarm::NAMES.iter().map(|name| ((*name).to_owned(), 0)).collect();
        for alarm in self.raised_alarms() {
            *metrics.alarms.entry(alarm.name().to_owned()).or_default() += 1;
        }
        metrics
    }

    /// Returns the counts of lost messages, refused connections and the like since the node started.
    pub fn counters(&self) -> Counters {
        self.loss_counts().counters()
    }

    /// Returns the supervisors that no other supervisor has started, oldest first.
    #[cfg(feature = "net")]
    pub(crate) fn root_supervisors(&self) -> Vec<Pid> {
        let all = self.table().all().into_iter().map(|(number, cell)| (number, cell.ancestry()));
        let roots = all.filter(|(_, ancestry)| ancestry.supervisor && !self.is_supervisor(ancestry.parent));
        roots.map(|(number, _)| self.pid(number)).collect()
    }

    /// Returns a process's parent, its parent, and so on, up to one that has ended or was not started by a process.
    pub(crate) fn ancestors(&self, parent: u64) -> Vec<Pid> {
        let parent_of = |number: &u64| Some(self.table().get(*number)?.ancestry().parent);
        let numbers = std::iter::successors(Some(parent), parent_of);
        numbers.take_while(|number| *number != 0).map(|number| self.pid(number)).collect()
    }
}
