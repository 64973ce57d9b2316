//! The actions of the machine, and the answers to its requests.

use super::error::{HoldError, Loss};
use crate::registry::{Claim, Claimed, RegistryError};

/// One owner on this node, in all that concerns its claim.
pub(crate) type HoldId = u64;

/// Something to do for the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A request to the registry. Its answer is an event.
    Request { key: String, id: u64, request: Request },
    /// A renewal, which is answered too.
    Renew,
    /// The outcome of [`Machine::hold`].
    Answer(HoldId, Result<Claim, HoldError>),
    /// An owner has lost its claim.
    Lost(HoldId, Loss),
    /// The reported claim on this key has changed.
    Changed(String),
}

/// A request to the registry on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Claim(Vec<u8>),
    Release(Claim),
    Lookup,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Claim(Result<Claimed, RegistryError>),
    Release(Result<(), RegistryError>),
    Lookup(Result<Option<Claim>, RegistryError>),
}
