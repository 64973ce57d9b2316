//! Alarms and lifecycle events of a node; the watchdog's findings as alarms.

use std::sync::Arc;
use std::time::Duration;

use crate::base::Pid;
use crate::node::{Inner, Node};
use crate::observe::{Alarm, AlarmKey, Alarms, DeadlockCheck, Finding, Lifecycle, LongPollSink};

impl Node {
    /// Raises an alarm, or brings one that is raised up to date; whether it is new.
    pub(crate) fn raise_alarm(&self, alarm: Alarm) -> bool {
        self.raised().raise(alarm, self.name(), self.clock().now())
    }

    /// The alarm with this key, if it is raised.
    pub(crate) fn alarm(&self, key: &AlarmKey) -> Option<Alarm> {
        self.raised().get(key)
    }

    /// Ends an alarm. What is told of it then is `last`, if that knows more than when it was raised.
    pub(crate) fn clear_alarm(&self, key: &AlarmKey, last: Option<Alarm>) {
        self.raised().clear(key, last);
    }

    /// The alarms that are raised just now.
    pub fn raised_alarms(&self) -> Vec<Alarm> {
        self.raised().all()
    }

    /// The node's alarms, from those that are raised now: an event for each that comes or goes.
    ///
    /// It is a [`Stream`], so a process can [`attach`](crate::Mailbox::attach) it to its mailbox. Who does not keep up
    /// misses events, and learns [how many](AlarmEvent::Missed); the node never waits. Every alarm is also a `tracing`
    /// warning of the target `greenroom::alarm`, of many of one kind at most one in ten seconds.
    ///
    /// ```
    /// # use greenroom::{AlarmEvent, prelude::*};
    /// # async fn watch(node: Node) {
    /// let mut alarms = node.alarms();
    /// while let Some(event) = alarms.next().await {
    ///     match event {
    ///         AlarmEvent::Raised(alarm) => eprintln!("raised: {alarm}"),
    ///         AlarmEvent::Cleared(alarm) => eprintln!("over: {alarm}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn alarms(&self) -> Alarms {
        self.raised().subscribe()
    }

    /// What becomes of this node's processes from now on, as it happens: crashes, restarts, supervisors that give up.
    ///
    /// It is a [`Stream`], so a process can [`attach`](crate::Mailbox::attach) it to its mailbox. Who does not keep up
    /// misses events, and learns [how many](LifecycleEvent::Missed); the node never waits. While nobody listens, a crash costs
    /// one look at a flag more, and nothing else costs anything.
    ///
    /// An end in order is no news: there may be a million of them a second. Whoever wants to know of one watches the
    /// process by a [monitor](crate::Mailbox::monitor); how many there were is in [`Node::metrics`].
    ///
    /// A crash is told when the process's name is free and before links and monitors hear of it, so before its restart.
    /// After the supervisor, crash and progress reports of
    /// [OTP's logger](https://www.erlang.org/doc/apps/sasl/error_logging.html).
    ///
    /// ```
    /// # use greenroom::{LifecycleEvent, prelude::*};
    /// # async fn watch(node: Node) {
    /// let mut lifecycle = node.lifecycle();
    /// while let Some(event) = lifecycle.next().await {
    ///     match event {
    ///         LifecycleEvent::Crashed { pid, reason, .. } => eprintln!("{pid} ended: {reason}"),
    ///         other => eprintln!("{other}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle_subscribers().subscribe()
    }

    /// Looks whether `caller` waits in a ring, and has those in it asked.
    pub(crate) fn find_deadlock(&self, caller: u64) {
        let waiting = |number| self.table().get(number)?.waiting(number);
        let Some(check) = DeadlockCheck::find(caller, waiting, |number| self.pid(number)) else { return };
        let check = Arc::new(check);
        for number in check.members() {
            if let Some(cell) = self.table().get(number) {
                cell.check_deadlock(number, Arc::clone(&check));
            }
        }
    }

    fn long_schedule(&self, pid: Pid, took: Duration) -> Alarm {
        let seen = self.table().get(pid.number()).map(|cell| cell.type_and_line());
        let (kind, after) = seen.unwrap_or_default();
        Alarm::LongSchedule { pid, kind: kind.into(), took, after }
    }
}

impl LongPollSink for Inner {
    fn report(self: &Arc<Self>, finding: Finding) {
        let node = Node { inner: Arc::clone(self) };
        let (Finding::Long(number, took) | Finding::Over(number, took)) = finding;
        let alarm = node.long_schedule(node.pid(number), took);
        match finding {
            Finding::Long(..) => drop(node.raise_alarm(alarm)),
            Finding::Over(..) => node.clear_alarm(&alarm.key(), Some(alarm)),
        }
    }
}
