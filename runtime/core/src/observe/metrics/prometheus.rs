//! Prometheus's [text format](https://prometheus.io/docs/instrumenting/exposition_formats/), version 0.0.4. Names and
//! units follow its [conventions](https://prometheus.io/docs/practices/naming/).

use std::fmt::{self, Write};

use super::{Metrics, ProtocolMetrics};

impl Metrics {
    /// Returns the metrics in Prometheus's text format: the body of a response at `/metrics`, with the content type
    /// `text/plain; version=0.0.4; charset=utf-8`.
    ///
    /// All names begin with `greenroom_`. The names of counters end in `_total`, of bytes in `_bytes`, of seconds in
    /// `_seconds`.
    // `#[inline]`, here and below: a program that does not use the format does not compile it.
    #[inline]
    pub fn to_prometheus(&self) -> String {
        let mut page = Page(String::new());
        // Writing to a `String` does not fail.
        let _ = self.write(&mut page);
        page.0
    }

    #[inline]
    fn write(&self, page: &mut Page) -> fmt::Result {
        page.family("node_info", "gauge", "The node's name.")?;
        page.sample("node_info", &[("node", &self.node)], 1)?;
        page.family("uptime_seconds", "gauge", "Time since the node started.")?;
        page.sample("uptime_seconds", &[], self.uptime.as_secs_f64())?;
        page.single("names", "gauge", "Registered names.", self.names)?;
        page.single("peers", "gauge", "Connected nodes.", self.peers.len())?;
        page.family("peer_received_bytes_total", "counter", "Bytes received from a peer, as on the wire.")?;
        for (peer, traffic) in &self.traffic {
            page.sample("peer_received_bytes_total", &[("peer", peer)], traffic.received)?;
        }
        page.family("peer_sent_bytes_total", "counter", "Bytes sent to a peer, as on the wire.")?;
        for (peer, traffic) in &self.traffic {
            page.sample("peer_sent_bytes_total", &[("peer", peer)], traffic.sent)?;
        }

        self.by_protocol(page, "processes", "gauge", "Running processes.", |of| of.processes)?;
        self.by_protocol(page, "processes_started_total", "counter", "Started processes.", |of| of.started)?;
        page.family("processes_ended_total", "counter", "Ended processes, by reason.")?;
        for (protocol, of) in &self.protocols {
            for (reason, count) in of.ended.by_reason() {
                page.sample("processes_ended_total", &[("protocol", protocol), ("reason", reason)], count)?;
            }
        }
        page.family("restarts_total", "counter", "Restarts of children, by supervisor.")?;
        for (supervisor, count) in &self.restarts {
            page.sample("restarts_total", &[("supervisor", supervisor)], count)?;
        }

        self.by_protocol(page, "messages_received_total", "counter", "Messages that arrived in a mailbox.", |of| {
            of.received
        })?;
        self.by_protocol(page, "messages_handled_total", "counter", "Messages that a process took.", |of| of.handled)?;
        self.by_protocol(page, "calls_handled_total", "counter", "Calls among the handled messages.", |of| of.calls)?;
        self.by_protocol(
            page,
            "call_timeouts_total",
            "counter",
            "Calls that were not answered in time, by the callee's protocol.",
            |of| of.timeouts,
        )?;
        self.by_protocol(page, "messages_refused_total", "counter", "Messages that a full mailbox refused.", |of| {
            of.refused
        })?;
        self.by_protocol(page, "messages_dropped_total", "counter", "Messages that a full mailbox dropped.", |of| {
            of.dropped
        })?;
        self.by_protocol(page, "mailbox_messages", "gauge", "Messages in mailboxes, without saved ones.", |of| {
            of.waiting
        })?;
        self.by_protocol(page, "saved_messages", "gauge", "Messages in save queues.", |of| of.saved)?;
        self.by_protocol(
            page,
            "longest_mailbox_messages",
            "gauge",
            "Messages in the longest mailbox, with saved ones.",
            |of| of.longest,
        )?;
        self.by_protocol(
            page,
            "process_memory_bytes",
            "gauge",
            "Memory of states and mailboxes, without their heap memory.",
            |of| of.memory,
        )?;

        page.single(
            "lost_messages_total",
            "counter",
            "Messages that could not be delivered, to other nodes or to a child whose restart failed.",
            self.lost_messages,
        )?;
        page.single(
            "refused_connections_total",
            "counter",
            "Connections that ended before both nodes had accepted them.",
            self.refused_connections,
        )?;
        page.single(
            "refused_relations_total",
            "counter",
            "Links and monitors of other nodes that were ended at once.",
            self.refused_relations,
        )?;
        page.single(
            "refused_by_policy_total",
            "counter",
            "Messages, signals and requests of other nodes that the policy did not allow.",
            self.refused_by_policy,
        )?;
        page.single(
            "rejected_certificates_total",
            "counter",
            "Certificates of this node on disk that could not be loaded.",
            self.rejected_certificates,
        )?;
        page.single("node_ups_total", "counter", "Connections to other nodes that came up.", self.node_ups)?;
        page.single("node_downs_total", "counter", "Connections to other nodes that ended.", self.node_downs)?;
        page.single(
            "lost_trace_contexts_total",
            "counter",
            "Trace contexts of messages that could not be read.",
            self.lost_trace_contexts,
        )?;
        page.single("claims", "gauge", "Claims that the node holds.", self.claims)?;
        page.single("claims_lost_total", "counter", "Claims of the node that were lost.", self.claims_lost)?;
        page.single(
            "claims_refused_total",
            "counter",
            "Requests of the node for claims that were not granted.",
            self.claims_refused,
        )?;
        page.single(
            "lost_states_total",
            "counter",
            "States of children that were not handed over to another node.",
            self.lost_states,
        )?;
        page.family("alarms", "gauge", "Raised alarms.")?;
        for (alarm, count) in &self.alarms {
            page.sample("alarms", &[("alarm", alarm)], count)?;
        }
        Ok(())
    }

    /// Writes a family with a sample for each protocol.
    fn by_protocol(
        &self,
        page: &mut Page,
        name: &str,
        kind: &str,
        help: &str,
        value: impl Fn(&ProtocolMetrics) -> u64,
    ) -> fmt::Result {
        page.family(name, kind, help)?;
        self.protocols
            .iter()
            .try_for_each(|(protocol, metrics)| page.sample(name, &[("protocol", protocol)], value(metrics)))
    }
}

/// The text so far.
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

    /// Writes a family with one sample, which has no labels.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) -> fmt::Result {
        self.family(name, kind, help)?;
        self.sample(name, &[], value)
    }
}

#[cfg(test)]
mod tests;
