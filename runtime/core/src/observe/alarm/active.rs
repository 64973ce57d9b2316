//! The alarms that are raised on a node, and the stream of their changes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::{Alarm, AlarmEvent, AlarmKey};
use crate::base::{NodeName, SortedMap};
use crate::log;
use crate::observe::event_channel::{EventReceiver, EventSender, Received, event_channel};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The alarms that are raised on a node, with their subscribers.
#[derive(Default)]
pub(crate) struct ActiveAlarms {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    raised: SortedMap<AlarmKey, Alarm>,
    subscribers: Vec<EventSender<AlarmEvent>>,
    /// By an alarm's name and [`subject_kind`]: when it was last logged, and how many log events were suppressed since.
    logged: SortedMap<(&'static str, Cow<'static, str>), (Instant, u64)>,
}

/// The capacity of a subscriber's channel.
const CAPACITY: usize = 256;

/// The size of `State::logged` from which on old entries are removed.
const MAX_LOGGED: usize = 256;

/// The least time between two log events of alarms with one name about one kind of subject.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

impl ActiveAlarms {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises an alarm of `node`, or updates it if it is raised. Returns true if it is new.
    pub(crate) fn raise(&self, alarm: Alarm, node: &NodeName, now: Instant) -> bool {
        let mut state = self.state();
        let key = alarm.key();
        if let Some(raised) = state.raised.get_mut(&key) {
            *raised = alarm;
            return false;
        }
        state.raised.insert(key, alarm.clone());
        // The supervisor logs its abandoned children.
        let is_logged = !matches!(alarm, Alarm::AbandonedChild { .. });
        let suppressed = if is_logged { state.count_log_event(&alarm, now) } else { None };
        state.publish(&AlarmEvent::Raised(alarm.clone()));
        drop(state);
        if let Some(suppressed) = suppressed {
            log::warn!(target: "greenroom::alarm", node = %node, alarm = alarm.name(), suppressed, "{}", log::Escaped(&alarm));
        }
        true
    }

    /// Returns the alarm with this key, if it is raised.
    pub(crate) fn get(&self, key: &AlarmKey) -> Option<Alarm> {
        self.state().raised.get(key).cloned()
    }

    /// Clears an alarm. The event contains `latest`, if given, instead of the alarm as it was raised.
    pub(crate) fn clear(&self, key: &AlarmKey, latest: Option<Alarm>) {
        let mut state = self.state();
        if let Some(alarm) = state.raised.remove(key) {
            state.publish(&AlarmEvent::Cleared(latest.unwrap_or(alarm)));
        }
    }

    /// Returns the alarms that are raised.
    pub(crate) fn all(&self) -> Vec<Alarm> {
        self.state().raised.values().cloned().collect()
    }

    /// Returns a stream of the alarms that are raised, followed by all changes.
    pub(crate) fn subscribe(&self) -> Alarms {
        let (sender, receiver) = event_channel(CAPACITY);
        let mut state = self.state();
        let raised = state.raised.values().cloned().collect();
        state.subscribers.push(sender);
        Alarms { raised, receiver }
    }
}

impl State {
    fn publish(&mut self, event: &AlarmEvent) {
        self.subscribers.retain(|subscriber| subscriber.send(event.clone()));
    }

    /// Counts a log event about this alarm. Returns how many were suppressed since the last one, or `None` if this one
    /// has to be suppressed too.
    fn count_log_event(&mut self, alarm: &Alarm, now: Instant) -> Option<u64> {
        let kind = subject_kind(alarm);
        match self.logged.get_mut(&(alarm.name(), kind.clone())) {
            Some((last, suppressed)) if now.saturating_duration_since(*last) < LOG_INTERVAL => {
                *suppressed += 1;
                None
            }
            Some((last, suppressed)) => {
                *last = now;
                Some(std::mem::take(suppressed))
            }
            None => {
                // The number of supervisors' paths has no bound. The count of an entry that is removed here is lost.
                if self.logged.len() >= MAX_LOGGED {
                    self.logged.retain(|_, (last, _)| now.saturating_duration_since(*last) < LOG_INTERVAL);
                }
                self.logged.insert((alarm.name(), kind), (now, 0));
                Some(0)
            }
        }
    }
}

/// Returns the part of an alarm by which its log events are limited.
fn subject_kind(alarm: &Alarm) -> Cow<'static, str> {
    match alarm {
        Alarm::LongMailbox { protocol, .. } | Alarm::StuckMailbox { protocol, .. } => protocol.clone(),
        Alarm::LongSchedule { kind, .. } => kind.clone(),
        Alarm::RestartStorm { supervisor, .. } => Cow::Owned(supervisor.clone()),
        Alarm::AbandonedChild { kind, .. } => kind.clone(),
        Alarm::CertificateExpires { .. } => Cow::Borrowed(""),
    }
}

/// A stream of a node's alarms; from [`Node::alarms`](crate::Node::alarms).
#[must_use = "alarms are read by awaiting `next`"]
pub struct Alarms {
    raised: VecDeque<Alarm>,
    receiver: EventReceiver<AlarmEvent>,
}

impl Alarms {
    /// Returns the next event, or `None` when the node has been dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<AlarmEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<AlarmEvent>> {
        if let Some(alarm) = self.raised.pop_front() {
            return Poll::Ready(Some(AlarmEvent::Raised(alarm)));
        }
        self.receiver.poll_next(cx).map(|received| {
            received.map(|received| match received {
                Received::Event(event) => event,
                Received::Missed(count) => AlarmEvent::Missed(count),
            })
        })
    }
}

impl Stream for Alarms {
    type Item = AlarmEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AlarmEvent>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarms")
    }
}
