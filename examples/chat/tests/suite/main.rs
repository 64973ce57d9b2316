//! The chat as a program: its commands, and its pages in a browser.

mod browser;
mod cluster;
mod page;
mod program;
mod prometheus;
mod scratch;
