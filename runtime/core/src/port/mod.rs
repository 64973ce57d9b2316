//! Layer 8: programs of the operating system as processes. After Erlang's
//! [ports](https://www.erlang.org/doc/system/c_port.html).
//!
//! A [`Port`] is an actor. Its process owns one program, moves bytes through the program's pipes, and exits with it.
//! The mailbox of the process is the queue of the writes to the program.
//!
//! | module | contents |
//! |---|---|
//! | `decoder` | the lines and frames in a stream of bytes, as a pure function |
//! | `output` | the event that the owner receives for each of them |
//! | `protocol` | the messages to a port |
//! | `program` | the program with its pipes, and its end |
//! | `transfer` | the body of the process: writes, reads, the exit of the program |
//! | `options`, `start` | the [`Port`] as a value, and its start as a process |
//!
//! Invariants:
//! - When a port's process has exited, by any reason, its program is gone and its exit status was collected. A
//!   `RunningGuard` delays the end of the process until then, as for blocking code.
//! - The port holds at most one unfinished write, and one unfinished line or frame of each pipe. Everything else is in
//!   bounded mailboxes or in the pipes, whose other end is suspended by the operating system.
//! - The owner receives all output of a program before the exit signal or the `Down` of its port.
//!
//! A program ends in one of two ways. It exits by itself: the rest of its process group is killed, its output is read
//! to the end, and its status is the exit reason. Or the process ends first, and the program with it, as `Program`
//! describes.

mod decoder;
mod options;
mod output;
mod program;
mod protocol;
mod start;
mod transfer;

pub use decoder::FrameLength;
pub use options::{Port, PortError};
pub use output::{PortOutput, PortStream};
pub use protocol::{PortMessage, PortRef};

#[cfg(any(test, not(feature = "serde")))]
crate::base::serializable! { [] PortOutput, [] PortStream }
