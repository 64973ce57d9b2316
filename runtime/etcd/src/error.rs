//! Errors: those of a configuration, and those of a request.

use std::path::PathBuf;
use std::time::Duration;
use std::{error, fmt};

use greenroom::registry::RegistryError;

/// The error of [`EtcdBuilder::build`](crate::EtcdBuilder::build): a configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EtcdError {
    /// There are no addresses of members.
    NoMembers,
    /// This text is not the address of a member.
    Address(String),
    /// The address of a member contains a name or a password. They belong to [`user`](crate::EtcdBuilder::user).
    Credentials,
    /// The address begins with `https://`, and the crate is built without its feature `tls`.
    NeedsTls(String),
    /// The prefix has this many bytes, more than 255.
    Prefix(usize),
    /// The lease is not between one second and one day.
    Lease(Duration),
    /// The file does not contain usable certificates or a usable key.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl fmt::Display for EtcdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EtcdError::NoMembers => f.write_str("no addresses of etcd: give those of all its members"),
            EtcdError::Address(text) => {
                write!(
                    f,
                    "`{}` is not the address of a member of etcd: expected `http://host:port`",
                    text.escape_debug()
                )
            }
            EtcdError::Credentials => {
                f.write_str("the address of a member of etcd has credentials: use `.user(name, password)`")
            }
            EtcdError::NeedsTls(address) => {
                write!(f, "`{}` needs the feature `tls` of greenroom-etcd", address.escape_debug())
            }
            EtcdError::Prefix(bytes) => write!(f, "the prefix has {bytes} bytes, and at most 255 are possible"),
            EtcdError::Lease(lease) => write!(f, "a lease of {lease:?}: expected one second to one day"),
            EtcdError::File { path, reason } => write!(f, "cannot use {}: {reason}", path.display()),
        }
    }
}

impl error::Error for EtcdError {}

/// The longest part of a reason from elsewhere, in characters.
const LONGEST: usize = 500;

/// The failure of a request.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No answer of etcd: the member cannot be reached, does not answer in time, or is something else.
    NoAnswer(String),
    /// An error that etcd reports.
    Reported { code: u64, message: String },
}

/// Codes of errors, which are those of gRPC.
pub(crate) mod code {
    pub(crate) const CANCELED: u64 = 1;
    pub(crate) const UNKNOWN: u64 = 2;
    pub(crate) const DEADLINE_EXCEEDED: u64 = 4;
    pub(crate) const NOT_FOUND: u64 = 5;
    pub(crate) const ABORTED: u64 = 10;
    /// The revision has been compacted.
    pub(crate) const OUT_OF_RANGE: u64 = 11;
    pub(crate) const INTERNAL: u64 = 13;
    pub(crate) const UNAVAILABLE: u64 = 14;
    pub(crate) const UNAUTHENTICATED: u64 = 16;
}

impl Failure {
    /// An answer that etcd does not give.
    pub(crate) fn unexpected(answer: impl fmt::Display) -> Failure {
        Failure::NoAnswer(format!("an answer that is not etcd's: {answer}"))
    }

    /// Returns whether another attempt, at another member, can succeed.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Failure::NoAnswer(_) => true,
            Failure::Reported { code, .. } => matches!(
                *code,
                code::CANCELED
                    | code::UNKNOWN
                    | code::DEADLINE_EXCEEDED
                    | code::ABORTED
                    | code::OUT_OF_RANGE
                    | code::INTERNAL
                    | code::UNAVAILABLE
            ),
        }
    }

    /// Returns whether the request named a lease that does not exist.
    pub(crate) fn is_lost_lease(&self) -> bool {
        matches!(self, Failure::Reported { code: code::NOT_FOUND, message } if message.contains("lease"))
    }

    /// Returns whether the token of an earlier authentication is not valid any more.
    pub(crate) fn is_old_token(&self) -> bool {
        match self {
            Failure::NoAnswer(_) => false,
            Failure::Reported { code, message } => {
                *code == code::UNAUTHENTICATED || message.contains("revision of auth store is old")
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::NoAnswer(reason) | Failure::Reported { message: reason, .. }) = self;
        for c in reason.chars().take(LONGEST) {
            if c.is_control() { write!(f, "{}", c.escape_debug()) } else { write!(f, "{c}") }?;
        }
        Ok(())
    }
}

impl From<Failure> for RegistryError {
    fn from(failure: Failure) -> RegistryError {
        if failure.is_passing() {
            RegistryError::Unreachable(failure.to_string())
        } else {
            RegistryError::Refused(failure.to_string())
        }
    }
}
