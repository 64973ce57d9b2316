//! A supervisor's children independent of their types: the cells that they run in, and their specs bound to these.

mod bound;
mod cells;
#[cfg(feature = "net")]
mod sent;

pub use bound::Children;
#[cfg(feature = "upgrade")]
pub(super) use bound::{AddedChild, AdoptAdded};
pub(super) use bound::{BoundSpec, ChildStarter, KILL_LIMIT, StartFuture, UnboundSpec};
pub use cells::ChildCells;
pub(super) use cells::{CellSource, ChildCell, SupervisorCell, following, for_each_cell, path_segment, segment_id};
#[cfg(feature = "net")]
pub(crate) use sent::SentCells;
