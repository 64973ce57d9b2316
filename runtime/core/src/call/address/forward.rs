//! Messages that a process has taken, and sends on to another one.

use super::{Address, SendError};
use crate::base::{MessageContext, Pid, Protocol};
#[cfg(feature = "registry")]
use crate::call::target::TargetCell;
use crate::call::target::{ReceiverId, Target};
use crate::call::{Cast, Recipient};
#[cfg(feature = "registry")]
use crate::node::LocalProcess;
use crate::node::Node;
#[cfg(feature = "registry")]
use crate::process::Cell;
use crate::process::{drop_message, fail_callers};

impl<M: Protocol> Address<M> {
    /// Creates the address of the receiver of a recipient, whose protocol is this one. Without a recipient, or if the
    /// receiver of this node has another protocol, the address is that of a process which does not exist.
    pub(crate) fn of(node: &Node, recipient: Option<&Recipient<()>>) -> Address<M> {
        let target = recipient.and_then(|recipient| recipient.target.typed());
        target.map_or_else(|| Address::of_pid(node.clone(), node.pid(0)), Address)
    }

    /// Creates the address of a process by its pid. It reaches a process of this node only if a stub of it was sent out.
    pub(crate) fn of_pid(node: Node, pid: Pid) -> Address<M> {
        Address(Target::identity(node, ReceiverId::Pid(pid)))
    }

    /// Creates the address of a process of this node; `None` if it has another protocol.
    #[cfg(feature = "registry")]
    pub(crate) fn of_process(LocalProcess { number, cell }: LocalProcess) -> Option<Address<M>> {
        Some(Address::direct(Cell::of_process(cell, &"").ok()?, number))
    }

    /// Sends a message on with the trace context that it came with, and waits for room as an awaited cast does. If it
    /// cannot be sent, the calls in it fail with the reason.
    pub(crate) async fn forward(&self, context: MessageContext, message: M) {
        let cast = match self.send(self.0.resolve(), context, message) {
            Ok(placement) => Cast::from(placement),
            Err(SendError { error, message }) => {
                return fail_callers(drop_message(self.node(), M::NAME, message), &error.into());
            }
        };
        // Fails if the connection is lost, which ends the calls in the message.
        let _ = cast.await;
    }
}
