//! The errors of a session.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "tls")]
use super::CertificateFault;
use super::Refusal;
use crate::base::NodeName;
use crate::wire::WireError;

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionError {
    /// The first bytes are not greenroom's.
    Magic,
    /// The two nodes have no version of the wire in common.
    Version { theirs: Vec<u16>, ours: Vec<u16> },
    /// The peer has another cookie.
    Cookie,
    /// The peer has certificates, and this node a cookie.
    PeerHasCertificates,
    /// The peer has a cookie, and this node certificates.
    #[cfg(feature = "tls")]
    PeerHasCookie,
    /// The peer's certificate is not accepted.
    #[cfg(feature = "tls")]
    Certificate(CertificateFault),
    /// The peer does not accept this node's certificate, with its reason.
    #[cfg(feature = "tls")]
    CertificateRefused(&'static str),
    /// The peer closed the connection before TLS was set up, as it may with a certificate that it does not accept.
    #[cfg(feature = "tls")]
    HungUpInTls,
    /// TLS failed, with the reason.
    #[cfg(feature = "tls")]
    Tls(String),
    /// The peer belongs to another cluster.
    Cluster { theirs: String, ours: String },
    /// The peer closed the connection before the handshake was done, as it does with a wrong cookie.
    HungUp,
    /// The handshake was not done in time.
    Slow,
    /// An invalid handshake message or hello, with the mistake in it.
    Handshake(&'static str),
    /// A critical field of the peer's hello is unknown to this version.
    UnknownField(u64),
    /// The peer refused the connection.
    Refused(Refusal),
    /// This node refused the connection.
    RefusedHere(Refusal),
    /// The peer closed the connection after the hellos, before both had accepted it.
    Undecided,
    /// The peer is this very node.
    Reflected,
    /// The peer is another node with this node's name.
    SameName(NodeName),
    /// A record that the peer did not seal: damaged, replayed or out of order.
    Forged,
    /// The peer stopped answering: nothing was received for the tick.
    Silent { tick: Duration },
    /// A record with an invalid chunk, with the mistake in it.
    Record(&'static str),
    /// A frame that is larger than the limit in this node's hello.
    FrameTooLarge { limit: usize },
    /// More frames at once in fragments than the limit in this node's hello.
    TooManyLanes { limit: usize },
    /// More bytes at once in fragments than the limit in this node's hello.
    TooManyBytes { limit: usize },
    /// More bytes in fragments on all connections than the limit of the node, and this connection has the most.
    TooManyNodeBytes { limit: usize },
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
            SessionError::Cookie => f.write_str("the peer has another cookie"),
            SessionError::PeerHasCertificates => f.write_str("the peer has certificates, and this node a cookie"),
            #[cfg(feature = "tls")]
            SessionError::PeerHasCookie => f.write_str("the peer has a cookie, and this node requires certificates"),
            #[cfg(feature = "tls")]
            SessionError::Certificate(fault) => write!(f, "the peer's certificate {fault}"),
            #[cfg(feature = "tls")]
            SessionError::CertificateRefused(reason) => {
                write!(f, "the peer does not accept this node's certificate: {reason}")
            }
            #[cfg(feature = "tls")]
            SessionError::HungUpInTls => f.write_str(
                "the peer closed the connection during the handshake, as it may for a certificate that it does not accept",
            ),
            #[cfg(feature = "tls")]
            SessionError::Tls(reason) => write!(f, "TLS failed: {reason}"),
            SessionError::Cluster { theirs, ours } => {
                write!(f, "the peer belongs to the cluster `{theirs}`, this node to `{ours}`")
            }
            SessionError::HungUp => {
                f.write_str("the peer closed the connection during the handshake, as it does for another cookie")
            }
            SessionError::Slow => f.write_str("the handshake was not done in time"),
            SessionError::Handshake(what) => write!(f, "bad handshake: {what}"),
            SessionError::UnknownField(tag) => {
                write!(f, "the peer's hello has the critical field {tag}, which this version does not know")
            }
            SessionError::Refused(refusal) => write!(f, "refused by the peer: {refusal}"),
            SessionError::RefusedHere(refusal) => write!(f, "refused: {refusal}"),
            SessionError::Undecided => f.write_str("the peer closed the connection before it was accepted"),
            SessionError::Reflected => f.write_str("the peer is this node itself"),
            SessionError::SameName(name) => write!(f, "another node uses this node's name `{name}`"),
            SessionError::Forged => {
                f.write_str("encrypted data cannot be opened: it was damaged, replayed or forged on the way")
            }
            SessionError::Silent { tick } => {
                write!(f, "the peer stopped answering: nothing was received for {tick:?}")
            }
            SessionError::Record(what) => write!(f, "bad record: {what}"),
            SessionError::FrameTooLarge { limit } => {
                write!(f, "the peer sent a frame of more than {limit} bytes, the limit of this node")
            }
            SessionError::TooManyLanes { limit } => {
                write!(f, "the peer sent pieces of more than {limit} large frames at one time")
            }
            SessionError::TooManyBytes { limit } => {
                write!(f, "the peer sent more than {limit} bytes of incomplete frames at one time")
            }
            SessionError::TooManyNodeBytes { limit } => {
                write!(
                    f,
                    "all peers together sent more than {limit} bytes of incomplete frames, and this peer sent the most"
                )
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
    /// The session is not up yet, is over, or is about to be.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            SendError::Closed => f.write_str("the connection is not up"),
        }
    }
}

impl std::error::Error for SendError {}
