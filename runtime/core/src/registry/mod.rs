//! What a cluster has one of, or agrees on: claims on keys.

mod claims;

pub(crate) use claims::DynRegistry;
pub use claims::{Change, Changes, Claim, Claimed, Registry, RegistryError};
