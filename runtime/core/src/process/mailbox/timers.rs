//! Messages that a process sends after a delay.

use std::sync::Arc;
use std::time::Duration;

use super::Mailbox;
use crate::base::Protocol;
use crate::process::Timer;

impl<M: Protocol> Mailbox<M> {
    /// Sends `message` to this process itself after `delay`, whatever the bound of its mailbox.
    ///
    /// The timer ends with the process, and its message is dropped then. A delay beyond the range of the clock never
    /// passes.
    pub fn send_after(&self, delay: Duration, message: M) -> Timer {
        let (owner, number) = (Arc::clone(self.cell()), self.pid().number());
        self.start_timer(delay, move || owner.send_own(number, message))
    }

    /// Runs `send` after a delay, unless the timer is cancelled or the process has ended.
    pub(crate) fn start_timer(&self, delay: Duration, send: impl FnOnce() + Send + 'static) -> Timer {
        let (node, cell, number) = (self.node(), Arc::clone(self.cell()), self.pid().number());
        let at = node.clock().now().checked_add(delay);
        let timer = Timer::new(Box::new(send));
        let Some(id) = cell.add_timer(number, &timer) else {
            timer.cancel();
            return timer;
        };
        let Some(at) = at else { return timer };
        let sleep = node.clock().sleep_until(at);
        let running = timer.clone();
        node.spawner().spawn(async move {
            running.elapse(sleep).await;
            cell.remove_timer(number, id);
            if let Some(send) = running.finish() {
                send();
            }
        });
        timer
    }
}
