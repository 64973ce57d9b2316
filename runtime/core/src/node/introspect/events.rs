//! Alarms and lifecycle events of a node, the watchdog's findings, and the start of deadlock checks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::node::{Inner, Node};
use crate::observe::{Alarm, AlarmKey, Alarms, CallChain, DeadlockCheck, Finding, Lifecycle, Watched};

impl Node {
    /// Raises an alarm, or updates it if it is raised. Returns true if it is new.
    pub(crate) fn raise_alarm(&self, alarm: Alarm) -> bool {
        self.inner.alarms.raise(alarm, self.name(), self.clock().now())
    }

    /// Returns the alarm with this key, if it is raised.
    pub(crate) fn alarm(&self, key: &AlarmKey) -> Option<Alarm> {
        self.inner.alarms.get(key)
    }

    /// Clears an alarm. Subscribers receive `latest`, if given, instead of the alarm as it was raised.
    pub(crate) fn clear_alarm(&self, key: &AlarmKey, latest: Option<Alarm>) {
        self.inner.alarms.clear(key, latest);
    }

    /// Returns the alarms that are raised.
    pub fn raised_alarms(&self) -> Vec<Alarm> {
        self.inner.alarms.all()
    }

    /// Returns a stream of the node's alarms: those that are raised now, followed by all changes.
    ///
    /// A process can [`attach`](crate::Mailbox::attach) the stream to its mailbox. A subscriber that is too slow loses
    /// events, and receives [their number](crate::AlarmEvent::Missed); the node does not wait for it. Every alarm is also
    /// a `tracing` warning with the target `greenroom::alarm`, at most one in ten seconds for each kind.
    ///
    /// ```
    /// # use greenroom::{AlarmEvent, prelude::*};
    /// # async fn watch(node: Node) {
    /// let mut alarms = node.alarms();
    /// while let Some(event) = alarms.next().await {
    ///     match event {
    ///         AlarmEvent::Raised(alarm) => eprintln!("raised: {alarm}"),
    ///         AlarmEvent::Cleared(alarm) => eprintln!("cleared: {alarm}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn alarms(&self) -> Alarms {
        self.inner.alarms.subscribe()
    }

    /// Returns a stream of the node's lifecycle events from now on: crashes, restarts, and supervisors that give up.
    ///
    /// A process can [`attach`](crate::Mailbox::attach) the stream to its mailbox. A subscriber that is too slow loses
    /// events, and receives [their number](crate::LifecycleEvent::Missed); the node does not wait for it. Without
    /// subscribers, a crash reads one flag more, and everything else costs nothing.
    ///
    /// Normal exits are not events, since there may be a million of them in a second. A
    /// [monitor](crate::Mailbox::monitor) reports the exit of one process, and [`Node::metrics`] contains their number.
    ///
    /// The event of a crash is sent after the process's name is free, and before its links and monitors are notified, so
    /// before its restart. The counterparts in OTP are the supervisor, crash and progress reports of
    /// [its logger](https://www.erlang.org/doc/apps/sasl/error_logging.html).
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

    /// Returns the chain of calls that begins with the call of the process with this number.
    pub(crate) fn call_chain(&self, number: u64) -> CallChain {
        let awaited = |number| {
            let waiting = self.table().get(number)?.waiting(number)?;
            Some((waiting.call.upgrade()?.describe()?, waiting.callee))
        };
        CallChain::of(number, awaited, |number| self.pid(number))
    }

    /// Starts a deadlock check if `caller` waits for itself by way of other processes of this node.
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
}

impl Watched for Inner {
    fn report(self: &Arc<Self>, finding: Finding) {
        let node = Node { inner: Arc::clone(self) };
        let (Finding::Long(number, took) | Finding::Over(number, took)) = finding;
        let (kind, after) = node.table().get(number).map(|cell| cell.type_and_line()).unwrap_or_default();
        let alarm = Alarm::LongSchedule { pid: node.pid(number), kind: kind.into(), took, after };
        match finding {
            Finding::Long(..) => drop(node.raise_alarm(alarm)),
            Finding::Over(..) => node.clear_alarm(&alarm.key(), Some(alarm)),
        }
    }
    fn drive_late(self: &Arc<Self>, is_occupied: bool) -> Duration {
        let node = Node { inner: Arc::clone(self) };
        let Some(router) = node.router() else { return Duration::MAX };
        // A driver sets timers.
        let _entered = node.spawner().enter();
        router.drive_late(Instant::now(), is_occupied)
    }
}
