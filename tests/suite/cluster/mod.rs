//! Several nodes: in memory on a paused clock, and over sockets.

mod blocked_threads;
mod call_chains;
mod calls;
mod certificates;
mod cookie_files;
mod decoding;
mod echo_server;
mod errors;
mod evolution;
mod flow_control;
mod handover;
mod lanes;
mod large_messages;
mod log_text;
mod loss;
mod message_panics;
mod policies;
mod refusals;
mod released_shapes;
mod remote_functions;
mod remote_starts;
mod sockets;
mod stopping;
mod trees;
