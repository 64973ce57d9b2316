use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use super::{HasContext, Stub, Stubbed};
use crate::base::{Down, ExitSignal, MonitorRef, NodeEvent, Receives};
use crate::call::Address;
use crate::process::{Mailbox, Receive};

/// A process's view of itself and the world; every handler and `run` can have it.
///
/// It is the process's [`Mailbox`], and whatever that can do a context can: `cx.receive()`, `cx.link(..)`,
/// `cx.monitor(..)`, `cx.send_after(..)`.
pub struct Context<A: HasContext> {
    mailbox: Mailbox<A::Protocol>,
    _actor: PhantomData<fn() -> A>,
}

impl<A: HasContext> Context<A> {
    pub(crate) fn new(mailbox: Mailbox<A::Protocol>) -> Context<A> {
        Context { mailbox, _actor: PhantomData }
    }

    pub(crate) fn mailbox(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}

impl<A: HasContext> Deref for Context<A> {
    type Target = Mailbox<A::Protocol>;

    fn deref(&self) -> &Mailbox<A::Protocol> {
        &self.mailbox
    }
}

impl<A: HasContext> DerefMut for Context<A> {
    fn deref_mut(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}

impl<A: HasContext> Receive for Context<A> {
    type Message = A::Protocol;
    type Source = Context<A>;

    fn __source(&mut self) -> &mut Context<A> {
        self
    }

    fn __mailbox(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}

/// What a process can do, beside receiving. An actor's [`Context`] leads here too.
impl<M: Stubbed> Mailbox<M> {
    /// What time it is on the node's clock.
    pub fn now(&self) -> Instant {
        self.node().clock().now()
    }

    /// A stub of the process itself.
    pub fn me(&self) -> M::Ref {
        M::Ref::__new(Address::direct(Arc::clone(self.cell()), self.pid().number()))
    }

    /// Shares the fate of another process: when one ends other than normally, so does the other, unless it
    /// traps exits. Linking twice is once; linking to oneself is nothing. A process that has ended already
    /// answers with [`Exit::NoProc`](crate::Exit::NoProc). As
    /// [`link/1`](https://www.erlang.org/doc/apps/erts/erlang.html#link/1).
    pub fn link<S: Stub>(&self, stub: &S) {
        // A name on another node has no pid to link to, as in Erlang; a name that nobody has is a dead process.
        let peer = stub.__address().pid().unwrap_or_else(|| stub.__address().node().pid(0));
        self.cell().link(self.pid(), &peer);
    }

    /// Ends a link: from now on nothing comes over it, though an exit may be queued already.
    pub fn unlink<S: Stub>(&self, stub: &S) {
        if let Some(peer) = stub.__address().pid() {
            self.cell().unlink(self.pid(), &peer);
        }
    }

    /// Watches another process, or whoever has a name at this moment: one [`Down`] comes when it ends, at once
    /// if it is not there. Watching twice gives two. As
    /// [`monitor/2`](https://www.erlang.org/doc/apps/erts/erlang.html#monitor/2).
    pub fn monitor<S: Stub>(&self, stub: &S) -> MonitorRef
    where
        M: Receives<Down>,
    {
        stub.__address().monitor_by(&**self.cell(), self.pid())
    }

    /// Watches no longer, and takes a [`Down`] that is queued already out again; whether the watch was live.
    /// As `demonitor/2` with `[flush, info]`.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        let live = self.demonitor_only(monitor);
        if !live {
            self.flush(monitor);
        }
        live
    }

    /// Watches no longer; a [`Down`] that is queued already stays. Whether the watch was live.
    pub fn demonitor_only(&mut self, monitor: MonitorRef) -> bool {
        self.cell().demonitor(self.pid(), monitor)
    }

    /// Whether exit signals become messages from now on, instead of ending the process; says how it was.
    /// [`Exit::Kill`](crate::Exit::Kill) is never trapped. As `process_flag(trap_exit, ..)`.
    pub fn trap_exit(&self, trap: bool) -> bool
    where
        M: Receives<ExitSignal>,
    {
        self.cell().set_trap_exit(trap)
    }

    /// Whether a [`NodeEvent`] comes for each node that connects or is lost from now on. As
    /// `net_kernel:monitor_nodes/1`.
    pub fn watch_nodes(&self, watch: bool)
    where
        M: Receives<NodeEvent>,
    {
        self.cell().watch_nodes(watch);
    }
}
