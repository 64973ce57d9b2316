//! The events of a supervisor's children, and their subscribers.

use super::info::ChildEvent;
use crate::base::MonitorRef;
use crate::call::Recipient;

/// The most subscribers of one supervisor. Processes of other nodes can subscribe too.
const MAX_SUBSCRIBERS: usize = 1_024;

/// The processes that receive the events of a supervisor's children. Each of them is monitored.
#[derive(Default)]
pub(super) struct ChildEventSubscribers {
    subscribers: Vec<(Recipient<ChildEvent>, MonitorRef)>,
}

impl ChildEventSubscribers {
    /// Adds a subscriber, which `monitor` monitors, unless it is one already. Returns `false` if there are too many.
    pub(super) fn add(&mut self, subscriber: Recipient<ChildEvent>, monitor: impl FnOnce() -> MonitorRef) -> bool {
        if self.subscribers.iter().any(|(other, _)| *other == subscriber) {
            return true;
        }
        let has_room = self.subscribers.len() < MAX_SUBSCRIBERS;
        if has_room {
            self.subscribers.push((subscriber, monitor()));
        }
        has_room
    }

    /// Removes the subscriber of a monitor that has reported its exit.
    pub(super) fn remove(&mut self, monitor: MonitorRef) {
        self.subscribers.retain(|(_, other)| *other != monitor);
    }

    /// Sends an event to all subscribers, as a cast that is not awaited.
    pub(super) fn send(&self, event: impl Fn() -> ChildEvent) {
        for (subscriber, _) in &self.subscribers {
            drop(subscriber.send(event()));
        }
    }
}
