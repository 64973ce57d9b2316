//! greenroom, tested through its public API.

mod conformance_tree;
mod mail;
