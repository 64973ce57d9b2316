//! The protocol of ports: as written, and as expanded by `#[protocol]`.
//!
//! The macros and this crate are compiled in parallel, so this crate cannot use the macros. `written.rs` is the source.
//! A test of the macros keeps `expanded.rs` equal to its expansion. After a change of `written.rs`,
//! `UPDATE_EXPECT=1 cargo test -p greenroom-macros --lib` writes `expanded.rs`.

#[rustfmt::skip]
#[allow(clippy::all, clippy::semicolon_if_nothing_returned)]
mod expanded;

pub use expanded::{PortMessage, PortRef};

use crate::base::CastError;
use crate::call::Cast;

impl PortRef {
    /// Writes bytes to the program's standard input: as they are, or as one frame for a port with
    /// [frames](crate::Port::frames). Nothing is added to a line, so write its newline too.
    ///
    /// The port's mailbox holds 16 writes. If it is full because the program does not read, an awaited `send` waits. One
    /// that is not awaited is dropped and counted: use [`try_send`](PortRef::try_send) to receive the error. The bytes are
    /// lost if the program exits before it reads them, or has closed its input. The model is
    /// [`port_command/2`](https://www.erlang.org/doc/apps/erts/erlang.html#port_command/2).
    pub fn send(&self, bytes: Vec<u8>) -> Cast {
        self.write(bytes)
    }

    /// Sends a write if there is room for it, and never waits.
    ///
    /// # Errors
    /// - [`CastError::Full`] if the port's mailbox is full, since the program does not read its input.
    /// - [`CastError::NoProc`] if the port has exited.
    /// - The other errors of a cast, for a port on another node. A write that was put into the queue of the connection
    ///   counts as sent.
    pub fn try_send(&self, bytes: Vec<u8>) -> Result<(), CastError> {
        self.send(bytes).withdraw_if_waiting()
    }
}
