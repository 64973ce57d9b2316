//! Actors by key: one process of an actor for each key in the cluster, started where the key belongs.
//!
//! A key belongs to one of 4,096 *slots*, and each slot has a claim in the cluster's registry. Messages between nodes are for
//! the name of the key, such as `/rooms/lobby`.
//!
//! | module | contents |
//! |---|---|
//! | `handle` | [`Sharded`], and the changes of claims |
//! | `host`, `hosting` | the nodes that run processes, and the start of a process |
//! | `hosts` | the home of each slot, and the slots that are to move |
//! | `slot` | the state of a slot, and the place of a message for it |
//! | `sharding` | the way of a message, and those that wait |
//! | `moving` | the claims of slots, from request to release |
//! | `states` | the states of portable actors on their way to the next owner |

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
