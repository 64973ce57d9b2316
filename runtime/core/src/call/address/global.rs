//! Casts and calls to the owner of a global name.

use std::sync::Arc;

use super::unowned::{Unowned, WaitList, send_to_owner};
use super::{Address, SendError};
use crate::base::{CastError, Protocol};
use crate::call::Cast;
use crate::call::target::{ReceiverId, Target};
use crate::node::{Node, Owner};

impl<M: Protocol> Address<M> {
    /// Creates the address of the process that has a global name.
    #[cfg(feature = "registry")]
    pub(crate) fn global(node: Node, name: &str) -> Address<M> {
        Address(Target::identity(node, ReceiverId::Global(name.into())))
    }

    /// Sends a message to the owner of a global name, or lets it wait for the next owner.
    pub(super) fn send_global(node: &Node, name: &Arc<str>, message: M) -> Result<Cast, SendError<M>> {
        let context = node.message_context();
        let message = match node.global_names().find_ready(name) {
            Some(owner) => match send_to_owner(node, name, &Owner::Pid(owner), context.clone(), message) {
                Err(SendError { error: CastError::NoProc, message }) => message,
                result => return result,
            },
            None => message,
        };
        Ok(Unowned::wait(node, WaitList::Global(Arc::clone(name)), context, message))
    }
}
