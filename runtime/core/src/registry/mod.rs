//! Layer 9: claims on keys, of which a cluster has one each, global names, and groups of processes.
//!
//! A *claim* is the right of one node to a key. `claims` has the interface to a store of claims, `service` the owners of
//! claims on a node, and `local_view` the store that needs nothing but the connections between the nodes. [`global`] has
//! the names, and `groups` the groups.

mod claims;
pub mod global;
#[cfg(test)]
mod global_tests;
mod groups;
mod local_view;
mod rendezvous;
mod service;
mod sharded;

pub use claims::{Change, Changes, Claim, Claimed, Registry, RegistryError};
pub use global::GlobalNameError;
#[cfg(feature = "upgrade")]
pub(crate) use global::register_again;
#[cfg(feature = "upgrade")]
pub(crate) use groups::join_again;
pub use groups::{Broadcast, BroadcastError, Group, GroupEvent, GroupEvents, NoMember, Pick};
pub use local_view::{Keep, LocalView};
pub(crate) use service::{ClaimService, HoldError};
pub(crate) use sharded::TransferableKeys;
pub use sharded::{Host, HostError, Hosted, Sharded};
