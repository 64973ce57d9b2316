//! Messages on their way into a cell's mailbox, from this node and from others.

use super::Cell;
use super::flags::TRACED;
use crate::base::{
    CallErrorKind, CastError, DecodeError, Decoder, EncodedEvent, MessageContext, NodeEvent, Pid, Protocol, System,
    UnreadMessage,
};
use crate::mailbox::{Addressee, Entry, Origin, Refused, WaiterId};
use crate::node::{AdmissionQueue, Current, EncodedMessage, MessageTarget, Node};
use crate::process::definition::read_message;
use crate::process::{drop_message, fail_callers, protocol_definition, timer};
use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

impl<M: Protocol> Cell<M> {
    /// Pushes a message into the mailbox or, if that is full, into its wait queue.
    ///
    /// With `can_wait`, the id of a message in the wait queue is returned, for the sender to await or withdraw it.
    #[inline]
    pub(crate) fn send(
        &self,
        to: Addressee,
        context: MessageContext,
        message: M,
        can_wait: bool,
    ) -> Result<Option<WaiterId>, Refused<M>> {
        self.queue.push(self, to, Entry { origin: Origin::SENT, context, message }, can_wait)
    }

    /// Pushes a message that the process sends to itself; the mailbox's bound does not apply.
    pub(crate) fn send_own(&self, number: u64, message: M) {
        // As in Erlang, a message to a process that has ended is lost.
        let _ = self.queue.push(
            self,
            Addressee::Process(number),
            Entry { origin: Origin::OWN, context: MessageContext::NONE, message },
            false,
        );
    }

    /// Pushes a message that the runtime made, if the protocol has a variant for its type.
    // A process whose protocol lacks the variant never traps exits or monitors: the types ensure that.
    pub(super) fn push_system<T: 'static>(&self, number: u64, origin: Origin, message: T) {
        if let Some(message) = M::from_system(&mut System::offer(&mut Some(message))) {
            // Refused only while the process is ending and reads no more messages.
            let _ = self.queue.push(
                self,
                Addressee::Process(number),
                Entry { origin, context: MessageContext::NONE, message },
                false,
            );
        }
    }

    /// Drops a message that does not fit into the mailbox; a call in it fails with [`CallErrorKind::Full`].
    pub(in crate::process) fn drop_overflow(&self, message: M) {
        self.node.loss_counts().count_overflow();
        fail_callers(drop_message(&self.node, M::NAME, message), &CallErrorKind::Full);
    }
}

impl<M: Protocol> Cell<M> {
    /// Decodes a message from another node.
    pub(crate) fn read_message(node: &Node, encoded: &EncodedMessage<'_>) -> Result<M, UnreadMessage> {
        let own = protocol_definition::<M>(node);
        let definition = own.and_then(|own| own.get().ok());
        if definition.is_some_and(|definition| definition.fingerprint == encoded.protocol) {
            let mut decoder = Decoder::new(encoded.payload);
            let message = M::decode(encoded.variant as usize, &mut decoder);
            let message = message.and_then(|message| decoder.finish().map(|()| message));
            return Ok(message.map_err(CallErrorKind::Decode)?);
        }
        let incompatible = |reason: String| CallErrorKind::Incompatible(reason.into());
        let unnamed =
            || incompatible(format!("the receiver has the protocol `{}`, and the message has another", M::NAME));
        let received = (encoded.definition)(encoded.protocol).ok_or_else(unnamed)?;
        if encoded.variant == EncodedMessage::EVENT {
            let message = M::decode_event(&EncodedEvent::new(&received, encoded.payload));
            let refused = || incompatible(format!("`{}` takes no event `{}`", M::NAME, received.get().name));
            return Ok(message.ok_or_else(refused)??);
        }
        match own {
            Some(own) => read_message(&received, own, encoded.variant, encoded.payload),
            None => Err(CallErrorKind::Decode(DecodeError::Local).into()),
        }
    }
}

impl<M: Protocol> MessageTarget for Cell<M> {
    fn deliver(
        &self,
        number: u64,
        encoded: EncodedMessage<'_>,
        can_wait: bool,
    ) -> Result<Option<WaiterId>, UnreadMessage> {
        let message = Cell::read_message(&self.node, &encoded)?;
        if let Some((node, number)) = encoded.from
            && self.flags.get() & TRACED != 0
        {
            Current::note_sender(Pid::new(Arc::clone(node), number));
        }
        let (error, message) = match self.send(Addressee::of(number), encoded.context.clone(), message, can_wait) {
            Ok(waiting) => return Ok(waiting.filter(|_| can_wait)),
            Err(Refused::Gone(message)) => (CallErrorKind::NoProc, message),
            Err(Refused::Full(message)) => (CallErrorKind::Full, message),
        };
        // The calls in it are answered by their ids, with this error.
        drop_message(&self.node, M::NAME, message);
        Err(error.into())
    }

    fn deliver_event(&self, number: Option<u64>, event: &mut dyn Any) -> Result<Option<WaiterId>, CastError> {
        let event = M::from_system(&mut System::offer_any(event));
        let message =
            event.ok_or_else(|| CastError::Incompatible(format!("`{}` takes no such event", M::NAME).into()))?;
        let to = number.map_or(Addressee::AnyOwner, Addressee::Process);
        self.send(to, self.node.message_context(), message, true).map_err(|refused| match refused {
            Refused::Gone(_) => CastError::NoProc,
            Refused::Full(_) => CastError::Full,
        })
    }

    fn deliver_node_event(&self, number: u64, event: NodeEvent) {
        self.push_system(number, Origin::OWN, event);
    }

    fn mailbox_owner(&self) -> Option<u64> {
        self.queue.owner()
    }

    fn into_admission_queue(self: Arc<Self>) -> Arc<dyn AdmissionQueue> {
        self
    }

    fn protocol(&self) -> &'static str {
        M::NAME
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<M: Protocol> AdmissionQueue for Cell<M> {
    fn poll_admitted(&self, id: WaiterId, cx: &mut Context<'_>) -> Poll<Result<(), CastError>> {
        self.queue.poll_admitted(id, cx).map_err(|()| CastError::NoProc)
    }

    fn is_searching(&self) -> bool {
        self.queue.is_stuck()
    }

    fn withdraw(&self, id: WaiterId) {
        if let Some(message) = self.queue.withdraw(id) {
            self.drop_overflow(message);
        }
    }
}

/// A message for the timer's own process.
pub(in crate::process) struct OwnMessage<M: Protocol> {
    pub(in crate::process) owner: Arc<Cell<M>>,
    pub(in crate::process) number: u64,
    pub(in crate::process) message: M,
}

impl<M: Protocol> timer::Send for OwnMessage<M> {
    fn send(self: Box<Self>) {
        self.owner.send_own(self.number, self.message);
    }

    #[cfg(feature = "upgrade")]
    fn message(&self) -> Option<&dyn Any> {
        Some(&self.message)
    }
}
