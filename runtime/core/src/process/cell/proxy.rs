//! A proxy: the process in the cell of a supervised child whose own process runs on another node.
//!
//! A proxy sends the child's messages on, and its cell sends the signals on. It exits when the other process has exited,
//! for the same reason. So the supervisor, and each stub, treat the child as one of this node.
//!
//! | signal to the proxy | effect |
//! |---|---|
//! | an exit, before there is another process | ends the proxy |
//! | an exit, later | is sent on at once |
//! | a stop, or an exit from the supervisor, of a server that traps exits | the proxy's loop sends it on, behind the messages that came before |
//! | the exit of the other process over its link | none |
//! | the `Down` of the other process | reaches the proxy's loop, which ends |

use tokio::sync::oneshot;

use super::Cell;
use super::control_block::ControlBlock;
#[cfg(feature = "net")]
use super::control_block::Proxy;
use crate::base::{Down, Exit, ExitSignal, Pid, Protocol};
use crate::node::{Node, RemoteTarget};
#[cfg(feature = "net")]
use crate::signal::Monitored;
use crate::signal::{Effect, Receipt, dispatch};
use crate::sync::MutexGuard;
use crate::wire::Signal;

impl<M: Protocol> Cell<M> {
    /// Makes the process with this number a proxy.
    #[cfg(feature = "net")]
    pub(crate) fn set_proxy(&self, number: u64) {
        self.with_attached_if_running(number, |attached| attached.proxy = Some(Proxy::default()));
        // The other process receives those of its own node.
        self.watch_nodes(false);
    }

    /// Links the proxy `me` to the process that it stands for, and monitors that process. Resolves with its exit reason.
    #[cfg(feature = "net")]
    pub(crate) fn attach_proxied(&self, me: &Pid, process: &Pid) -> oneshot::Receiver<Exit> {
        let (sender, receiver) = oneshot::channel();
        let proxy = Proxy { process: Some(process.clone()), exit: Some(sender) };
        self.with_attached_if_running(me.number(), |attached| attached.proxy = Some(proxy));
        self.link(me, process);
        self.monitor(me, Monitored::process(process.clone()));
        receiver
    }

    /// Returns the process that the proxy in this cell stands for.
    pub(crate) fn proxied(&self) -> Option<Pid> {
        self.control().proxied().cloned()
    }

    /// Sets the process of another node that has started the one with this number, and so stops it as its parent.
    #[cfg(feature = "net")]
    pub(crate) fn set_remote_parent(&self, number: u64, parent: Pid) {
        self.with_attached_if_running(number, |attached| attached.remote_parent = Some(parent));
    }

    /// Returns whether a process of another node has started the one with this number, and is not linked to it.
    #[cfg(feature = "net")]
    pub(crate) fn lacks_remote_parent(&self, number: u64) -> bool {
        let control = self.control();
        let parent = control.attached().and_then(|attached| attached.remote_parent.as_ref());
        let is_linked = |parent: &Pid| control.cold().is_some_and(|cold| cold.relations.links().any(|to| to == parent));
        control.number == number && parent.is_some_and(|parent| !is_linked(parent))
    }

    /// Handles a signal to the proxy with this number, which occupies the cell.
    pub(super) fn signal_proxy(&self, mut control: MutexGuard<'_, ControlBlock>, receipt: Receipt<'_>, signal: Signal) {
        let Receipt { from, epoch, is_from_parent, .. } = receipt;
        let (number, process) = (control.number, control.proxied().cloned());
        let is_kill = matches!(&signal, Signal::Exit { reason: Exit::Kill, linked: false });
        let is_end = process.as_ref() == Some(from) && matches!(&signal, Signal::Exit { linked: true, .. });
        let (reason, is_stop) = match dispatch(&mut *control, receipt, signal) {
            Effect::Exit(_) | Effect::ExitMessage(_) | Effect::Stop(_) if is_end => return,
            Effect::DownMessage(Down { reason, .. }) => {
                let proxy = control.attached_mut().and_then(|attached| attached.proxy.as_mut());
                let exit = proxy.and_then(|proxy| proxy.exit.take());
                drop(control);
                // Fails if the proxy is ending.
                return exit.map_or((), |exit| drop(exit.send(reason)));
            }
            Effect::Stop(reason) if control.kind.server => return self.set_stop(&mut control, reason),
            Effect::Stop(reason) => (reason, true),
            Effect::Exit(reason) | Effect::ExitMessage(ExitSignal { reason, .. }) => (reason, false),
            other => return self.apply_effect(control, number, from, epoch, other),
        };
        let Some(process) = process else { return self.set_exit(&mut control, reason) };
        drop(control);
        let relayed = match reason {
            reason if is_stop => Signal::Stop { reason },
            _ if is_kill => Signal::Exit { reason: Exit::Kill, linked: false },
            reason => Signal::Exit { reason, linked: false },
        };
        let sender = match from {
            // The proxy is the parent on the other node.
            _ if is_from_parent => number,
            from if from.belongs_to(self.node.id()) && from.number() != Node::SYSTEM => from.number(),
            _ => 0,
        };
        // Fails if the connection is lost, which ends the proxy.
        let _ = self.node.send_signal(sender, RemoteTarget::Pid(&process), relayed, None);
    }
}
