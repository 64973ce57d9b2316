//! The protocol of supervisors: as written, and as expanded by `#[protocol]`.
//!
//! The macros and this crate are compiled in parallel, so this crate cannot use the macros. `written.rs` is the source.
//! A test of the macros keeps `expanded.rs` equal to its expansion, in which each trait impl has an attribute that keeps
//! it out of compiler messages, and `impl Protocol` has `IS_SUPERVISION`. After a change of `written.rs`,
//! `UPDATE_EXPECT=1 cargo test -p greenroom-macros --lib` writes `expanded.rs`.
//!
//! The messages carry functions on the cells of children, and those cells hold stubs of this protocol. So this module
//! and `child` depend on each other.

#[rustfmt::skip]
#[allow(clippy::all, clippy::semicolon_if_nothing_returned)]
mod expanded;
mod local_only;

pub use expanded::{Supervision, SupervisionRef};
pub(crate) use local_only::LocalOnly;
