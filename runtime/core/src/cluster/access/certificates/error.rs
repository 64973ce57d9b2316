//! The error of certificates that cannot be loaded.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::session::CertificateFault;

/// The reason why the certificates of a node cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file cannot be read, or is larger than 1 MiB.
    File(PathBuf, io::Error),
    /// The file has no certificate or key in PEM, or a damaged one: the expected content, and the mistake.
    Malformed(PathBuf, &'static str, String),
    /// The key in the first file is not that of the certificate in the second one.
    OtherKey(PathBuf, PathBuf),
    /// Peers with the same authorities would not accept the certificate in this file.
    Certificate(PathBuf, CertificateFault),
    /// This environment variable is not set, and another one of the three is.
    Variable(&'static str),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| path.display().to_string();
        match self {
            CertificateError::File(path, _) => write!(f, "cannot read `{}`", shown(path)),
            CertificateError::Malformed(path, expected, mistake) => {
                write!(f, "expected {expected} in PEM in `{}`: {mistake}", shown(path))
            }
            CertificateError::OtherKey(key, certificate) => {
                write!(f, "the key in `{}` is not that of the certificate in `{}`", shown(key), shown(certificate))
            }
            CertificateError::Certificate(path, fault) => write!(f, "the certificate in `{}` {fault}", shown(path)),
            CertificateError::Variable(name) => write!(
                f,
                "`{name}` is not set: certificates need `GREENROOM_TLS_CA`, `GREENROOM_TLS_CERT` and `GREENROOM_TLS_KEY`"
            ),
        }
    }
}

impl std::error::Error for CertificateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CertificateError::File(_, error) => Some(error),
            // The text of the fault is a part of this text.
            CertificateError::Malformed(..)
            | CertificateError::OtherKey(..)
            | CertificateError::Certificate(..)
            | CertificateError::Variable(_) => None,
        }
    }
}
