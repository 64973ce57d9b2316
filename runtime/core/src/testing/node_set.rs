//! The arguments by which a test names nodes of a cluster.

/// One node or several, by index: a number, a range, an array, a slice or a `Vec`.
///
/// ```
/// # use greenroom::testing::NodeSet;
/// assert_eq!(2.indices(), [2]);
/// assert_eq!((0..3).indices(), [0, 1, 2]);
/// assert_eq!([0, 2].indices(), [0, 2]);
/// ```
pub trait NodeSet {
    /// Returns the indices.
    fn indices(self) -> Vec<usize>;
}

impl NodeSet for usize {
    fn indices(self) -> Vec<usize> {
        vec![self]
    }
}

impl NodeSet for std::ops::Range<usize> {
    fn indices(self) -> Vec<usize> {
        self.collect()
    }
}

impl NodeSet for Vec<usize> {
    fn indices(self) -> Vec<usize> {
        self
    }
}

impl NodeSet for &[usize] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl<const N: usize> NodeSet for [usize; N] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl<const N: usize> NodeSet for &[usize; N] {
    fn indices(self) -> Vec<usize> {
        self.to_vec()
    }
}
