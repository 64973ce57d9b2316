//! Programs with every form of every macro, under the lints of a strict crate, and in modules with unusual names.
//!
//! The test is that they compile without a warning. They are a library, since `missing_docs` checks public items. The
//! suite's `expansion.rs` runs them.
#![deny(
    missing_docs,
    unused,
    unused_qualifications,
    unused_lifetimes,
    unused_import_braces,
    unreachable_pub,
    unsafe_code,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    rustdoc::all,
    clippy::all,
    clippy::pedantic
)]

pub mod bare;
pub mod everyday;
pub mod features;
pub mod generic;
pub mod patterns;
pub mod raw;
pub mod shadowed;
