//! A counter in two releases, and its upgrade while clients call it.
//!
//! [`first`] and [`second`] are the two releases, as the programs `first` and `second`. The program `live_upgrade` runs one of
//! them and calls it from a node of its own, upgrades it three times, and prints the pauses and the losses.

pub mod first;
pub mod second;
