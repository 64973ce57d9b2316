//! Reasons for which a node refuses a connection after both hellos.
//!
//! | chunk | bytes |
//! |---|---|
//! | admission | `8`, code *n*: `0` accepted, else a refusal; with `0`, if both nodes can [pause](crate::session), the tokens of the paused connection that this one can continue: up to two of 16 bytes |
//!
//! | code | refusal |
//! |---|---|
//! | `1` | duplicate: another connection between the two nodes stays |
//! | `2` | name in use: the node is connected to another node of this name |
//! | `3` | not allowed |
//! | `4` | a critical field of the hello is unknown |
//! | `5` | the node stops |
//! | `6` | the node has as many connections as it may have |
//! | `7` | the certificate is not for the name of the hello |
//! | `8` | the certificate has more than one role |
//! | `9` | the role of the certificate is not defined on the other node |
//! | others | of a later version |

use std::fmt;

/// The reason for which a node refuses a connection to a peer that has the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Another connection between the two nodes stays.
    Duplicate,
    /// The node is connected to another node of this name, which answers.
    NameInUse,
    /// The node's rules do not allow it.
    NotAllowed,
    /// A critical field of the hello is unknown.
    Incompatible,
    /// The node stops.
    Stopping,
    /// The node has as many connections as it may have.
    TooManyPeers,
    /// The certificate is not for the name of the hello.
    CertifiedName,
    /// The certificate has more than one role.
    CertifiedRoles,
    /// The role of the certificate is not defined on the other node.
    UnknownRole,
    /// A reason of a later version.
    Other(u64),
}

impl Refusal {
    pub(in crate::session) const ACCEPTED: u64 = 0;

    pub(in crate::session) fn code(self) -> u64 {
        match self {
            Refusal::Duplicate => 1,
            Refusal::NameInUse => 2,
            Refusal::NotAllowed => 3,
            Refusal::Incompatible => 4,
            Refusal::Stopping => 5,
            Refusal::TooManyPeers => 6,
            Refusal::CertifiedName => 7,
            Refusal::CertifiedRoles => 8,
            Refusal::UnknownRole => 9,
            Refusal::Other(code) => code,
        }
    }

    /// Returns the refusal with this code; `None` for acceptance.
    pub(in crate::session) fn of_code(code: u64) -> Option<Refusal> {
        Some(match code {
            Refusal::ACCEPTED => return None,
            1 => Refusal::Duplicate,
            2 => Refusal::NameInUse,
            3 => Refusal::NotAllowed,
            4 => Refusal::Incompatible,
            5 => Refusal::Stopping,
            6 => Refusal::TooManyPeers,
            7 => Refusal::CertifiedName,
            8 => Refusal::CertifiedRoles,
            9 => Refusal::UnknownRole,
            other => Refusal::Other(other),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Duplicate => f.write_str("the two nodes are connected already"),
            Refusal::NameInUse => f.write_str("another node uses this name and is connected"),
            Refusal::NotAllowed => f.write_str("the connection is not allowed"),
            Refusal::Incompatible => f.write_str("the hello has a field that the other node does not know"),
            Refusal::Stopping => f.write_str("the node stops"),
            Refusal::TooManyPeers => f.write_str("the node has as many connections as `max_peers` permits"),
            Refusal::CertifiedName => f.write_str("the certificate of the refused node is not for its name"),
            Refusal::CertifiedRoles => f.write_str("the certificate of the refused node has more than one role"),
            Refusal::UnknownRole => {
                f.write_str("the policy does not define the role in the certificate of the refused node")
            }
            Refusal::Other(code) => write!(f, "refusal code {code}, which this version does not know"),
        }
    }
}
