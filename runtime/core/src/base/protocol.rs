//! The traits of protocols.

use std::any::Any;
use std::fmt;

use super::{
    DecodeError, Decoder, DefinitionCell, DefinitionRecorder, EncodeError, EncodedEvent, Encoder, FieldError, Fields,
    ReadEvent, System,
};

/// The messages that a process takes: an enum with one variant for each kind of message.
///
/// [`#[protocol]`](attr.protocol.html) implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protocol",
    label = "the enum needs `#[protocol]`",
    note = "write `#[protocol]` on the enum `{Self}`"
)]
pub trait Protocol: Sized + Send + 'static {
    /// The protocol's name. Two nodes compare it.
    const NAME: &'static str;
    /// The version, from `version = N`: raised when the meaning of messages changes, so that other versions must not read
    /// them.
    const VERSION: u32 = 0;
    /// True if a crash report shows the last message and not only its variant, from `debug`.
    const REPORTED: bool = false;
    /// True for the protocol of supervisors.
    #[doc(hidden)]
    const IS_SUPERVISION: bool = false;
    /// The variants, in the order of their declaration.
    const VARIANTS: &'static [Variant];

    /// Returns the index of this message's variant in [`VARIANTS`](Self::VARIANTS).
    fn variant(&self) -> usize;

    /// Converts a message of the runtime, if a `#[from]` variant takes its type.
    #[doc(hidden)]
    fn from_system(system: &mut System<'_>) -> Option<Self> {
        let _ = system;
        None
    }

    /// Returns the message of the runtime in this message, if it is a `#[from]` variant for one.
    #[doc(hidden)]
    fn as_system(&self) -> Option<&dyn Any> {
        None
    }

    /// Decodes an event from another node, if a `#[from]` variant takes its type.
    #[doc(hidden)]
    fn decode_event(event: &EncodedEvent<'_>) -> Option<ReadEvent<Self>> {
        let _ = event;
        None
    }

    /// Returns the place of the protocol's definition. A local protocol has none.
    #[doc(hidden)]
    fn definition() -> Option<&'static DefinitionCell> {
        None
    }

    /// Records the variants and the types of their fields.
    #[doc(hidden)]
    fn record(recorder: &mut DefinitionRecorder) {
        let _ = recorder;
    }

    /// Makes the message of the variant with this name from the fields of a message with another shape. `None` if there is
    /// no such variant.
    #[doc(hidden)]
    fn resolve(variant: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, FieldError> {
        let _ = (variant, fields);
        Ok(None)
    }

    /// Notes that the receiver has taken the message: the reply of a call may now move to other processes and nodes.
    #[doc(hidden)]
    fn mark_taken(&self) {}

    /// Encodes the fields, in order. Fails for a local protocol.
    #[doc(hidden)]
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let _ = encoder;
        Err(EncodeError::Local)
    }

    /// Formats the message for a trace, as far as its fields implement `Debug`.
    #[doc(hidden)]
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        Ok(())
    }

    /// Decodes the fields of the variant with this index.
    #[doc(hidden)]
    fn decode(variant: usize, decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let _ = (variant, decoder);
        Err(DecodeError::Local)
    }
}

/// A variant of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The variant's name.
    pub name: &'static str,
    /// True if the message has a `Reply`.
    pub call: bool,
    /// True if only the runtime makes the message. Such a variant is never decoded.
    pub system: bool,
    /// True if the message goes before all others: `#[priority]`.
    pub priority: bool,
}

/// A protocol with a variant for a `T` of the runtime.
///
/// `#[protocol]` implements it for each `#[from]` variant, and nothing else can: the runtime needs the variant itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no variant for `{T}`",
    label = "needs a `#[from]` variant of `{Self}`",
    note = "to monitor, a protocol needs a variant `#[from] Down(Down)`; to trap exits, `#[from] Exit(ExitSignal)`; to watch nodes, `#[from] Node(NodeEvent)`; to run a port, `#[from] Output(PortOutput)`",
    note = "in an `#[actor] impl`, this is a method with `#[down]`, `#[exit]`, `#[node_event]` or `#[from]`"
)]
pub trait Receives<T>: From<T> {
    #[doc(hidden)]
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: ();
}
