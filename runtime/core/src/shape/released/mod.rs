//! The comparison of types with a released shape, for tests.
//!
//! - [`Samples`] are values of a released shape. The types of today read them, or not.
//! - [`unreadable_answers`] compares the shapes of answers, which a released type reads.
//! - [`describe`] is the text of a shape.

mod answers;
mod samples;
mod text;

pub(crate) use answers::unreadable_answers;
pub(crate) use samples::Samples;
pub(crate) use text::describe;
