//! Casts and calls to the owner of a global name, and the messages that wait for an owner.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Address, SendError};
use crate::base::{CallErrorKind, CastError, Pid, Protocol};
use crate::call::Cast;
use crate::call::target::{ReceiverId, Target};
use crate::log;
use crate::mailbox::WaiterId;
use crate::node::{AdmissionQueue, AwaitsOwner, Current, Node};
use crate::observe::ReportKind;
use crate::process::{drop_message, fail_callers};
use crate::sync::{Mutex, MutexGuard, PoisonError};

impl<M: Protocol> Address<M> {
    /// Creates the address of the process that has a global name.
    #[cfg(feature = "registry")]
    pub(crate) fn global(node: Node, name: &str) -> Address<M> {
        Address(Target::identity(node, ReceiverId::Global(name.into())))
    }

    /// Returns the global name, if that is the address.
    pub(super) fn global_name(&self) -> Option<&Arc<str>> {
        match &self.0 {
            Target::Identity(identity) => match &identity.receiver {
                ReceiverId::Global(name) => Some(name),
                _ => None,
            },
            Target::Cell { .. } => None,
        }
    }

    /// Sends a message to the owner of a global name, or lets it wait for the next owner.
    pub(super) fn send_global(&self, name: &Arc<str>, message: M) -> Result<Cast, SendError<M>> {
        let node = self.node();
        let message = match node.global_names().find_ready(name) {
            Some(owner) => match send_to_owner(node, name, &owner, message) {
                Err(SendError { error: CastError::NoProc, message }) => message,
                result => return result,
            },
            None => message,
        };
        Ok(Unowned::wait(node, name, message))
    }
}

/// Sends a message to the process that has the name.
///
/// # Errors
/// `NoProc` if the process has ended: the message was not sent.
fn send_to_owner<M: Protocol>(node: &Node, name: &str, owner: &Pid, message: M) -> Result<Cast, SendError<M>> {
    if node.has_later_incarnation(owner.node_id()) {
        return Err(SendError { error: CastError::NoProc, message });
    }
    match Target::of_owner(node, name, owner) {
        Ok(target) => {
            let address = Address(target);
            address.send(address.0.resolve(), message).map(Cast::from)
        }
        Err(error) => Err(SendError { error, message }),
    }
}

/// A message that waits for the owner of a global name.
struct Unowned<M> {
    node: Node,
    name: Arc<str>,
    /// The sending process, zero outside of any.
    sender: u64,
    state: Mutex<State<M>>,
}

enum State<M> {
    Waiting {
        message: M,
        waker: Option<Waker>,
    },
    Sending {
        waker: Option<Waker>,
        is_withdrawn: bool,
    },
    /// The message is on its way. Its cast may wait for room.
    Sent(Cast),
    Failed(CastError),
    Withdrawn,
}

impl<M: Protocol> Unowned<M> {
    fn wait(node: &Node, name: &Arc<str>, message: M) -> Cast {
        let state = Mutex::new(State::Waiting { message, waker: None });
        let sender = Current::process_of(node);
        let unowned = Arc::new(Unowned { node: node.clone(), name: Arc::clone(name), sender, state });
        node.global_names().wait(name, Arc::clone(&unowned) as Arc<dyn AwaitsOwner>);
        // There may be an owner by now.
        node.global_names().flush(name);
        Cast::waiting(unowned, WaiterId::after(None))
    }

    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the message, which is being sent from now on.
    fn begin(&self) -> Option<M> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Withdrawn) {
            State::Waiting { message, waker } => {
                *state = State::Sending { waker, is_withdrawn: false };
                Some(message)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Drops a message that is not sent any more. The calls in it fail with `error`.
    fn drop(&self, message: M, error: &CallErrorKind) {
        fail_callers(drop_message(&self.node, M::NAME, message), error);
    }

    fn count_lost(&self) {
        self.node.loss_counts().count_lost_messages(1);
        self.node.report(ReportKind::Unsent, || {
            log::debug!(target: "greenroom", node = %self.node.name(), name = %log::Escaped(&self.name), "a message for a global name without an owner is lost");
        });
    }
}

impl<M: Protocol> AwaitsOwner for Unowned<M> {
    fn send_to(&self, owner: &Pid) -> bool {
        let Some(message) = self.begin() else { return true };
        // In the order of the sender's other messages.
        let send = || send_to_owner(&self.node, &self.name, owner, message);
        let (result, dropped) = Current::collect_dropped(&self.node, self.sender, send);
        fail_callers(dropped, &CallErrorKind::Dropped);
        let mut state = self.state();
        let before = std::mem::replace(&mut *state, State::Withdrawn);
        let (waker, is_withdrawn) = match before {
            State::Sending { waker, is_withdrawn } => (waker, is_withdrawn),
            _ => (None, true),
        };
        // The rest is dropped without the lock.
        let (next, left, is_sent) = match result {
            Ok(cast) if is_withdrawn => (State::Withdrawn, Some(Ok(cast)), true),
            Ok(cast) => (State::Sent(cast), None, true),
            Err(SendError { error: CastError::NoProc, message }) if !is_withdrawn => {
                *state = State::Waiting { message, waker };
                return false;
            }
            Err(SendError { error, message }) => (State::Failed(error.clone()), Some(Err((error, message))), true),
        };
        *state = next;
        drop(state);
        if let Some(Err((error, message))) = left {
            self.drop(message, &error.into());
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        is_sent
    }
}

impl<M: Protocol> AdmissionQueue for Unowned<M> {
    fn poll_admitted(&self, _: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        match &mut *self.state() {
            State::Waiting { waker, .. } | State::Sending { waker, .. } => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Sent(cast) => Pin::new(cast).poll(cx),
            State::Failed(error) => Poll::Ready(Err(error.clone())),
            State::Withdrawn => Poll::Ready(Err(CastError::NoProc)),
        }
    }

    fn is_searching(&self) -> bool {
        false
    }

    fn withdraw(&self, _: WaiterId) {
        let mut state = self.state();
        if let State::Sending { is_withdrawn, .. } = &mut *state {
            *is_withdrawn = true;
            return;
        }
        let before = std::mem::replace(&mut *state, State::Withdrawn);
        drop(state);
        if let State::Waiting { message, .. } = before {
            self.node.global_names().withdraw(&self.name, std::ptr::from_ref(self).cast());
            self.count_lost();
            self.drop(message, &CallErrorKind::NoProc);
        }
    }
}
