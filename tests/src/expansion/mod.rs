//! Every form of every macro, under every lint that a strict crate turns on, and in modules that make it hard.
//!
//! It is a library, since `missing_docs` looks at what others can see. That it compiles without a warning is
//! the test; that it also does what it says is tested by the suite.
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
