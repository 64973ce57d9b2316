//! The errors of a claim of this node.

use std::{error, fmt};

use super::super::claims::{Claim, RegistryError};

/// The reason why an owner did not get its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HoldError {
    /// The key has another claim, or an owner on this node.
    Taken(Claim),
    Registry(RegistryError),
    /// There was no answer in time.
    Timeout,
    /// The node stops.
    Stopped,
}

/// The reason why an owner has lost its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The claim was ended, or another node has the key.
    Taken,
    /// The node could not renew its claims in time.
    Lease,
    /// The node stops.
    Stopped,
}

impl fmt::Display for HoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HoldError::Taken(claim) => write!(f, "the key has an owner on {}", claim.node.name),
            HoldError::Registry(error) => error.fmt(f),
            HoldError::Timeout => f.write_str("the registry did not answer in time"),
            HoldError::Stopped => f.write_str("the node stops"),
        }
    }
}

impl error::Error for HoldError {}
