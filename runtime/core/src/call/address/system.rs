//! System requests: those that a server answers itself, beside its protocol.

use std::fmt;

use super::Address;
use crate::base::Protocol;
use crate::call::target::Resolved;
use crate::node::RequestError;
use crate::process::SystemRequest;

/// The error of a system request, made with [`Sys`](crate::Sys).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SysError {
    /// The process does not allow system requests: it is a server without `#[actor(sys)]`, or not a server.
    NotAllowed,
    /// The process is on another node. System requests are local.
    Elsewhere,
    /// The process does not exist, or it exited before it handled the request.
    NoProc,
    /// The state of the server has another type than the request expects.
    OtherType,
    /// The server did not handle the request within 5 s. A request on its state is then dropped; `suspend` and `resume`
    /// still take effect when the server comes to them.
    Timeout,
}

impl<M: Protocol> Address<M> {
    /// Sends a system request.
    pub(crate) fn request(&self, request: SystemRequest) -> Result<(), SysError> {
        let process = match self.0.resolve() {
            Resolved::Local(process) => process,
            Resolved::Remote(_) => return Err(SysError::Elsewhere),
            Resolved::Missing(_) => {
                return match self.0.at_present() {
                    Some(Ok(owner)) => Address(owner).request(request),
                    Some(Err(_)) | None => Err(SysError::NoProc),
                };
            }
        };
        let number = process.number().unwrap_or(0);
        let (cell, _) = process.cell().map_err(|_| SysError::NoProc)?;
        cell.request(number, request).map_err(|error| match error {
            RequestError::Gone => SysError::NoProc,
            RequestError::NotAllowed => SysError::NotAllowed,
            RequestError::Elsewhere => SysError::Elsewhere,
        })
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SysError::NotAllowed => {
                "the process does not allow system requests: write `#[actor(sys)]` on the struct of a server"
            }
            SysError::Elsewhere => "the process is on another node, and system requests are local",
            SysError::NoProc => "no such process",
            SysError::OtherType => "the process's state has another type than the request expects",
            SysError::Timeout => "the process did not handle the system request within 5 s",
        })
    }
}

impl std::error::Error for SysError {}
