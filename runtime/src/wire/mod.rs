//! Floor 1: what travels between processes and nodes, and its bytes. Pure.

mod fingerprint;
mod signal;

pub(crate) use fingerprint::fingerprint;
pub(crate) use signal::Signal;
