//! The event that the owner of a port receives.

use std::borrow::Cow;
use std::str::Utf8Error;

use crate::base::Pid;

/// One line or frame of a program's output, as a message from its port.
///
/// A protocol takes it by a variant `#[from] Output(PortOutput)`, an `#[actor]` impl by a method
/// `#[from] fn output(&mut self, output: PortOutput)`. After Erlang's messages
/// [`{Port, {data, Data}}`](https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PortOutput {
    /// The port, for a process with several.
    pub port: Pid,
    /// The pipe that the program wrote to.
    pub stream: PortStream,
    /// The bytes of the line without its newline, or of the frame without its length. They are those of the program,
    /// whatever its encoding: a carriage return in front of the newline stays.
    pub bytes: Vec<u8>,
    /// False for a part of a line: the line is longer than [`Port::max_length`](crate::Port::max_length) and continues
    /// in the next message, or the output ended without a newline. Erlang's `noeol`. Always true for a frame.
    pub is_complete: bool,
}

/// A pipe from a program to its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PortStream {
    /// Standard output.
    Output,
    /// Standard error, if the port has [`stderr`](crate::Port::stderr).
    Error,
}

impl PortOutput {
    /// Returns the bytes as a text.
    ///
    /// # Errors
    /// The bytes are not UTF-8. They are all in [`bytes`](PortOutput::bytes). A part of a long line can also end within
    /// a character.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.bytes)
    }

    /// Returns the bytes as a text for people: bytes that are not UTF-8 become `�`.
    pub fn text_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}
