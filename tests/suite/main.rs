//! greenroom, tested through its public API.

mod cluster;
mod invariants;
mod mail;
