/// The receiver of a frame, on the node that it is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameTarget {
    /// The process with this number in this life of the node; in another life it is nobody.
    Pid { incarnation: u64, number: u64 },
    /// Whoever has the name when the frame arrives. At most [`FrameTarget::MAX_NAME`] bytes, not empty.
    Name(String),
}

impl FrameTarget {
    /// The longest name that a frame may carry, in bytes.
    pub(crate) const MAX_NAME: usize = 255;
}
