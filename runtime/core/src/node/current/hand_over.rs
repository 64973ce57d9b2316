//! The context in which the parts of a process are written for the successor of its node, and read there.

use std::any::Any;
use std::sync::Arc;

use super::{Current, FrameGuard};
use crate::node::{KeptCall, Node};

/// A handle in a state, such as a timer, without its type.
pub(crate) type AnyHandle = Arc<dyn Any + Send + Sync>;

/// An encoding or a decoding.
pub(super) enum HandOver {
    /// A process is written for the successor. The calls that its replies answer; `None` for one whose caller ends with this
    /// process of the operating system.
    Writing(Vec<Option<KeptCall>>),
    /// A process is read. Its handles are there already, by their ids.
    Reading { handles: Vec<(u64, AnyHandle)>, calls: Vec<Option<KeptCall>> },
}

impl Current {
    /// Runs `encode`, which must not panic, for the successor of the node. Returns the calls that replies in it answer.
    pub(crate) fn hand_over<R>(node: &Node, encode: impl FnOnce() -> R) -> (R, Vec<Option<KeptCall>>) {
        let _frame = FrameGuard::begin(node.clone(), Current::process());
        Current::set_hand_over(HandOver::Writing(Vec::new()));
        let result = encode();
        let calls = match Current::with(|thread| thread.with_notes(|notes| notes.hand_over.take())).flatten() {
            Some(HandOver::Writing(calls)) => calls,
            _ => Vec::new(),
        };
        (result, calls)
    }

    /// Runs `decode`, which must not panic, on what a predecessor has handed over. `handles` are those of the process.
    pub(crate) fn take_over<R>(
        node: &Node,
        (handles, calls): (Vec<(u64, AnyHandle)>, Vec<Option<KeptCall>>),
        decode: impl FnOnce() -> R,
    ) -> R {
        let _frame = FrameGuard::begin(node.clone(), Current::process());
        Current::set_hand_over(HandOver::Reading { handles, calls });
        decode()
    }

    fn set_hand_over(hand_over: HandOver) {
        Current::with(|thread| thread.with_notes(|notes| notes.hand_over = Some(hand_over)));
    }

    /// Records the call that a reply answers, if a process is written for the successor of its node. Returns the index.
    pub(crate) fn record_call(call: impl FnOnce() -> Option<KeptCall>) -> Option<u32> {
        Current::hand_over_in_progress(|hand_over| match hand_over {
            HandOver::Writing(calls) => {
                calls.push(call());
                u32::try_from(calls.len() - 1).ok()
            }
            HandOver::Reading { .. } => None,
        })?
    }

    /// Takes the call with this index, if a process is read that a predecessor has handed over: the node, and the call, unless
    /// its caller has ended.
    pub(crate) fn take_call(index: u32) -> Option<(Node, Option<KeptCall>)> {
        let call = Current::hand_over_in_progress(|hand_over| match hand_over {
            HandOver::Reading { calls, .. } => calls.get_mut(usize::try_from(index).ok()?).map(Option::take),
            HandOver::Writing(_) => None,
        })??;
        Some((Current::node()?, call))
    }

    /// Returns the handle with this id of the process that is read.
    pub(crate) fn handle(id: u64) -> Option<AnyHandle> {
        Current::hand_over_in_progress(|hand_over| match hand_over {
            HandOver::Reading { handles, .. } => {
                handles.iter().find(|(other, _)| *other == id).map(|(_, handle)| Arc::clone(handle))
            }
            HandOver::Writing(_) => None,
        })?
    }

    fn hand_over_in_progress<R>(f: impl FnOnce(&mut HandOver) -> R) -> Option<R> {
        Current::with(|thread| Some(f(thread.notes.borrow_mut().as_mut()?.hand_over.as_mut()?))).flatten()
    }
}
