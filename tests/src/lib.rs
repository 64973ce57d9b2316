//! The samples of the README and the book, compiled and run as tests.

pub mod expansion;
