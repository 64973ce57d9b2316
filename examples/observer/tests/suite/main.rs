//! Tests of the observer: its views by calls, its page over HTTP and in a browser, and its program beside a cluster.

// The browser of the chat's tests.
#[allow(dead_code)]
#[path = "../../../chat/tests/suite/browser/mod.rs"]
mod browser;
#[path = "../../../chat/tests/suite/scratch.rs"]
mod scratch;

mod board;
mod http;
mod office;
mod page;
mod shell;
mod shop;
mod views;
