//! greenroom, tested through its public API.

mod bounds;
mod mail;
mod timed;
