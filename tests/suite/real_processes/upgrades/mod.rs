//! A server that is upgraded by its next release, in processes of the operating system.

mod connected;
mod endings;
mod rollbacks;
mod server;
mod successors;
