//! What a node shows of itself to whoever looks: its processes one by one, and all of them in figures.

mod events;
mod trace;

pub use trace::Tracing;

use super::{Current, Node};
use crate::base::Pid;
use crate::observe::{Alarm, Counters, Metrics, ProcessInfo, ProcessState};

impl Node {
    /// The processes that live here, oldest first. Takes time in proportion, and stops none of them. As
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

    /// One process of this node; `None` if it has ended, or lives elsewhere. Takes the same short time whatever the
    /// process does, and never stops it.
    pub fn process_info(&self, pid: &Pid) -> Option<ProcessInfo> {
        if **pid.node_id() != **self.id() {
            return None;
        }
        let number = pid.number();
        let cell = self.table().get(number)?;
        let parent = cell.ancestry().parent;
        let mut info = cell.process_info(number)?;
        info.ancestors = self.ancestors(parent);
        if info.state != ProcessState::Exiting && (Current::is(self, number) || self.watchdog().is_running(number)) {
            info.state = ProcessState::Running;
        }
        Some(info)
    }

    /// The process of this node that this one has called, if it has waited for an answer for some time.
    #[cfg(feature = "test")]
    pub(crate) fn waits_for(&self, caller: &Pid) -> Option<Pid> {
        let waiting = self.table().get(caller.number())?.waiting(caller.number())?;
        Some(self.pid(waiting.callee))
    }

    /// The node in figures. Takes time in proportion to its processes; [`Metrics::to_prometheus`] writes it down.
    ///
    /// Nothing of a message is counted for this alone: the figures of living processes are added up when asked for, with
    /// what those that have ended left behind. A connection counts its bytes, once for each read and write.
    // So marked, it is compiled for those who ask for it.
    #[inline]
    pub fn metrics(&self) -> Metrics {
        let counters = self.counters();
        let mut metrics = Metrics {
            node: self.name().to_string(),
            uptime: self.clock().now().saturating_duration_since(self.born()),
            names: self.names().count() as u64,
            peers: self
                .router()
                .map(|router| router.peers().iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            restarts: self.loss_counts().restarts(),
            #[cfg(feature = "net")]
            traffic: self.peer_traffic().by_peer(),
            lost_messages: counters.lost_messages,
            refused_connections: counters.refused_connections,
            ..Metrics::default()
        };
        for (protocol, figures) in self.table().figures() {
            match metrics.protocols.get_mut(protocol) {
                Some(all) => all.add(&figures),
                None => {
                    metrics.protocols.insert(protocol.to_owned(), figures);
                }
            }
        }
        for (protocol, count) in self.loss_counts().timeouts() {
            metrics.protocols.entry(protocol).or_default().timeouts = count;
        }
        for of in metrics.protocols.values_mut() {
            of.started = of.processes + of.ended.total();
        }
        metrics.alarms = Alarm::NAMES.iter().map(|name| ((*name).to_owned(), 0)).collect();
        for alarm in self.raised_alarms() {
            *metrics.alarms.entry(alarm.name().to_owned()).or_default() += 1;
        }
        metrics
    }

    /// What the node lost since it started.
    pub fn counters(&self) -> Counters {
        self.loss_counts().counters()
    }

    /// Who started the process, who started that one, and so on, as far as they still live and one further.
    pub(crate) fn ancestors(&self, parent: u64) -> Vec<Pid> {
        let next = |number: &u64| Some(self.table().get(*number)?.ancestry().parent);
        let line = std::iter::successors(Some(parent), next);
        line.take_while(|number| *number != 0).map(|number| self.pid(number)).collect()
    }
}
