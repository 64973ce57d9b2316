//! The end of a node: the program's body and the operating system's signals that begin it, and the order in which
//! applications, supervision trees, processes and connections stop.

mod interrupt;
mod run;
mod stop;

pub use stop::StopTimeout;
