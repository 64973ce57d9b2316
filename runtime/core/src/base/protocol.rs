use std::fmt;

use super::{DecodeError, Decoder, EncodeError, Encoder, System};

/// What may be said to a process: an enum, one variant a message. Derived by [`#[protocol]`](attr.protocol.html).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protocol",
    label = "the enum needs `#[protocol]`",
    note = "write `#[protocol]` on the enum `{Self}`"
)]
pub trait Protocol: Sized + Send + 'static {
    /// What the protocol is called, as two nodes compare it.
    const NAME: &'static str;
    /// Raised by `version = N` when the meaning of messages changed and their shape did not.
    const VERSION: u32 = 0;
    /// Whether a crash report shows the last message, and not just its name: `debug`.
    const REPORTED: bool = false;
    /// Each variant, in order of declaration.
    const VARIANTS: &'static [Variant];

    /// This message's place in [`VARIANTS`](Self::VARIANTS).
    fn variant(&self) -> usize;

    /// A message of the runtime's, if a `#[from]` variant takes it.
    #[doc(hidden)]
    fn from_system(system: &mut System<'_>) -> Option<Self> {
        let _ = system;
        None
    }

    /// Reads an event of another node, if a `#[from]` variant takes its type.
    #[doc(hidden)]
    fn decode_event(event: u64, decoder: &mut Decoder<'_>) -> Option<Result<Self, DecodeError>> {
        let _ = (event, decoder);
        None
    }

    /// The process has it now: its reply, if it is a call, may go anywhere.
    #[doc(hidden)]
    fn mark_taken(&self) {}

    /// Writes the fields, in order. A local protocol has no bytes.
    #[doc(hidden)]
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let _ = encoder;
        Err(EncodeError::Local)
    }

    /// Writes the message down for somebody who traces it, as far as its fields can be shown.
    #[doc(hidden)]
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        Ok(())
    }

    /// Reads the fields of the variant with this index.
    #[doc(hidden)]
    fn decode(variant: usize, decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let _ = (variant, decoder);
        Err(DecodeError::Local)
    }
}

/// One message of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The variant's name.
    pub name: &'static str,
    /// Its fields as they were written, as `priority: u8, body: String`.
    pub shape: &'static str,
    /// Whether it carries a `Reply`.
    pub call: bool,
    /// Whether only the runtime makes it; such a variant is never decoded.
    pub system: bool,
    /// Whether it goes before all others: `#[priority]`.
    pub priority: bool,
}

/// A mailbox that takes a `T` of the runtime's.
///
/// `#[protocol]` implements it for each `#[from]` variant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no `{T}`",
    label = "needs a variant of `{Self}` that takes it",
    note = "to monitor, a protocol needs a variant `#[from] Down(Down)`; to trap exits, `#[from] Exit(ExitSignal)`; to hear of nodes, `#[from] Node(NodeEvent)`",
    note = "in an `#[actor] impl` that is a method with `#[down]`, `#[exit]` or `#[node_event]`"
)]
pub trait Receives<T>: From<T> {}
