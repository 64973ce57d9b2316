//! Frames and signals between processes and nodes, and the bytes of frames. Pure.
//!
//! A [`Frame`] goes from one process to another on a connection between two nodes. It is a message, the answer to a
//! call, or a [`Signal`]. Signals and targets exist without the feature `net`, since processes of one node use them
//! too.
//!
//! How it fails: [`WireError`], a small enum, and never a panic. A frame that cannot be decoded
//! ends the connection, since its peer is not a node of this version.

mod epoch;
#[cfg(feature = "net")]
mod error;
#[cfg(feature = "net")]
mod frame;
#[cfg(feature = "net")]
mod groups;
#[cfg(test)]
#[cfg(feature = "net")]
pub(crate) mod hostile;
#[cfg(feature = "net")]
pub(crate) mod membership;
#[cfg(feature = "net")]
mod names;
#[cfg(feature = "net")]
mod reason;
mod signal;
mod target;
#[cfg(feature = "net")]
pub(crate) mod varint;

pub(crate) use epoch::Epoch;
#[cfg(feature = "net")]
pub(crate) use error::WireError;
#[cfg(feature = "net")]
pub(crate) use frame::Frame;
#[cfg(feature = "net")]
pub(crate) use groups::{GroupChange, GroupName, GroupUpdate};
#[cfg(feature = "net")]
pub(crate) use membership::{Announcement, MemberRecord, MeshKind, Metadata};
#[cfg(feature = "net")]
pub(crate) use names::{NameDefinition, Numbers, ReceivedNames, SentNames};
pub(crate) use signal::Signal;
pub(crate) use target::FrameTarget;
