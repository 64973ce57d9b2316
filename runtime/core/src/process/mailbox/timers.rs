//! Messages that a process sends after a delay.

use std::sync::Arc;
use std::time::Duration;

use super::Mailbox;
use crate::base::Protocol;
use crate::process::cell::messages::OwnMessage;
use crate::process::timer::Send;
use crate::process::{Cell, Timer};

impl<M: Protocol> Mailbox<M> {
    /// Sends `message` to this process itself after `delay`, whatever the bound of its mailbox.
    ///
    /// The timer ends with the process, and its message is dropped then. A delay beyond the range of the clock never
    /// passes.
    pub fn send_after(&self, delay: Duration, message: M) -> Timer {
        let (owner, number) = (Arc::clone(self.cell()), self.pid().number());
        self.start(delay, Box::new(OwnMessage { owner, number, message }))
    }

    /// Runs `send` after a delay, unless the timer is cancelled or the process has ended.
    pub(crate) fn start_timer(&self, delay: Duration, send: impl FnOnce() + std::marker::Send + 'static) -> Timer {
        self.start(delay, Box::new(send))
    }

    fn start(&self, delay: Duration, send: Box<dyn Send>) -> Timer {
        let (timer, due) = (Timer::done(), self.node().clock().now().checked_add(delay));
        timer.set(due, send);
        self.cell().start_timer(self.pid().number(), &timer);
        timer
    }
}

impl<M: Protocol> Cell<M> {
    /// Starts a timer of the process with this number. Cancels it if the process has begun to end.
    fn start_timer(self: &Arc<Self>, number: u64, timer: &Timer) {
        let Some(id) = self.add_timer(number, timer) else {
            timer.cancel();
            return;
        };
        self.run_timer(number, id, timer);
    }

    /// Runs a timer of the process with this number, from the turn of this process of the operating system on.
    pub(in crate::process) fn run_timer(self: &Arc<Self>, number: u64, id: u64, timer: &Timer) {
        let Some(due) = timer.due() else { return };
        let (cell, timer, sleep) = (Arc::clone(self), timer.clone(), self.node().clock().sleep_until(due));
        self.node().spawner().spawn(async move {
            timer.elapse(sleep).await;
            cell.remove_timer(number, id);
            if let Some(send) = timer.finish() {
                send.send();
            }
        });
    }
}
