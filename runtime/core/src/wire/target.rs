//! Receivers of frames.

use std::sync::Arc;

/// The receiver of a frame, on the node that it is sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FrameTarget {
    /// The process with this number. The connection belongs to one incarnation of the node, so this does too.
    Process(u64),
    /// The process that has the name when the frame arrives. Not empty, at most [`FrameTarget::MAX_NAME`] bytes.
    Name(Arc<str>),
    /// The members on the node of the group with this name and the message's protocol. At most
    /// [`FrameTarget::MAX_NAME`] bytes.
    Group(Arc<str>),
}

impl FrameTarget {
    /// The node itself. No process has this number.
    #[cfg(feature = "net")]
    pub(crate) const NODE: FrameTarget = FrameTarget::Process(0);
    /// The longest name that a frame may carry, in bytes.
    pub(crate) const MAX_NAME: usize = 255;
}
