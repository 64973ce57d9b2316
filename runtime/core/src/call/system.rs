//! System requests: to the server itself instead of its protocol.

use std::fmt;

use super::Address;
use super::target::Resolved;
use crate::base::Protocol;
use crate::process::{RequestError, SystemRequest};

/// Why a server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SysError {
    /// It has not said `#[actor(sys)]`, or is no server.
    NotAllowed,
    /// It lives on another node.
    Elsewhere,
    /// There is no such process, or it ended before its turn came.
    NoProc,
    /// Its state is of another type.
    OtherType,
    /// It did not come to it within 5 s; it will not any more.
    Timeout,
}

impl<M: Protocol> Address<M> {
    /// Makes a system request of the process.
    pub(crate) fn request(&self, request: SystemRequest) -> Result<(), SysError> {
        let process = match self.0.resolve() {
            Resolved::Local(process) => process,
            Resolved::Remote(_) => return Err(SysError::Elsewhere),
            Resolved::Missing(_) => return Err(SysError::NoProc),
        };
        let number = process.number().unwrap_or(0);
        let (cell, _) = process.cell().map_err(|_| SysError::NoProc)?;
        cell.request(number, request).map_err(|error| match error {
            RequestError::Gone => SysError::NoProc,
            RequestError::NotAllowed => SysError::NotAllowed,
        })
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SysError::NotAllowed => "the process does not allow that: a server says `#[actor(sys)]`",
            SysError::Elsewhere => "the process lives on another node",
            SysError::NoProc => "no such process",
            SysError::OtherType => "the process's state is of another type",
            SysError::Timeout => "the process did not come to it in time",
        })
    }
}

impl std::error::Error for SysError {}
