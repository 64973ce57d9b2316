//! The current process and node of a thread.
//!
//! A process is current while it is polled: stubs, replies and casts find their process and node here. Code outside of
//! any process can make a node current with a guard ([`EnterGuard`]).
//!
//! Frames nest. A process that is polled inside another's poll, for example by a nested executor, suspends that one's
//! frame. A frame whose end was skipped ends with the frame below it.

mod awaits;
#[cfg(feature = "upgrade")]
mod hand_over;
mod scope;
mod spare_buffer;
mod spares;
mod thread;

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "test")]
pub(crate) use awaits::PendingAwait;
#[cfg(feature = "upgrade")]
pub(crate) use hand_over::AnyHandle;
pub use scope::EnterGuard;
pub(crate) use spare_buffer::SpareBuffer;
use spares::{Spare, Spares};
use thread::{FrameGuard, ThreadState, discard};

use super::{AnyCell, CallerNode, Node};
use crate::base::{CallErrorKind, Exit, MessageContext, Pid};
use crate::observe::WaitingCall;

/// The namespace of the functions on the current process.
pub(crate) enum Current {}

/// Rarely needed notes of one poll.
#[derive(Default)]
pub(crate) struct PollNotes {
    /// The callers whose replies were dropped during the poll. Their error depends on whether the process ended.
    dropped: Vec<Arc<dyn WaitingCaller>>,
    /// The ids of the replies in a message that is being encoded for another node.
    replies: Option<Vec<u64>>,
    /// The replies in a message from another node that is being decoded.
    received: Option<ReceivedReplies>,
    /// A process is written for the successor of its node, or read there.
    #[cfg(feature = "upgrade")]
    hand_over: Option<hand_over::HandOver>,
    /// The sender of the message from another node that is being delivered, if its receiver is traced.
    sender: Option<Pid>,
    /// A panic that was caught inside the poll, which then returned `Pending`. The process ends for it.
    panic: Option<Exit>,
}

impl PollNotes {
    /// Returns the callers whose replies were dropped, and the panic.
    pub(crate) fn into_parts(self) -> (Vec<Arc<dyn WaitingCaller>>, Option<Exit>) {
        (self.dropped, self.panic)
    }
}

/// The replies in a message or an answer from another node.
pub(crate) struct ReceivedReplies {
    /// The peer that sent them: it is the caller, whatever the bytes contain.
    caller: CallerNode,
    /// The ids on the caller's node; `None` for a reply that was decoded.
    ids: Vec<Option<u64>>,
}

impl ReceivedReplies {
    pub(crate) fn new(caller: CallerNode, ids: &[u64]) -> ReceivedReplies {
        ReceivedReplies { caller, ids: ids.iter().copied().map(Some).collect() }
    }
}

/// Restores the trace context that the frame had before. From [`Current::enter_context`].
pub(crate) struct ContextGuard(MessageContext);

impl Drop for ContextGuard {
    #[inline(always)]
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.0);
        Current::with(|thread| thread.context.set(before));
    }
}

/// A caller that waits for a reply.
pub(crate) trait WaitingCaller: Send + Sync {
    /// Ends the call with an error.
    fn fail(&self, error: CallErrorKind);
}

crate::sync::thread_local! {
    static THREAD: ThreadState = const { ThreadState::new() };
}

impl Current {
    /// Makes the process with this number current until its [end](Self::end), and takes its cell out of `cell`. Returns
    /// false, and changes nothing, if the next poll needs [more than the usual steps](super::Pollable::prepare_poll)
    /// and `any_poll` is not set.
    #[inline]
    pub(crate) fn begin(cell: &mut Option<Arc<dyn AnyCell>>, process: u64, any_poll: bool) -> bool {
        THREAD.with(|thread| {
            let Some(polled) = cell else { return false };
            let (node, needs_more) = polled.prepare_poll();
            if needs_more && !any_poll {
                return false;
            }
            thread.begin_frame(process);
            thread.table.set(node.enter_thread_slot(&thread.slots, process));
            if let Some(before) = thread.cell.replace(cell.take()) {
                discard(before);
            }
            true
        })
    }

    /// Ends the frame of a process, and moves its cell to `cell` and its notes to `notes`. Does nothing if the frame has
    /// already ended with the one below it.
    #[inline]
    pub(crate) fn end(cell: &mut Option<Arc<dyn AnyCell>>, process: u64, notes: &mut Option<Box<PollNotes>>) {
        THREAD.with(|thread| {
            if thread.depth.get() != 1 || thread.process.get() != process {
                return thread.end_nested(cell, process, notes);
            }
            thread.depth.set(0);
            thread.slots.leave(thread.table.get(), 0);
            if thread.notes.borrow().is_some() {
                *notes = thread.notes.take();
            }
            if let Some(before) = std::mem::replace(cell, thread.cell.take()) {
                discard(before);
            }
        });
    }

