//! The context in which the parts of a process are written for the successor of its node, and read there.

use std::any::Any;
use std::sync::Arc;

use super::{Current, FrameGuard};
use crate::node::Node;

/// A handle in a state, such as a timer, without its type.
pub(crate) type AnyHandle = Arc<dyn Any + Send + Sync>;

/// The purpose of an encoding or a decoding.
pub(super) enum HandOver {
    /// A process is written for the successor.
    Writing,
    /// A process is read. Its handles are there already, by their ids.
    Reading(Vec<(u64, AnyHandle)>),
}

impl Current {
    /// Runs `encode`, which must not panic, for the successor of the node.
    pub(crate) fn hand_over<R>(node: &Node, encode: impl FnOnce() -> R) -> R {
        Current::with_hand_over(node, HandOver::Writing, encode)
    }

    /// Runs `decode`, which must not panic, on what a predecessor has handed over. `handles` are those of the process.
    pub(crate) fn take_over<R>(node: &Node, handles: Vec<(u64, AnyHandle)>, decode: impl FnOnce() -> R) -> R {
        Current::with_hand_over(node, HandOver::Reading(handles), decode)
    }

    fn with_hand_over<R>(node: &Node, hand_over: HandOver, f: impl FnOnce() -> R) -> R {
        let _frame = FrameGuard::begin(node.clone(), Current::process());
        Current::with(|thread| thread.with_notes(|notes| notes.hand_over = Some(hand_over)));
        f()
    }

    /// Returns whether a process is written for the successor of its node.
    pub(crate) fn is_handing_over() -> bool {
        Current::hand_over_in_progress(|hand_over| matches!(hand_over, HandOver::Writing)).unwrap_or(false)
    }

    /// Returns whether a process is read that a predecessor has handed over.
    pub(crate) fn is_taking_over() -> bool {
        Current::hand_over_in_progress(|hand_over| matches!(hand_over, HandOver::Reading(_))).unwrap_or(false)
    }

    /// Returns the handle with this id of the process that is read.
    pub(crate) fn handle(id: u64) -> Option<AnyHandle> {
        let find = |hand_over: &HandOver| match hand_over {
            HandOver::Reading(handles) => handles.iter().find(|(other, _)| *other == id).map(|(_, handle)| handle.clone()),
            HandOver::Writing => None,
        };
        Current::hand_over_in_progress(find).flatten()
    }

    fn hand_over_in_progress<R>(f: impl FnOnce(&HandOver) -> R) -> Option<R> {
        Current::with(|thread| Some(f(thread.notes.borrow().as_ref()?.hand_over.as_ref()?))).flatten()
    }
}
