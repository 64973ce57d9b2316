//! greenroom
extern crate self as greenroom;
mod base;
