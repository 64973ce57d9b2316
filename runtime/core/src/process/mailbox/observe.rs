//! The reading process's part in its introspection: statistics, alarms and traces.

use std::borrow::Cow;
use std::panic::Location;
use std::task::Context;

use super::Mailbox;
use crate::base::Protocol;
use crate::node::Current;
use crate::observe::{Alarm, TraceStep, source_line};
use crate::process::cell::flags::{ANSWERS_WAIT, EXITING, LONG, STATS_REQUESTED, TRACED};

impl<M: Protocol> Mailbox<M> {
    /// Handles the flags before the next message; returns `false` if the process is to end, or to wait until its answers
    /// are sent.
    #[cold]
    pub(super) fn handle_flags(&mut self, flags: u16, cx: &mut Context<'_>) -> bool {
        if flags & EXITING != 0 {
            return false;
        }
        let number = self.pid().number();
        if flags & ANSWERS_WAIT != 0 && self.cell.poll_answers_sent(number, cx).is_pending() {
            Current::note_await(|| "room in a connection for the answers of this process".to_owned());
            return false;
        }
        if flags & STATS_REQUESTED != 0 {
            self.cell.flags.clear(STATS_REQUESTED);
        }
        if flags & (STATS_REQUESTED | LONG) != 0 {
            let cell = std::sync::Arc::clone(&self.cell);
            let length = self.read_state().inbox.publish(cell.queue(), number);
            if flags & LONG != 0 && length <= u64::from(cell.queue().short()) && self.cell.flags.clear(LONG) {
                self.cell.clear_long(number);
                self.cell.queue().set_reporting(flags & TRACED != 0, false);
            }
        }
        self.read_state().reports_takes = self.cell.is_bounded() || flags & TRACED != 0;
        true
    }

    /// Reports that the process has taken a message, if its mailbox is bounded or traced. `counts` is set for a message
    /// that counts against the bound.
    #[cold]
    pub(super) fn report_take(&mut self, counts: bool) {
        if counts && self.cell.is_bounded() {
            self.cell.queue().release();
        }
        let (number, variant) = (self.pid().number(), self.read_state().tested_variant);
        if self.cell.flags.get() & TRACED != 0 {
            self.cell.trace_step(number, TraceStep::Taken, usize::from(variant), None);
        }
        if std::mem::take(&mut self.read_state().is_stuck) {
            self.node().clear_alarm(&self.stuck_alarm(None).key(), None);
        }
    }

    /// Raises an alarm, once, if the process waits for one kind of message and its mailbox is full of others.
    pub(super) fn raise_if_stuck(&mut self) {
        if !self.read_state().is_stuck && self.cell.queue().is_stuck() {
            self.read_state().is_stuck = true;
            let place = self.read_state().inbox.location();
            self.node().raise_alarm(self.stuck_alarm(place));
            // The message that the process waits for may be held on another node.
            self.cell.queue().wake_waiters();
        }
    }

    pub(super) fn stuck_alarm(&self, at: Option<&'static Location<'static>>) -> Alarm {
        let (pid, protocol) = (self.pid().clone(), Cow::Borrowed(M::NAME));
        Alarm::StuckMailbox { pid, protocol, at: at.map(source_line) }
    }
}
