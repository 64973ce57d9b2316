//! Several nodes: in memory on a paused clock, over sockets, and in two operating system processes.

mod calls;
mod cookie_files;
mod echo_server;
mod errors;
mod killed;
mod loss;
mod message_panics;
mod refusals;
mod sockets;
mod stopping;
mod trees;
