//! The log of lifecycle events and alarms that a view shows.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::{Alarm, AlarmEvent, Exit, LifecycleEvent, NodeEvent, ObservedEvent, Pid};
use serde::{Deserialize, Serialize};

/// The maximum number of stored records.
const MAX_RECORDS: usize = 200;
/// The beginning of the types of the processes that answer observers.
const INSPECTION: &str = "inspect::";

/// The record of a lifecycle event or an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The record's number; it increases, so that a page shows each record once.
    pub number: u64,
    /// The time of the record, in milliseconds since 1970.
    pub at: u64,
    /// The node.
    pub node: String,
    /// The kind of the event.
    pub kind: EventKind,
    /// The description.
    pub text: String,
    /// The number of equal events, which share one record.
    pub times: u64,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A supervisor restarted a child.
    Restart,
    /// A process crashed, or a supervisor gave up.
    Crash,
    /// An alarm was raised.
    Alarm,
    /// An alarm was cleared.
    Cleared,
    /// A node connected.
    Up,
    /// A connection to a node was lost.
    Lost,
}

/// The identity of an event: a later record replaces an earlier one with the same key.
#[derive(PartialEq, Eq)]
enum EventKey {
    /// The node, which connects and is lost.
    Node(String),
    /// The node, and the alarm's name and process.
    Alarm(String, &'static str, Option<Pid>),
    /// The node, and the path of the process, or its kind if it has no path.
    Crash(String, String),
    /// The node, and the path of the child.
    Restart(String, String),
}

impl EventKey {
    fn of(node: &str, alarm: &Alarm) -> EventKey {
        EventKey::Alarm(node.to_owned(), alarm.name(), alarm.pid().cloned())
    }
}

/// The latest records in order, with their keys.
#[derive(Default)]
pub(crate) struct EventLog {
    all: VecDeque<(EventRecord, Option<EventKey>)>,
    count: u64,
}

impl EventLog {
    /// Returns a copy of the records in order.
    pub(crate) fn records(&self) -> Vec<EventRecord> {
        self.all.iter().map(|(record, _)| record).cloned().collect()
    }

    fn add(&mut self, node: &str, kind: EventKind, text: String, key: Option<EventKey>) {
        let earlier = self.all.iter().position(|(_, earlier)| key.is_some() && *earlier == key);
        let earlier = earlier.and_then(|at| self.all.remove(at));
        let times = earlier.map_or(0, |(record, _)| record.times) + u64::from(kind != EventKind::Cleared);
        if self.all.len() == MAX_RECORDS {
            self.all.pop_front();
        }
        self.count += 1;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let (number, node) = (self.count, node.to_owned());
        self.all.push_back((EventRecord { number, at, node, kind, text, times }, key));
    }

    /// Adds the event that a node connected or was lost.
    pub(crate) fn node(&mut self, event: &NodeEvent) {
        let (id, kind, text) = match event {
            NodeEvent::Up(id) => (id, EventKind::Up, "connected"),
            NodeEvent::Down(id) => (id, EventKind::Lost, "the connection is lost"),
            _ => return,
        };
        let node = id.name.as_str();
        self.add(node, kind, text.to_owned(), Some(EventKey::Node(node.to_owned())));
    }

    /// Adds an event of a node.
    pub(crate) fn observed(&mut self, node: &str, event: &ObservedEvent) {
        match event {
            ObservedEvent::Alarm(event) => self.alarm(node, event),
            ObservedEvent::Lifecycle(event) => self.lifecycle(node, event),
            _ => {}
        }
    }

    fn alarm(&mut self, node: &str, event: &AlarmEvent) {
        match event {
            AlarmEvent::Raised(alarm) => {
                self.add(node, EventKind::Alarm, alarm.to_string(), Some(EventKey::of(node, alarm)));
            }
            AlarmEvent::Cleared(alarm) => {
                self.add(node, EventKind::Cleared, format!("cleared: {alarm}"), Some(EventKey::of(node, alarm)));
            }
            AlarmEvent::Missed(count) => {
                self.add(node, EventKind::Alarm, format!("{count} alarm events were missed"), None);
            }
            _ => {}
        }
    }

    fn lifecycle(&mut self, node: &str, event: &LifecycleEvent) {
        let at = node.to_owned();
        let (kind, key) = match event {
            // The answer to another observer, whose node is lost.
            LifecycleEvent::Crashed { kind, reason: Exit::Killed, .. } if kind.starts_with(INSPECTION) => return,
            LifecycleEvent::Crashed { path, kind, .. } => {
                let path = path.clone().unwrap_or_else(|| kind.to_string());
                (EventKind::Crash, Some(EventKey::Crash(at, path)))
            }
            LifecycleEvent::Restarted { supervisor, child, .. } => {
                (EventKind::Restart, Some(EventKey::Restart(at, format!("{supervisor}/{child}"))))
            }
            LifecycleEvent::GaveUp { .. } | LifecycleEvent::Missed(_) => (EventKind::Crash, None),
            _ => return,
        };
        self.add(node, kind, event.to_string(), key);
    }
}

#[cfg(test)]
mod tests {
    use greenroom::prelude::*;

    use super::*;
    use crate::Observer;

    #[greenroom::test]
    async fn the_end_of_an_answer_to_a_lost_observer_is_not_a_crash() {
        let pid = Observer::of_own_node().spawn().pid().unwrap();
        let crashed = |kind: &'static str, reason| LifecycleEvent::Crashed {
            pid: pid.clone(),
            name: None,
            path: None,
            kind: kind.into(),
            protocol: "".into(),
            reason,
            age: Duration::ZERO,
        };
        let mut log = EventLog::default();
        log.lifecycle("a@x", &crashed("inspect::events", Exit::Killed));
        assert_eq!(log.records(), []);
        log.lifecycle("a@x", &crashed("inspect::events", Exit::error("broken")));
        log.lifecycle("a@x", &crashed("shop::Desk", Exit::Killed));
        assert_eq!(log.records().len(), 2);
    }

    #[greenroom::test]
    async fn an_alarm_of_a_process_that_has_ended_has_no_type() {
        let pid = Observer::of_own_node().spawn().pid().unwrap();
        let shown = |kind: &'static str| {
            let (pid, kind, took) = (pid.clone(), kind.into(), Duration::from_millis(13));
            Alarm::LongSchedule { pid, kind, took, after: None }.to_string()
        };
        let text = "occupied its thread for 13.0ms without an .await that waits";
        assert_eq!(shown("Clerk"), format!("{pid} (Clerk) {text}"));
        assert_eq!(shown(""), format!("{pid} {text}"));
    }

    #[test]
    fn a_repeated_alarm_has_one_record_and_records_are_bounded() {
        let (supervisor, child) = ("/Office".to_owned(), "clerk".to_owned());
        let storm = Alarm::RestartStorm { supervisor, child, restarts: 5 };
        let mut log = EventLog::default();
        for _ in 0..3 {
            log.alarm("a@x", &AlarmEvent::Raised(storm.clone()));
            log.alarm("a@x", &AlarmEvent::Cleared(storm.clone()));
        }
        let [record] = &log.records()[..] else { panic!("{:?}", log.records()) };
        assert_eq!((record.number, record.kind, record.times), (6, EventKind::Cleared, 3));
        for _ in 0..1000 {
            log.add("a@x", EventKind::Restart, "again".to_owned(), None);
        }
        assert_eq!((log.records().len(), log.records()[MAX_RECORDS - 1].number), (MAX_RECORDS, 1006));
    }
}
