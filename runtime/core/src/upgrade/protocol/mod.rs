//! The agreement between a predecessor and its successor: the messages, and the two sides as state machines without I/O.

pub(super) mod message;
pub(super) mod predecessor;
pub(super) mod successor;

#[cfg(test)]
mod model_tests;
