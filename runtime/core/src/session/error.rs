//! The errors of a session.

use std::fmt;

use crate::base::NodeName;
use crate::wire::WireError;

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionError {
    /// The first bytes are not greenroom's.
    Magic,
    /// The two nodes have no version of the wire in common.
    Version { theirs: Vec<u16>, ours: Vec<u16> },
    /// The peer has another cookie, or another cluster name.
    Cookie,
    /// The peer closed the connection before the handshake was done, as it does with a wrong cookie.
    HungUp,
    /// The handshake was not done in time.
    Slow,
    /// An invalid handshake message or hello, with the mistake in it.
    Handshake(&'static str),
    /// The peer is this very node.
    Reflected,
    /// The peer is another node with this node's name.
    SameName(NodeName),
    /// A record that the peer did not seal: damaged, replayed or out of order.
    Forged,
    /// Nothing was received for the tick's time.
    Silent,
    /// A record with an invalid chunk, with the mistake in it.
    Record(&'static str),
    /// A frame that is larger than the limit in this node's hello.
    FrameTooLarge { limit: usize },
    /// More frames at once in fragments than the limit in this node's hello.
    TooManyLanes { limit: usize },
    /// More bytes at once in fragments than the limit in this node's hello.
    TooManyBytes { limit: usize },
    /// A frame that does not decode.
    Frame(WireError),
    /// The cipher failed, for a reason on this node's side.
    Cipher(String),
    /// The session was closed.
    Closed,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::Magic => f.write_str("the peer does not use greenroom's protocol"),
            SessionError::Version { theirs, ours } => {
                write!(f, "no wire version in common: the peer has {theirs:?}, this node {ours:?}")
            }
            SessionError::Cookie => f.write_str("the peer has another cookie or cluster name"),
            SessionError::HungUp => {
                f.write_str("the peer hung up during the handshake: perhaps another cookie or cluster name")
            }
            SessionError::Slow => f.write_str("the handshake was not done in time"),
            SessionError::Handshake(what) => write!(f, "bad handshake: {what}"),
            SessionError::Reflected => f.write_str("the peer is this node itself"),
            SessionError::SameName(name) => write!(f, "the peer has this node's own name `{name}`"),
            SessionError::Forged => f.write_str("a record is damaged, replayed or forged"),
            SessionError::Silent => f.write_str("the peer has been silent for too long"),
            SessionError::Record(what) => write!(f, "bad record: {what}"),
            SessionError::FrameTooLarge { limit } => write!(f, "a frame of more than {limit} bytes"),
            SessionError::TooManyLanes { limit } => {
                write!(f, "more than {limit} frames in fragments at once")
            }
            SessionError::TooManyBytes { limit } => {
                write!(f, "more than {limit} bytes in fragments at once")
            }
            SessionError::Frame(error) => write!(f, "bad frame: {error}"),
            SessionError::Cipher(what) => write!(f, "the cipher failed: {what}"),
            SessionError::Closed => f.write_str("the session was closed"),
        }
    }
}

impl std::error::Error for SessionError {}

/// Why a frame was not queued. The session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// More bytes than the peer, or this node, takes in one frame.
    TooLarge { limit: usize },
    /// The session is over, or about to be.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            SendError::Closed => f.write_str("the connection is closed"),
        }
    }
}

impl std::error::Error for SendError {}
