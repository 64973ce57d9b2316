//! The faults of a certificate.

use std::fmt;

use rustls::CertificateError;

use crate::base::NodeName;

/// The first part of a URI with the name of a node.
pub(super) const NODE: &str = "greenroom:";
/// The first part of a URI with a role.
pub(super) const ROLE: &str = "greenroom-role:";

/// The reason for which nodes do not accept a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No trusted authority has issued the certificate.
    UnknownAuthority,
    /// The certificate has a wrong signature: that of another authority with the same name, or of another key.
    Signature,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The extended key usage of the certificate does not contain both `serverAuth` and `clientAuth`.
    Usage,
    /// No subject alternative name of the certificate is a URI `greenroom:name@host`.
    NoName,
    /// The certificate is for other nodes.
    OtherName {
        /// The name of the node that uses the certificate.
        node: NodeName,
        /// The first names in the certificate.
        certified: Vec<NodeName>,
    },
    /// The certificate has more than one role.
    ManyRoles,
    /// The [`Policy`](crate::Policy) does not define the role of the certificate.
    UnknownRole(String),
    /// The peer sent no certificate.
    Missing,
    /// Any other reason, as text.
    Other(String),
}

impl From<CertificateError> for CertificateFault {
    fn from(error: CertificateError) -> CertificateFault {
        match error {
            CertificateError::UnknownIssuer => CertificateFault::UnknownAuthority,
            CertificateError::BadSignature => CertificateFault::Signature,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFault::NotYetValid
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                CertificateFault::Usage
            }
            other => CertificateFault::Other(other.to_string()),
        }
    }
}

/// The text goes on after the words "the certificate".
impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateFault::UnknownAuthority => f.write_str("was not issued by an authority that this node trusts"),
            CertificateFault::Signature => {
                f.write_str("has a wrong signature: that of another authority with the same name, or of another key")
            }
            CertificateFault::Expired => f.write_str("has expired"),
            CertificateFault::NotYetValid => f.write_str("is not valid yet"),
            CertificateFault::Usage => f.write_str(
                "must allow its use by TLS servers and by TLS clients: `extendedKeyUsage = serverAuth, clientAuth`",
            ),
            CertificateFault::NoName => {
                write!(f, "names no node: its subject alternative names need the URI `{NODE}name@host`")
            }
            CertificateFault::OtherName { node, certified } => {
                f.write_str("is for ")?;
                for (index, name) in certified.iter().enumerate() {
                    write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
                }
                write!(f, ", not for `{node}`: its subject alternative names need the URI `{NODE}{node}`")
            }
            CertificateFault::ManyRoles => write!(f, "has more than one role: expected at most one URI `{ROLE}..`"),
            CertificateFault::UnknownRole(role) => {
                write!(f, "has the role `{role}`, which the policy of this node does not define")
            }
            CertificateFault::Missing => f.write_str("was not sent"),
            CertificateFault::Other(reason) => write!(f, "is not accepted: {reason}"),
        }
    }
}

impl std::error::Error for CertificateFault {}
