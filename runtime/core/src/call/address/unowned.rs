//! Messages that wait for the owner of a global name or a key.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
#[cfg(feature = "registry")]
use std::time::{Duration, Instant};

use super::{Address, SendError};
#[cfg(feature = "registry")]
use crate::base::NodeName;
use crate::base::{CallErrorKind, CastError, MessageContext, Protocol};
use crate::call::Cast;
use crate::call::target::Target;
use crate::log;
use crate::mailbox::WaiterId;
#[cfg(feature = "registry")]
use crate::node::{ActorKey, KeptMessage, KeyPlace};
use crate::node::{AdmissionQueue, AwaitsOwner, Current, Node, Owner};
use crate::observe::ReportKind;
use crate::process::{drop_message, fail_callers};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The time for which a message of another node waits for the owner of a key.
#[cfg(feature = "registry")]
const RECEIVED_TIME: Duration = Duration::from_secs(60);

/// Sends a message to the owner of a global name or a key.
///
/// # Errors
/// `NoProc` if the process has ended, or if there is no connection to the node of a key: the message was not sent.
pub(super) fn send_to_owner<M: Protocol>(
    node: &Node,
    name: &Arc<str>,
    owner: &Owner,
    context: MessageContext,
    message: M,
) -> Result<Cast, SendError<M>> {
    let is_reachable = match owner {
        Owner::Pid(pid) => !node.has_later_incarnation(pid.node_id()),
        #[cfg(feature = "registry")]
        Owner::Process(_) => true,
        // A message that was encoded and not sent would be lost.
        #[cfg(feature = "registry")]
        Owner::Node(at) => node.router().is_some_and(|router| match router.is_on_demand() {
            true => router.open_epoch(node, at).is_some(),
            false => router.epoch(at).is_some(),
        }),
    };
    if !is_reachable {
        return Err(SendError { error: CastError::NoProc, message });
    }
    match Target::of_owner(node, name, owner) {
        Ok(target) => {
            let address = Address(target);
            address.send(address.0.resolve(), context, message).map(Cast::from)
        }
        Err(error) => Err(SendError { error, message }),
    }
}

/// A message that waits for the owner of a global name or a key.
pub(super) struct Unowned<M> {
    node: Node,
    list: WaitList,
    /// The sending process, zero outside of any.
    sender: u64,
    context: MessageContext,
    /// The end of the time for which a message of another node waits.
    #[cfg(feature = "registry")]
    until: Option<Instant>,
    state: Mutex<State<M>>,
}

/// The list in which a message waits.
pub(super) enum WaitList {
    Global(Arc<str>),
    #[cfg(feature = "registry")]
    Key {
        key: ActorKey,
        place: KeyPlace,
        /// The message waits also if its sender does not wait for it.
        is_kept: bool,
    },
}

enum State<M> {
    Waiting {
        message: M,
        waker: Option<Waker>,
    },
    /// Nothing waits for the message.
    #[cfg(feature = "registry")]
    Kept {
        message: M,
        kept: KeptMessage,
    },
    Sending {
        waker: Option<Waker>,
        is_withdrawn: bool,
        #[cfg(feature = "registry")]
        kept: Option<KeptMessage>,
    },
    /// The message is on its way. Its cast may wait for room.
    Sent(Cast),
    Failed(CastError),
    Withdrawn,
}

impl WaitList {
    fn name(&self) -> &Arc<str> {
        match self {
            WaitList::Global(name) => name,
            #[cfg(feature = "registry")]
            WaitList::Key { key, .. } => &key.name,
        }
    }
}

impl<M: Protocol> Unowned<M> {
    /// Lets a message wait, and sends it as soon as there is an owner.
    pub(super) fn wait(node: &Node, list: WaitList, context: MessageContext, message: M) -> Cast {
        let unowned = Unowned::new(node, list, context, State::Waiting { message, waker: None });
        let message = Arc::clone(&unowned) as Arc<dyn AwaitsOwner>;
        match &unowned.list {
            WaitList::Global(name) => {
                node.global_names().wait(name, message);
                // There may be an owner by now.
                node.global_names().flush(name);
            }
            #[cfg(feature = "registry")]
            WaitList::Key { key, place, .. } => place.actors.wait(node, place.slot, &key.name, message, None),
        }
        Cast::waiting(unowned, WaiterId::after(None))
    }

    /// Lets a message of the node `from` wait.
    #[cfg(feature = "registry")]
    pub(super) fn wait_received(
        node: &Node,
        key: &ActorKey,
        place: &KeyPlace,
        context: MessageContext,
        message: M,
        from: &NodeName,
    ) -> Arc<Unowned<M>> {
        let list = WaitList::Key { key: key.clone(), place: place.clone(), is_kept: true };
        let mut unowned = Unowned::new(node, list, context, State::Waiting { message, waker: None });
        if let Some(unowned) = Arc::get_mut(&mut unowned) {
            unowned.until = Some(node.clock().now() + RECEIVED_TIME);
        }
        place.actors.wait(node, place.slot, &key.name, Arc::clone(&unowned) as _, Some(from));
        unowned
    }

    /// Returns the place of a message that was sent on.
    #[cfg(feature = "registry")]
    pub(super) fn sent(node: &Node, key: &ActorKey, place: &KeyPlace, cast: Cast) -> Arc<Unowned<M>> {
        let list = WaitList::Key { key: key.clone(), place: place.clone(), is_kept: true };
        Unowned::new(node, list, MessageContext::NONE, State::Sent(cast))
    }

