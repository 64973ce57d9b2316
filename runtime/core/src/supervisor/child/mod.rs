//! A supervisor's children, whatever their types.

mod children;
mod places;

pub use children::Children;
pub(super) use children::{ChildFactory, Home, Slot, Starting};
pub use places::Places;
pub(super) use places::{Nested, Place, segment};
