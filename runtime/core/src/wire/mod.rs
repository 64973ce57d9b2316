//! Floor 1: what travels between processes and nodes, and its bytes. Pure.
//!
//! A [`Frame`] is one thing that one process says to another on the way between two nodes: a
//! message, the answer to a call, or a [`Signal`]. Signals and targets exist without the feature `net`, since
//! processes of one node speak in them too.
//!
//! How it fails: [`WireError`], a small enum, and never a panic. A frame that does not decode
//! is the connection's end, since its peer is no node of this version.

mod fingerprint;
#[cfg(feature = "net")]
mod frame;
mod signal;
mod target;
#[cfg(feature = "net")]
pub(crate) mod varint;

pub(crate) use fingerprint::fingerprint;
#[cfg(feature = "net")]
pub(crate) use frame::{Frame, WireError};
pub(crate) use signal::Signal;
pub(crate) use target::FrameTarget;
