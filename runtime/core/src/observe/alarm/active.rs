use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::{Alarm, AlarmEvent, AlarmKey};
use crate::base::{NodeName, Sorted};
use crate::log;
use crate::observe::events::{EventReceiver, EventSender, Received, events};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The alarms that are raised on a node, and those who hear of them.
#[derive(Default)]
pub(crate) struct ActiveAlarms {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    raised: Sorted<AlarmKey, Alarm>,
    listeners: Vec<EventSender<AlarmEvent>>,
    /// When alarms of one name and kind were last logged, and how many since then were not.
    logged: Sorted<(&'static str, Cow<'static, str>), (Instant, u64)>,
}

/// How many events a listener may be behind.
const BEHIND: usize = 256;

/// So many kinds are remembered before those that are quiet are forgotten.
const MOST_LOGGED: usize = 256;

/// Alarms of one name about one kind of process are logged at most this often.
const QUIET: Duration = Duration::from_secs(10);

impl ActiveAlarms {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises an alarm of this node, or brings one that is raised up to date; whether it is new.
    pub(crate) fn raise(&self, alarm: Alarm, node: &NodeName, now: Instant) -> bool {
        let mut state = self.state();
        let key = alarm.key();
        if let Some(standing) = state.raised.get_mut(&key) {
            *standing = alarm;
            return false;
        }
        state.raised.insert(key, alarm.clone());
        let unsaid = state.log(&alarm, now);
        state.tell(&AlarmEvent::Raised(alarm.clone()));
        drop(state);
        if let Some(unsaid) = unsaid {
            log::warn!(target: "greenroom::alarm", node = %node, alarm = alarm.name(), unsaid, "{alarm}");
        }
        true
    }

    /// The alarm with this key, if it is raised.
    pub(crate) fn get(&self, key: &AlarmKey) -> Option<Alarm> {
        self.state().raised.get(key).cloned()
    }

    /// Ends an alarm. What is told of it then is `last`, if that knows more than when it was raised.
    pub(crate) fn clear(&self, key: &AlarmKey, last: Option<Alarm>) {
        let mut state = self.state();
        if let Some(alarm) = state.raised.remove(key) {
            state.tell(&AlarmEvent::Cleared(last.unwrap_or(alarm)));
        }
    }

    /// The alarms that are raised just now.
    pub(crate) fn all(&self) -> Vec<Alarm> {
        self.state().raised.values().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> Alarms {
        let (teller, listener) = events(BEHIND);
        let mut state = self.state();
        let raised = state.raised.values().cloned().collect();
        state.listeners.push(teller);
        Alarms { raised, listener }
    }
}

impl State {
    fn tell(&mut self, event: &AlarmEvent) {
        self.listeners.retain(|listener| listener.tell(event.clone()));
    }

    /// Whether to log this alarm: how many of its like were not since the last one.
    fn log(&mut self, alarm: &Alarm, now: Instant) -> Option<u64> {
        let like = match alarm {
            Alarm::LongMailbox { protocol, .. } | Alarm::StuckMailbox { protocol, .. } => protocol.clone(),
            Alarm::LongSchedule { kind, .. } => kind.clone(),
            Alarm::RestartStorm { supervisor, .. } => Cow::Owned(supervisor.clone()),
        };
        match self.logged.get_mut(&(alarm.name(), like.clone())) {
            Some((last, unsaid)) if now.saturating_duration_since(*last) < QUIET => {
                *unsaid += 1;
                None
            }
            Some((last, unsaid)) => {
                *last = now;
                Some(std::mem::take(unsaid))
            }
            None => {
                // Paths of supervisors may be without end. What was not said of one that is quiet by now stays unsaid.
                if self.logged.len() >= MOST_LOGGED {
                    self.logged.retain(|_, (last, _)| now.saturating_duration_since(*last) < QUIET);
                }
                self.logged.insert((alarm.name(), like), (now, 0));
                Some(0)
            }
        }
    }
}

/// A node's alarms as they come and go; from [`Node::alarms`].
#[must_use = "alarms are heard by whoever awaits `next`"]
pub struct Alarms {
    raised: VecDeque<Alarm>,
    listener: EventReceiver<AlarmEvent>,
}

impl Alarms {
    /// The next event; `None` when the node is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<AlarmEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<AlarmEvent>> {
        if let Some(alarm) = self.raised.pop_front() {
            return Poll::Ready(Some(AlarmEvent::Raised(alarm)));
        }
        self.listener.poll_next(cx).map(|heard| {
            heard.map(|heard| match heard {
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
