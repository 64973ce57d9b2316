//! What a supervisor understands, as it is written, and what `#[protocol]` makes of it.
//!
//! This crate is compiled beside the macros and not after them, so it uses none. A test of theirs holds `expanded.rs`
//! against `written.rs`, with a mark on each impl that keeps it out of what the compiler says of a program's mistakes;
//! `UPDATE_EXPECT=1 cargo test -p greenroom-macros --lib` writes it anew.

#[rustfmt::skip]
#[allow(clippy::all, clippy::semicolon_if_nothing_returned)]
mod expanded;
mod local_only;

pub use expanded::{Supervision, SupervisionRef};
pub(crate) use local_only::LocalOnly;
