//! Prometheus's [text format](https://prometheus.io/docs/instrumenting/exposition_formats/), version 0.0.4: names and
//! units by its [conventions](https://prometheus.io/docs/practices/naming/).

use std::fmt::{self, Write};

use super::{Metrics, ProtocolMetrics};

impl Metrics {
    /// The figures in Prometheus's text format: what a page at `/metrics` answers, as
    /// `text/plain; version=0.0.4; charset=utf-8`.
    ///
    /// All names begin with `greenroom_`; counters end in `_total`, bytes in `_bytes`, seconds in `_seconds`.
    // So marked, all of this page is compiled for those who ask for it.
    #[inline]
    pub fn to_prometheus(&self) -> String {
        let mut page = Page(String::new());
        // A text takes all that is written to it.
        let _ = self.write(&mut page);
        page.0
    }

    #[inline]
    fn write(&self, page: &mut Page) -> fmt::Result {
        page.family("node_info", "gauge", "The node's name.")?;
        page.sample("node_info", &[("node", &self.node)], 1)?;
        page.family("uptime_seconds", "gauge", "How long the node has been up.")?;
        page.sample("uptime_seconds", &[], self.uptime.as_secs_f64())?;
        page.single("names", "gauge", "Registered names.", self.names)?;
        page.single("peers", "gauge", "Connected nodes.", self.peers.len())?;
        page.family("peer_received_bytes_total", "counter", "Bytes that came from a peer, as they are on the wire.")?;
        for (peer, traffic) in &self.traffic {
            page.sample("peer_received_bytes_total", &[("peer", peer)], traffic.received)?;
        }
        page.family("peer_sent_bytes_total", "counter", "Bytes that went to a peer, as they are on the wire.")?;
        for (peer, traffic) in &self.traffic {
            page.sample("peer_sent_bytes_total", &[("peer", peer)], traffic.sent)?;
        }

        self.each(page, "processes", "gauge", "Processes that live.", |of| of.processes)?;
        self.each(page, "processes_started_total", "counter", "Processes that were started.", |of| of.started)?;
        page.family("processes_ended_total", "counter", "Processes that have ended, by reason.")?;
        for (protocol, of) in &self.protocols {
            for (reason, count) in of.ended.by_reason() {
                page.sample("processes_ended_total", &[("protocol", protocol), ("reason", reason)], count)?;
            }
        }
        page.family("restarts_total", "counter", "Children that were started again, by supervisor.")?;
        for (supervisor, count) in &self.restarts {
            page.sample("restarts_total", &[("supervisor", supervisor)], count)?;
        }

        self.each(page, "messages_received_total", "counter", "Messages that came into a mailbox.", |of| of.received)?;
        self.each(page, "messages_handled_total", "counter", "Messages that a process took.", |of| of.handled)?;
        self.each(page, "calls_handled_total", "counter", "Calls among the messages handled.", |of| of.calls)?;
        self.each(page, "call_timeouts_total", "counter", "Calls that were not answered in time, by callee.", |of| {
            of.timeouts
        })?;
        self.each(page, "messages_refused_total", "counter", "Messages that a full mailbox refused.", |of| of.refused)?;
        self.each(page, "messages_dropped_total", "counter", "Messages that a full mailbox dropped.", |of| of.dropped)?;
        self.each(page, "mailbox_messages", "gauge", "Messages that nobody has looked at.", |of| of.waiting)?;
        self.each(page, "saved_messages", "gauge", "Messages that no receive has taken yet.", |of| of.saved)?;
        self.each(page, "longest_mailbox_messages", "gauge", "The longest mailbox, with what it saved.", |of| {
            of.longest
        })?;
        self.each(page, "process_memory_bytes", "gauge", "States and mailboxes, without their heap.", |of| of.memory)?;

        page.single(
            "lost_messages_total",
            "counter",
            "Messages that could not be delivered, to other nodes or to a child that never came back.",
            self.lost_messages,
        )?;
        page.single(
            "refused_connections_total",
            "counter",
            "Connections whose peer did not show that it is a member.",
            self.refused_connections,
        )?;
        page.family("alarms", "gauge", "Alarms that are raised.")?;
        for (alarm, count) in &self.alarms {
            page.sample("alarms", &[("alarm", alarm)], count)?;
        }
        Ok(())
    }

    /// One figure of each protocol.
    fn each(
        &self,
        page: &mut Page,
        name: &str,
        kind: &str,
        help: &str,
        of: impl Fn(&ProtocolMetrics) -> u64,
    ) -> fmt::Result {
        page.family(name, kind, help)?;
        self.protocols
            .iter()
            .try_for_each(|(protocol, figures)| page.sample(name, &[("protocol", protocol)], of(figures)))
    }
}

/// What has been written.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(self.0, "# HELP greenroom_{name} {help}\n# TYPE greenroom_{name} {kind}")
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) -> fmt::Result {
        write!(self.0, "greenroom_{name}")?;
        for (at, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(self.0, "{}{label}=\"{text}\"", if at == 0 { '{' } else { ',' })?;
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        writeln!(self.0, " {value}")
    }

    /// A family with one sample that has no labels.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) -> fmt::Result {
        self.family(name, kind, help)?;
        self.sample(name, &[], value)
    }
}

#[cfg(test)]
mod tests;
