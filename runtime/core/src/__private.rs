//! What generated code is made of: the only path that it names. Not for use by hand, and free to change.
//!
//! Traits of its own are here only for what the compiler says of a mistake: each is asked for at one place.

use std::fmt::{self, Debug};
use std::future::{Pending, pending};
use std::marker::PhantomData;

pub use crate::actor::{
    Actor, Context, Failure, Handle, Options, Outcome, Process, Ref, StateFn, Stub, Stubbed, serve,
};
pub use crate::base::{
    DecodeError, Decoder, Deserialize, DeserializeOwned, Deserializer, Down, EncodeError, Encoder, Exit, ExitSignal,
    NodeEvent, Protocol, Receives, Serialize, Serializer, Shutdown, System, Variant, event,
};
pub use crate::call::{Address, Call, Cast, Reply};
pub use crate::entry::{SHUTDOWN, TestClock, main, test};
pub use crate::mailbox::{Overflow, Want};
pub use crate::process::{Mailbox, Receive, Receiver};
#[cfg(feature = "supervision")]
pub use crate::supervisor::{
    AutoShutdown, Backoff, Child, ChildCells, ChildOptions, ChildStub, Children, DefaultProbe, DefaultProbeChild,
    DefaultProbeOther, DefaultProbeSubtree, Dynamic, MakeDefault, OneShot, Restart, Restartable, StoredStub, Strategy,
    Subtree, SubtreeStub, SupervisionRef as SupervisorRef, SupervisorOptions, Tree, TreeStub, WhileDown,
};
pub use crate::termination::Termination;

/// A struct with `#[actor]` on it: what stands in its parentheses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared an actor",
    label = "the struct needs `#[actor]`, as its impl",
    note = "write `#[actor]` on the struct `{Self}` too: there stand the options"
)]
pub trait Declared: Sized {
    /// [`Given`] if a protocol is among it, `()` if the actor's impl makes one.
    type Given;
    /// The options.
    const OPTIONS: Options;
    /// How the state is written down, with `sys` among them.
    const STATE: Option<StateFn<Self>> = None;
}

/// A protocol that stands on the struct.
pub struct Given;

/// No protocol on the struct: an actor's impl makes it.
#[diagnostic::on_unimplemented(
    message = "an actor has one protocol: this impl would make a second one",
    label = "its struct has `protocol = ..` already",
    note = "leave `protocol = ..` out of the struct's `#[actor(..)]`: this impl makes the protocol",
    note = "or leave `#[actor]` off the impl: an `impl Process`, with `receive!` in it, says how the actor runs"
)]
pub trait NotGiven {}

#[diagnostic::do_not_recommend]
impl NotGiven for () {}

/// A state that others may look at.
#[diagnostic::on_unimplemented(
    message = "the state of `{Self}` cannot be shown",
    label = "with `sys` others may look at it",
    note = "derive it: `#[derive(Debug)]` on the struct `{Self}`"
)]
pub trait Showable: Sized {
    /// How it is written down.
    const STATE: StateFn<Self>;
}

#[diagnostic::do_not_recommend]
impl<A: Debug> Showable for A {
    const STATE: StateFn<A> = <A as Debug>::fmt;
}

/// A part of a message that leaves its node, by way of serde.
#[cfg_attr(
    feature = "serde",
    diagnostic::on_unimplemented(
        message = "`{Self}` cannot travel to another node",
        label = "a message's parts, and its answer, need serde's `Serialize` and `Deserialize`",
        note = "derive them: `#[derive(Serialize, Deserialize)]`",
        note = "or keep the messages on their node: `#[protocol(local)]` on the enum, `#[actor(local)]` on an impl"
    )
)]
#[cfg_attr(
    not(feature = "serde"),
    diagnostic::on_unimplemented(
        message = "`{Self}` cannot travel to another node",
        label = "greenroom is built without its feature `serde`, which types of your own need for that",
        note = "keep the messages on their node: `#[protocol(local)]` on the enum, `#[actor(local)]` on an impl",
        note = "or switch the feature on, `greenroom = {{ .., features = [\"serde\"] }}`, and derive `Serialize` and `Deserialize`"
    )
)]
pub trait Travels: Sized {
    /// Writes it.
    ///
    /// # Errors
    /// As [`Encoder::field`].
    fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError>;

    /// Reads it.
    ///
    /// # Errors
    /// As [`Decoder::field`].
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Travels for T {
    fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encoder.field(self)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<T, DecodeError> {
        decoder.field()
    }
}

/// A part of a message that is called as one of the runtime's own: if it is, no sender can send it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` comes from the runtime, and no sender sends it",
    label = "needs `#[from]` on its variant",
    note = "write `#[from]` on the variant, and give it this one field"
)]
pub trait Said: Sized {
    /// As [`Travels::write`].
    ///
    /// # Errors
    /// As [`Encoder::field`].
    fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError>;

    /// As [`Travels::read`].
    ///
    /// # Errors
    /// As [`Decoder::field`].
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Said for T {
    fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encoder.field(self)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<T, DecodeError> {
        decoder.field()
    }
}

/// A field of a message, to be shown to somebody who traces.
#[derive(Clone, Copy)]
pub struct Shown<'a, T>(pub &'a T);

impl<'a, T: Debug> Shown<'a, T> {
    /// As its `Debug` has it.
    pub fn __shown(self) -> &'a dyn Debug {
        self.0
    }
}

/// The same for a field that has no `Debug`: a method of a trait yields to one of the type's own.
pub trait Opaque<'a>: Sized {
    /// A blank.
    fn __shown(self) -> &'a dyn Debug {
        &Blank
    }
}

impl<'a, T> Opaque<'a> for Shown<'a, T> {}

struct Blank;

impl Debug for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// The options of an actor whose impl makes its protocol: its struct must not give one.
#[must_use]
pub const fn not_given<G: NotGiven>(options: Options) -> Options {
    options
}

/// The options of an actor that traps exits: its protocol must take them.
#[must_use]
pub const fn traps_exit<P: Receives<ExitSignal>>(options: Options) -> Options {
    options
}

/// The future of a method that waits, with what of a message it is given: it moves between threads, as its process does.
/// Asked here, where the method's name stands, and no more of what holds it.
pub struct Waits<P>(PhantomData<P>);

impl<P: Send> Waits<P> {
    /// The future itself.
    #[inline(always)]
    pub fn sent<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
        future
    }
}

/// The same for a message that may not move. That has been told where the message is written, and is not told again: a
/// method of a trait yields to one of the type's own.
pub trait Stuck {
    /// Never runs.
    fn sent<F: Future>(_: F) -> Pending<F::Output> {
        pending()
    }
}

impl<P> Stuck for Waits<P> {}

/// A message that may move between threads, as all of a protocol do.
///
/// [`Protocol`] asks for that, and tells once whose field forbids it. Generated code goes on as if it were so, as with
/// [`Moves`].
pub trait Passes<'a>: Send {}

impl<M: Protocol> Passes<'_> for M {}

/// An actor that may move between threads, as every process does.
///
/// [`Process`] asks for that, and tells once whose field forbids it. Generated code goes on as if it were so: a bound
/// with a lifetime in it is believed.
pub trait Moves<'a>: Send {}

impl<A: Send> Moves<'_> for A {}
