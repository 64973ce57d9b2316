//! The registry on real members of etcd (Debian's package `etcd-server`), on free ports of the loopback interface.
//!
//! Without the program `etcd` the tests are skipped with a message. With the environment variable `CI=true`, that is a
//! failure.
#![cfg(unix)]

mod claims;
mod cluster;
mod credentials;
mod members;
mod nodes;
mod observer;
mod proxy;
mod script;
mod watches;
