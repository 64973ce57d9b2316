//! The protocol of ports, before its expansion.

/// The protocol of every port: see [`Port`](crate::Port).
#[protocol]
pub enum PortMessage {
    /// Writes bytes to the program's standard input: [`PortRef::send`].
    #[doc(hidden)]
    Write {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Closes the program's standard input after the writes that were sent before. Later writes are lost, and counted.
    ///
    /// A program that reads its input to the end, such as `sort`, writes its result then and exits. Erlang's ports have no
    /// counterpart.
    CloseInput,
}
