//! Nodes on hosts of their own: network namespaces with a router between them, and a name server.
//!
//! These tests need Linux, root, and the programs `ip` and `dnsmasq` (Debian's packages `iproute2` and `dnsmasq-base`).
//! Without them they are skipped with a message. With the environment variable `CI=true`, that is a failure.
#![cfg(target_os = "linux")]

mod cables;
mod names;
mod network;
