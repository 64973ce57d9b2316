//! greenroom, tested through its public API.

mod mail;
mod ui;
