//! Checks of the workspace's structure: which module imports which, which names a module may use, how large a file is.
//!
//! All checks read the sources as text, without comments, literals and tests. A check that finds nothing could be
//! blind, so each has samples with a violation, which it must find, and samples without.

mod cycles;
mod imports;
mod layers;
mod names;
mod sizes;

use imports::Crate;

/// The runtime, whose own name is an alias of `crate` in it.
fn runtime() -> Crate {
    Crate::read("runtime/core/src", Some("greenroom"))
}

/// The macros. The paths in what they generate are not theirs.
fn macros() -> Crate {
    Crate::read("macros/src", None)
}
