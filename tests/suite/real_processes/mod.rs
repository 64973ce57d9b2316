//! Nodes in OS processes of their own, on real sockets: they are killed, stopped and restarted, and a proxy between them
//! damages what it forwards.
#![cfg(unix)]

mod crossed_dials;
mod faulty_proxy;
mod hosts;
mod killed;
mod message_panics;
mod namesakes;
mod program;
mod restarts;
mod stopped;
mod terminated;
mod upgrades;
