//! Actors by key: one process of an actor for each key in the cluster, started where the key belongs.
//!
//! A key belongs to one of 4,096 *slots*, and each slot has a claim in the cluster's registry. `hosts` decides on which node
//! a slot should be, `slot` decides where a message for a slot goes, `sharding` sends it there or lets it wait, and `moving`
//! claims slots and gives them up. Messages between nodes are for the name of the key, such as `/rooms/lobby`.

mod handle;
mod host;
mod hosting;
mod hosts;
mod moving;
mod sharding;
mod slot;
mod states;
#[cfg(test)]
mod tests;

pub use handle::Sharded;
pub(super) use handle::{hosted_actors, publish};
pub use host::{Host, HostError, Hosted};
pub(crate) use states::TransferableKeys;

/// The number of slots of a sharded actor.
const SLOTS: u16 = 4096;