    /// Runs `f` on the current frame; returns `None` without one.
    fn with<R>(f: impl FnOnce(&ThreadState) -> R) -> Option<R> {
        // Without a value while the thread's locals are destroyed.
        THREAD.try_with(|thread| (thread.depth.get() > 0).then(|| f(thread))).ok().flatten()
    }

    pub(crate) fn node() -> Option<Node> {
        Current::with(|thread| thread.with_node(Node::clone))?
    }

    /// Returns the current process's number; zero outside of any.
    pub(crate) fn process() -> u64 {
        Current::with(|thread| thread.process.get()).unwrap_or(0)
    }

    pub(crate) fn pid() -> Option<Pid> {
        Current::with(|thread| thread.with_node(|node| node.pid(thread.process.get())))?
    }

    /// Returns true if the process with this number of this node is current.
    pub(crate) fn is(node: &Node, process: u64) -> bool {
        Current::with(|thread| thread.process.get() == process && thread.is_on(node)).unwrap_or(false)
    }

    /// Returns the number of the current process if it is one of this node; otherwise zero.
    pub(crate) fn process_of(node: &Node) -> u64 {
        Current::with(|thread| if thread.is_on(node) { thread.process.get() } else { 0 }).unwrap_or(0)
    }

    /// Returns true if a process of this node is current.
    pub(crate) fn is_process_of(node: &Node) -> bool {
        Current::process_of(node) != 0
    }

    /// Returns true if the current process ends at its next `.await` that waits. The runtime's own futures wait then.
    pub(crate) fn is_exiting() -> bool {
        Current::with(|thread| thread.cell.borrow().as_ref().is_some_and(|cell| cell.is_exiting())).unwrap_or(false)
    }

    /// Lets the current process take no further message until the future that `sent` returns resolves. Does nothing outside
    /// of a process of `node`.
    pub(crate) fn wait_for_answers(
        node: &Node,
        sent: impl FnOnce() -> Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ) {
        Current::with(|thread| {
            let (cell, number) = (thread.cell.borrow(), thread.process.get());
            if let Some(cell) = cell.as_ref().filter(|cell| number != 0 && cell.node().is_same(node))
                && let Some(sent) = sent()
            {
                cell.wait_for_answers(number, sent);
            }
        });
    }

    /// Notes the call for which the current process waits; returns false outside of a process of `node`.
    pub(crate) fn set_waiting(node: &Node, waiting: WaitingCall) -> bool {
        let noted = Current::with(|thread| {
            let cell = thread.cell.borrow();
            let Some(cell) = cell.as_ref().filter(|cell| cell.node().is_same(node)) else { return false };
            cell.set_waiting(thread.process.get(), waiting);
            true
        });
        noted.unwrap_or(false)
    }

    /// Notes that the current process no longer waits for this call.
    pub(crate) fn clear_waiting(call: *const ()) {
        Current::with(|thread| {
            if let Some(cell) = &*thread.cell.borrow() {
                cell.clear_waiting(thread.process.get(), call);
            }
        });
    }

    /// Takes an object of this type that was [put](Self::put_spare) on this thread and that `fits`.
    #[inline]
    pub(crate) fn take_spare<T: Any + Send + Sync>(fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        THREAD.try_with(|thread| thread.spares.take(fits)).ok()?
    }

    /// Keeps an object on this thread for reuse.
    #[inline]
    pub(crate) fn put_spare(spare: Spare) {
        let _ = THREAD.try_with(|thread| thread.spares.put(spare));
    }

    /// Keeps the caller of a dropped reply until the end of the poll. Returns it outside of a process.
    pub(crate) fn defer_dropped_reply(caller: Arc<dyn WaitingCaller>) -> Option<Arc<dyn WaitingCaller>> {
        let mut caller = Some(caller);
        Current::with(|thread| {
            if thread.process.get() != 0 {
                thread.with_notes(|notes| notes.dropped.extend(caller.take()));
            }
        });
        caller
    }

    /// Notes that the current process has panicked, and ends with this poll.
    #[cold]
    pub(crate) fn set_panic(panic: Exit) {
        Current::with(|thread| thread.with_notes(|notes| notes.panic = Some(panic)));
    }

