//! Claims on keys, which a cluster agrees on, and groups of processes.

mod claims;
mod groups;

pub(crate) use claims::DynRegistry;
pub use claims::{Change, Changes, Claim, Claimed, Registry, RegistryError};
pub use groups::{Broadcast, BroadcastError, Group, GroupEvent, GroupEvents, NoMember, Pick};
