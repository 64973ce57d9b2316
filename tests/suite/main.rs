//! greenroom, tested through its public API.

mod conformance;
mod mail;
mod receive;
mod stage;
