//! Several nodes: in memory on a paused clock, over sockets, and in two operating system processes.

mod calls;
mod desk;
mod killed;
mod loss;
mod sockets;
mod trees;
