//! Receivers of frames.

/// The receiver of a frame, on the node that it is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameTarget {
    /// The process with this number in this incarnation of the node. In another incarnation there is no such process.
    Pid { incarnation: u64, number: u64 },
    /// The process that has the name when the frame arrives. Not empty, at most [`FrameTarget::MAX_NAME`] bytes.
    Name(String),
}

impl FrameTarget {
    /// The longest name that a frame may carry, in bytes.
    pub(crate) const MAX_NAME: usize = 255;
}
