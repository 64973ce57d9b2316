//! The log of lifecycle events and alarms that a view shows.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::{Alarm, AlarmEvent, LifecycleEvent, Pid};
use serde::{Deserialize, Serialize};

/// The maximum number of stored records.
const MAX_RECORDS: usize = 100;

/// The record of a lifecycle event or an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The record's number; it increases, so that a page shows each record once.
    pub number: u64,
    /// The time of the record, in milliseconds since 1970.
    pub at: u64,
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
}

/// The identity of an event: a later record replaces an earlier one with the same key.
#[derive(PartialEq, Eq)]
enum EventKey {
    /// The alarm's name and process.
    Alarm(&'static str, Option<Pid>),
    /// The path of the process, or its kind if it has no path.
    Crash(String),
    /// The path of the child.
    Restart(String),
}

impl EventKey {
    fn of(alarm: &Alarm) -> EventKey {
        EventKey::Alarm(alarm.name(), alarm.pid().cloned())
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

    fn add(&mut self, kind: EventKind, text: String) {
        self.add_or_replace(kind, text, None);
    }

    fn add_or_replace(&mut self, kind: EventKind, text: String, key: Option<EventKey>) {
        let earlier = self.all.iter().position(|(_, earlier)| key.is_some() && *earlier == key);
        let earlier = earlier.and_then(|at| self.all.remove(at));
        let times = earlier.map_or(0, |(record, _)| record.times) + u64::from(kind != EventKind::Cleared);
        if self.all.len() == MAX_RECORDS {
            self.all.pop_front();
        }
        self.count += 1;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        self.all.push_back((EventRecord { number: self.count, at, kind, text, times }, key));
    }

    pub(crate) fn alarm(&mut self, event: &AlarmEvent) {
        match event {
            AlarmEvent::Raised(alarm) => {
                self.add_or_replace(EventKind::Alarm, alarm.to_string(), Some(EventKey::of(alarm)));
            }
            AlarmEvent::Cleared(alarm) => {
                self.add_or_replace(EventKind::Cleared, format!("cleared: {alarm}"), Some(EventKey::of(alarm)));
            }
            AlarmEvent::Missed(count) => self.add(EventKind::Alarm, format!("{count} alarm events were missed")),
            _ => {}
        }
    }

    pub(crate) fn lifecycle(&mut self, event: &LifecycleEvent) {
        let (kind, key) = match event {
            LifecycleEvent::Crashed { path, kind, .. } => {
                (EventKind::Crash, EventKey::Crash(path.clone().unwrap_or_else(|| kind.to_string())))
            }
            LifecycleEvent::Restarted { supervisor, child, .. } => {
                (EventKind::Restart, EventKey::Restart(format!("{supervisor}/{child}")))
            }
            LifecycleEvent::GaveUp { .. } | LifecycleEvent::Missed(_) => {
                return self.add(EventKind::Crash, event.to_string());
            }
            _ => return,
        };
        self.add_or_replace(kind, event.to_string(), Some(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_alarm_has_one_record_and_records_are_bounded() {
        let (supervisor, child) = ("/Office".to_owned(), "clerk".to_owned());
        let storm = Alarm::RestartStorm { supervisor, child, restarts: 5 };
        let mut log = EventLog::default();
        for _ in 0..3 {
            log.alarm(&AlarmEvent::Raised(storm.clone()));
            log.alarm(&AlarmEvent::Cleared(storm.clone()));
        }
        let [record] = &log.records()[..] else { panic!("{:?}", log.records()) };
        assert_eq!((record.number, record.kind, record.times), (6, EventKind::Cleared, 3));
        for _ in 0..1000 {
            log.add(EventKind::Restart, "again".to_owned());
        }
        assert_eq!((log.records().len(), log.records()[99].number), (MAX_RECORDS, 1006));
    }
}