    /// Runs `encode`, which must not panic, and returns the ids of the replies that it encodes.
    pub(crate) fn collect_replies<R>(node: &Node, encode: impl FnOnce() -> R) -> (R, Vec<u64>) {
        // The node of the message is current meanwhile, which a stub of another node in this program need not be.
        let frame = FrameGuard::begin(node.clone(), Current::process());
        Current::with(|thread| thread.with_notes(|notes| notes.replies = Some(Vec::new())));
        let result = encode();
        let replies = Current::with(|thread| thread.with_notes(|notes| notes.replies.take()));
        drop(frame);
        (result, replies.flatten().unwrap_or_default())
    }

    /// Runs `f`, which must not panic, as the process with this number, and returns the callers whose replies it drops.
    pub(crate) fn collect_dropped<R>(
        node: &Node,
        process: u64,
        f: impl FnOnce() -> R,
    ) -> (R, Vec<Arc<dyn WaitingCaller>>) {
        let frame = FrameGuard::begin(node.clone(), process);
        let result = f();
        let take = |notes: &mut Option<Box<PollNotes>>| notes.as_mut().map(|notes| std::mem::take(&mut notes.dropped));
        let dropped = Current::with(|thread| take(&mut thread.notes.borrow_mut())).flatten();
        drop(frame);
        (result, dropped.unwrap_or_default())
    }

    /// Runs `decode`, which must not panic, on a message with these replies. Returns the ids of those that it did not
    /// [take](Self::take_received). For the current frame, which is not a poll.
    pub(crate) fn with_received<R>(received: ReceivedReplies, decode: impl FnOnce() -> R) -> (R, Vec<u64>) {
        if received.ids.is_empty() {
            return (decode(), Vec::new());
        }
        Current::with(|thread| thread.with_notes(|notes| notes.received = Some(received)));
        let result = decode();
        let left = Current::with(|thread| thread.with_notes(|notes| notes.received.take())).flatten();
        (result, left.map(|left| left.ids.into_iter().flatten().collect()).unwrap_or_default())
    }

    /// Notes the sender of the message from another node that the current frame delivers.
    #[cold]
    pub(crate) fn note_sender(sender: Pid) {
        Current::with(|thread| thread.with_notes(|notes| notes.sender = Some(sender)));
    }

    /// Makes this trace context that of the message which the current frame handles, until the guard is dropped.
    #[inline(always)]
    pub(crate) fn enter_context(context: MessageContext) -> ContextGuard {
        ContextGuard(Current::with(|thread| thread.context.replace(context)).unwrap_or_default())
    }

    /// Returns the trace context of the message which the current frame handles.
    pub(crate) fn message_context() -> MessageContext {
        let read = |thread: &ThreadState| {
            let context = thread.context.take();
            thread.context.set(context.clone());
            context
        };
        Current::with(read).unwrap_or_default()
    }

    /// Returns the process of `node` that sends a message, or the one of another node whose message is delivered.
    pub(crate) fn sender(node: &Node) -> Option<Pid> {
        let noted = Current::with(|thread| thread.notes.borrow().as_ref()?.sender.clone()).flatten();
        let sender = noted.or_else(|| Current::pid().filter(|pid| pid.belongs_to(node.id())))?;
        (sender.number() != 0 && sender.number() != Node::SYSTEM).then_some(sender)
    }

    /// Takes the reply at this index of the message that is being decoded: the node, the caller's node, and the id there.
    pub(crate) fn take_received(index: u32) -> Option<(Node, CallerNode, u64)> {
        Current::with(|thread| {
            let mut notes = thread.notes.borrow_mut();
            let received = notes.as_mut()?.received.as_mut()?;
            let id = received.ids.get_mut(usize::try_from(index).ok()?)?.take()?;
            let caller = received.caller.clone();
            drop(notes);
            Some((thread.with_node(Node::clone)?, caller, id))
        })?
    }

    /// Takes all replies of the answer that is being forwarded.
    pub(crate) fn take_all_received() -> Option<(CallerNode, Vec<u64>)> {
        Current::with(|thread| {
            let ReceivedReplies { caller, ids } = thread.notes.borrow_mut().as_mut()?.received.take()?;
            Some((caller, ids.into_iter().flatten().collect()))
        })?
    }

    /// Records a reply that is being encoded: `make` returns its id. Returns its index among those of the message; `None`
    /// if no message to another node is being encoded.
    pub(crate) fn record_reply(make: impl FnOnce(&Node) -> u64) -> Option<u32> {
        let (node, mut replies) = Current::with(|thread| {
            let replies = thread.notes.borrow_mut().as_mut()?.replies.take()?;
            thread.with_node(Node::clone).zip(Some(replies))
        })??;
        let id = make(&node);
        let index = u32::try_from(replies.len()).ok();
        replies.push(id);
        Current::with(|thread| thread.with_notes(|notes| notes.replies = Some(replies)));
        index
    }
}
