//! The operations of a process on itself and on others: links, monitors, flags.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ProcessHandle, Stub, Stubbed};
use crate::base::{Down, ExitSignal, MonitorRef, NodeEvent, Receives};
use crate::call::Address;
use crate::process::{Mailbox, Timer};

/// The operations of a process, beside receiving. An actor's [`Context`](crate::Context) has them too.
impl<M: Stubbed> Mailbox<M> {
    /// Returns the time on the node's clock.
    pub fn now(&self) -> Instant {
        self.node().clock().now()
    }

    /// Returns a stub of this process.
    pub fn me(&self) -> M::Ref {
        M::Ref::__new(Address::direct(Arc::clone(self.cell()), self.pid().number()))
    }

    /// Sends `message` to another process after `delay`, as a cast that is not awaited.
    ///
    /// The timer belongs to this process, and ends with it: unlike one of OTP's
    /// [`erlang:send_after/3`](https://www.erlang.org/doc/apps/erts/erlang.html#send_after/3), which outlives the process
    /// that set it. A message that cannot be delivered then is lost, as with every cast.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[protocol]
    /// # enum Mail { Remind { text: String } }
    /// fn remind(cx: &Mailbox<Mail>, clerk: &MailRef) -> Timer {
    ///     cx.send_after_to(clerk, Duration::from_secs(60), Mail::Remind { text: "it is late".into() })
    /// }
    /// ```
    pub fn send_after_to<S: Stub>(&self, to: &S, delay: Duration, message: S::Protocol) -> Timer {
        let to = to.clone();
        self.start_timer(delay, move || drop(to.__address().cast(move || message)))
    }

    /// Links this process to another: when either exits for a reason other than [`Exit::Normal`](crate::Exit::Normal),
    /// the other receives an exit signal, which ends it unless it traps exits.
    ///
    /// A second link to the same process has no effect, nor has a link to itself. A link to a process that does not exist
    /// is answered by an exit signal with [`Exit::NoProc`](crate::Exit::NoProc). A supervised child that is being restarted
    /// counts as one until its start has succeeded. The model is
    /// [`link/1`](https://www.erlang.org/doc/apps/erts/erlang.html#link/1).
    pub fn link(&self, process: &impl ProcessHandle) {
        let process = process.__erased();
        // Number zero is never a process. As in Erlang, a link needs a pid: a name on another node counts as no process.
        let peer = process.pid().unwrap_or_else(|| process.node().pid(0));
        self.cell().link(self.pid(), &peer);
    }

    /// Removes a link. An exit signal that came over it before can still be in the mailbox.
    pub fn unlink(&self, process: &impl ProcessHandle) {
        if let Some(peer) = process.__erased().pid() {
            self.cell().unlink(self.pid(), &peer);
        }
    }

    /// Monitors another process: when it exits, this process receives one [`Down`]; at once if it does not exist.
    ///
    /// A name is looked up once, now. For a supervised child that is being restarted, the monitor waits for the next
    /// incarnation, and reports [`Exit::NoProc`](crate::Exit::NoProc) if no restart is planned any more. A monitor reports
    /// one exit, and is not attached to the incarnation after that. Each call makes a monitor of its own. The model is
    /// [`monitor/2`](https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2).
    pub fn monitor(&self, process: &impl ProcessHandle) -> MonitorRef
    where
        M: Receives<Down>,
    {
        process.__erased().monitor_by(&**self.cell(), self.pid())
    }

    /// Removes a monitor, together with its [`Down`] if that is in the mailbox.
    ///
    /// Returns `true` if the monitor was active, that is if it had made no [`Down`]. The model is `demonitor/2` with
    /// `[flush, info]`.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        let was_active = self.demonitor_only(monitor);
        if !was_active {
            self.flush(monitor);
        }
        was_active
    }

    /// Removes a monitor; a [`Down`] that is in the mailbox stays. Returns `true` if the monitor was active.
    pub fn demonitor_only(&mut self, monitor: MonitorRef) -> bool {
        self.cell().demonitor(self.pid(), monitor)
    }

    /// Sets whether exit signals become messages instead of ending the process. Returns the previous setting.
    ///
    /// [`Exit::Kill`](crate::Exit::Kill) cannot be trapped. The model is `process_flag(trap_exit, ..)`.
    pub fn trap_exit(&self, trap: bool) -> bool
    where
        M: Receives<ExitSignal>,
    {
        self.cell().set_trap_exit(trap)
    }

    /// Sets whether the process receives a [`NodeEvent`] for each node that connects or is lost.
    ///
    /// The model is `net_kernel:monitor_nodes/1`.
    pub fn watch_nodes(&self, watch: bool)
    where
        M: Receives<NodeEvent>,
    {
        self.cell().watch_nodes(watch);
    }
}
