use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Actor, Ref, Stub};
use crate::base::{Down, ExitSignal, MonitorRef, NodeEvent, Pid, Receives};
use crate::call::Address;
use crate::mailbox::Want;
use crate::node::Node;
use crate::process::{Mailbox, Receive, Timer};

/// A process's view of itself and the world; every handler and `run` can have it.
pub struct Context<A: Actor> {
    mailbox: Mailbox<A::Protocol>,
    _actor: PhantomData<fn() -> A>,
}

impl<A: Actor> Context<A> {
    pub(crate) fn new(mailbox: Mailbox<A::Protocol>) -> Context<A> {
        Context { mailbox, _actor: PhantomData }
    }

    pub(crate) fn mailbox(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }

    /// What time it is on the node's clock.
    pub fn now(&self) -> Instant {
        self.node().clock().now()
    }

    /// A stub of the process itself.
    pub fn me(&self) -> Ref<A> {
        let number = self.mailbox.pid().number();
        Ref::<A>::__new(Address::direct(Arc::clone(self.mailbox.cell()), number))
    }

    /// The process's identity.
    pub fn pid(&self) -> &Pid {
        self.mailbox.pid()
    }

    /// The node that the process lives on.
    pub fn node(&self) -> &Node {
        self.mailbox.node()
    }

    /// The next message, whatever it is, oldest first; `receive!` is for choosing. Cancel-safe.
    pub fn receive(&mut self) -> impl Future<Output = A::Protocol> + Send {
        self.mailbox.receive()
    }

    /// Shares the fate of another process: when one ends other than normally, so does the other, unless it
    /// traps exits. Linking twice is once; linking to oneself is nothing. A process that has ended already
    /// answers with [`Exit::NoProc`](crate::Exit::NoProc). As
    /// [`link/1`](https://www.erlang.org/doc/apps/erts/erlang.html#link/1).
    pub fn link<S: Stub>(&self, stub: &S) {
        // A name on another node has no pid to link to, as in Erlang; a name that nobody has is a dead process.
        let peer = stub.__address().pid().unwrap_or_else(|| stub.__address().node().pid(0));
        self.mailbox.cell().link(self.pid(), &peer);
    }

    /// Ends a link: from now on nothing comes over it, though an exit may be queued already.
    pub fn unlink<S: Stub>(&self, stub: &S) {
        if let Some(peer) = stub.__address().pid() {
            self.mailbox.cell().unlink(self.pid(), &peer);
        }
    }

    /// Watches another process, or whoever has a name at this moment: one [`Down`] comes when it ends, at once
    /// if it is not there. Watching twice gives two. As
    /// [`monitor/2`](https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2).
    pub fn monitor<S: Stub>(&self, stub: &S) -> MonitorRef
    where
        A::Protocol: Receives<Down>,
    {
        stub.__address().monitor_by(&**self.mailbox.cell(), self.pid())
    }

    /// Watches no longer, and takes a [`Down`] that is queued already out again; whether the watch was live.
    /// As `demonitor/2` with `[flush, info]`.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        let live = self.demonitor_only(monitor);
        if !live {
            self.mailbox.flush(monitor);
        }
        live
    }

    /// Watches no longer; a [`Down`] that is queued already stays. Whether the watch was live.
    pub fn demonitor_only(&mut self, monitor: MonitorRef) -> bool {
        self.mailbox.cell().demonitor(self.pid(), monitor)
    }

    /// Whether exit signals become messages from now on, instead of ending the process; says how it was.
    /// [`Exit::Kill`](crate::Exit::Kill) is never trapped. As `process_flag(trap_exit, ..)`.
    pub fn trap_exit(&self, trap: bool) -> bool
    where
        A::Protocol: Receives<ExitSignal>,
    {
        self.mailbox.cell().set_trap_exit(trap)
    }

    /// Whether a [`NodeEvent`] comes for each node that connects or is lost from now on. As
    /// `net_kernel:monitor_nodes/1`.
    pub fn watch_nodes(&self, watch: bool)
    where
        A::Protocol: Receives<NodeEvent>,
    {
        self.mailbox.cell().watch_nodes(watch);
    }

    /// Puts a message into this process's own mailbox after `delay`.
    pub fn send_after(&self, delay: Duration, message: A::Protocol) -> Timer {
        let timer = Timer::new();
        let node = self.node();
        let Some(at) = node.clock().now().checked_add(delay) else { return timer };
        let mut sleep = node.clock().sleep_until(at);
        let (cell, number, running) = (Arc::clone(self.mailbox.cell()), self.pid().number(), timer.clone());
        node.spawner().spawn(async move {
            let mut cancelled = std::pin::pin!(running.cancelled());
            std::future::poll_fn(|cx| {
                if cancelled.as_mut().poll(cx).is_ready() {
                    return std::task::Poll::Ready(());
                }
                sleep.as_mut().poll(cx)
            })
            .await;
            if running.fire() {
                cell.send_own(number, message);
            }
        });
        timer
    }
}

impl<A: Actor> Receive for Context<A> {
    type Message = A::Protocol;

    fn __scan<W: Want>(&mut self, after: Option<Duration>) {
        self.mailbox.__scan::<W>(after);
    }

    fn __next(&mut self) -> impl Future<Output = Option<A::Protocol>> + Send {
        self.mailbox.__next()
    }

    fn __take(&mut self) {
        self.mailbox.__take();
    }

    fn __skip(&mut self, message: A::Protocol) {
        self.mailbox.__skip(message);
    }
}

/// What a function that is a process can do with its mailbox beside receiving.
impl<M: super::Stubbed> Mailbox<M> {
    /// A stub of the process itself.
    pub fn me(&self) -> M::Ref {
        M::Ref::__new(Address::direct(Arc::clone(self.cell()), self.pid().number()))
    }

    /// As [`Context::link`].
    pub fn link<S: Stub>(&self, stub: &S) {
        let peer = stub.__address().pid().unwrap_or_else(|| stub.__address().node().pid(0));
        self.cell().link(self.pid(), &peer);
    }

    /// As [`Context::unlink`].
    pub fn unlink<S: Stub>(&self, stub: &S) {
        if let Some(peer) = stub.__address().pid() {
            self.cell().unlink(self.pid(), &peer);
        }
    }

    /// As [`Context::monitor`].
    pub fn monitor<S: Stub>(&self, stub: &S) -> MonitorRef
    where
        M: Receives<Down>,
    {
        stub.__address().monitor_by(&**self.cell(), self.pid())
    }

    /// As [`Context::demonitor`].
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        let live = self.cell().demonitor(self.pid(), monitor);
        if !live {
            self.flush(monitor);
        }
        live
    }

    /// As [`Context::trap_exit`].
    pub fn trap_exit(&self, trap: bool) -> bool
    where
        M: Receives<ExitSignal>,
    {
        self.cell().set_trap_exit(trap)
    }
}