    fn new(node: &Node, list: WaitList, context: MessageContext, state: State<M>) -> Arc<Unowned<M>> {
        let sender = Current::process_of(node);
        Arc::new(Unowned {
            node: node.clone(),
            list,
            sender,
            context,
            #[cfg(feature = "registry")]
            until: None,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the message, which is being sent from now on.
    fn begin(&self) -> Option<M> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Withdrawn) {
            State::Waiting { message, waker } => {
                *state = State::Sending {
                    waker,
                    is_withdrawn: false,
                    #[cfg(feature = "registry")]
                    kept: None,
                };
                Some(message)
            }
            #[cfg(feature = "registry")]
            State::Kept { message, kept } => {
                *state = State::Sending { waker: None, is_withdrawn: false, kept: Some(kept) };
                Some(message)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Puts a message back that was not sent.
    fn put_back(&self, message: M) -> Result<(), M> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Withdrawn) {
            #[cfg(feature = "registry")]
            State::Sending { kept: Some(kept), .. } => *state = State::Kept { message, kept },
            #[cfg(feature = "registry")]
            State::Sending { is_withdrawn: true, .. } if let Some(kept) = self.keep() => {
                *state = State::Kept { message, kept };
            }
            State::Sending { waker, is_withdrawn: false, .. } => *state = State::Waiting { message, waker },
            _ => return Err(message),
        }
        Ok(())
    }

    /// Returns the count of a message whose sender does not wait for it, if it waits all the same.
    #[cfg(feature = "registry")]
    fn keep(&self) -> Option<KeptMessage> {
        match &self.list {
            WaitList::Key { place, is_kept: true, .. } => place.actors.keep(&self.node),
            _ => None,
        }
    }

    /// Drops a message that is not sent any more. The calls in it fail with `error`.
    fn drop(&self, message: M, error: &CallErrorKind) {
        fail_callers(drop_message(&self.node, M::NAME, message), error);
    }

    /// Drops a message that has found no owner.
    fn lose(&self, message: M) {
        self.node.loss_counts().count_lost_messages(1);
        self.node.report(ReportKind::Unsent, || {
            log::debug!(target: "greenroom", node = %self.node.name(), name = %log::Escaped(self.list.name()), "a message for a name without an owner is lost");
        });
        self.drop(message, &CallErrorKind::NoProc);
    }
}

impl<M: Protocol> AwaitsOwner for Unowned<M> {
    fn send_to(&self, owner: &Owner) -> bool {
        let Some(message) = self.begin() else { return true };
        // In the order of the sender's other messages.
        let send = || send_to_owner(&self.node, self.list.name(), owner, self.context.clone(), message);
        let (result, dropped) = Current::collect_dropped(&self.node, self.sender, send);
        fail_callers(dropped, &CallErrorKind::Dropped);
        let result = match result {
            Err(SendError { error: CastError::NoProc, message }) => match self.put_back(message) {
                Ok(()) => return false,
                Err(message) => Err(SendError { error: CastError::NoProc, message }),
            },
            result => result,
        };
        let mut state = self.state();
        let before = std::mem::replace(&mut *state, State::Withdrawn);
        let (waker, is_withdrawn) = match before {
            State::Sending { waker, is_withdrawn, .. } => (waker, is_withdrawn),
            _ => (None, true),
        };
        // The rest is dropped without the lock.
        let (next, left) = match result {
            Ok(cast) if is_withdrawn => (State::Withdrawn, Some(Ok(cast))),
            Ok(cast) => (State::Sent(cast), None),
            Err(SendError { error, message }) => (State::Failed(error.clone()), Some(Err((error, message)))),
        };
        *state = next;
        drop(state);
        if let Some(Err((error, message))) = left {
            self.drop(message, &error.into());
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    #[cfg(feature = "registry")]
    fn expire(&self) -> bool {
        let mut state = self.state();
        let now = self.node.clock().now();
        let is_over = match &*state {
            State::Withdrawn | State::Failed(_) => return true,
            State::Kept { kept, .. } => kept.until <= now,
            State::Waiting { .. } => self.until.is_some_and(|until| until <= now),
            State::Sending { .. } | State::Sent(_) => false,
        };
        if !is_over {
            return false;
        }
        let before = std::mem::replace(&mut *state, State::Failed(CastError::NoProc));
        drop(state);
        match before {
            State::Kept { message, .. } => self.lose(message),
            State::Waiting { message, waker } => {
                self.lose(message);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            _ => {}
        }
        true
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
            #[cfg(feature = "registry")]
            State::Kept { .. } => Poll::Ready(Err(CastError::NoProc)),
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
        let State::Waiting { message, .. } = before else { return };
        #[cfg(feature = "registry")]
        if let Some(kept) = self.keep() {
            *state = State::Kept { message, kept };
            return;
        }
        drop(state);
        match &self.list {
            WaitList::Global(name) => self.node.global_names().withdraw(name, std::ptr::from_ref(self).cast()),
            #[cfg(feature = "registry")]
            WaitList::Key { key, place, .. } => {
                place.actors.withdraw(place.slot, &key.name, std::ptr::from_ref(self).cast());
            }
        }
        self.lose(message);
    }
}
