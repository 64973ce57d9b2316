//! The items that generated code names. Programs do not use this module: it may change in any release.
//!
//! The traits that are defined here have two purposes. Most make a compiler message out of a missing bound: generated
//! code demands such a trait at one place, where the user's own tokens are, so that a mistake is reported once. Two
//! (`SendMessage`, `SendActor`) restate a bound that was checked elsewhere.

use std::fmt::{self, Debug};
use std::future::{Pending, pending};
use std::marker::PhantomData;

pub use crate::actor::{
    Actor, Construct, Constructed, Constructor, Context, DeclaredPortable, Failure, Handle, Init, NoUpgrade, OldState,
    Options, Otherwise, Outcome, Portability, Portable, Process, Ref, StateFn, StateType, Stub, Stubbed, Upgraded,
    generic_name, serve,
};
#[cfg(all(feature = "net", feature = "supervision"))]
pub use crate::application::{ExportedTree, export as export_tree};
pub use crate::base::{
    CallErrorKind, DecodeError, Decoder, DefinitionCell, DefinitionCells, DefinitionRecorder, Deserialize,
    DeserializeOwned, Deserializer, Down, EncodeError, EncodedEvent, Encoder, Exit, ExitSignal, FieldError, Fields,
    NodeEvent, Payload, Protocol, ReadEvent, Receives, Serialize, Serializer, Shutdown, System, Variant,
};
#[cfg(feature = "serde")]
pub use crate::base::{FieldFunctions, FieldWith};
pub use crate::call::{Address, BoundedCast, Call, CallName, Cast, Reply};
pub use crate::entry::{
    DEFAULT_SHUTDOWN, IntoNode, TestClock, TestOptions, built_node, main, node_from_environment, test,
};
pub use crate::mailbox::{Overflow, Want};
#[cfg(feature = "net")]
pub use crate::node::{AddExport, Export, Serve};
pub use crate::process::{AfterTime, Mailbox, Receive, Receiver};
#[cfg(feature = "net")]
pub use crate::remote::{
    ExportProbe, NoConstructors, NotExported, RemoteCall, RemoteConstructor, RemoteFunction, RemoteParam, call_on,
};
#[cfg(feature = "supervision")]
pub use crate::supervisor::{
    AutoShutdown, Backoff, Child, ChildCells, ChildOptions, ChildStub, Children, DefaultProbe, DefaultProbeChild,
    DefaultProbeOther, DefaultProbeSubtree, Dynamic, Elsewhere, MakeDefault, OneShot, Restart, Restartable, StoredStub,
    Strategy, Subtree, SubtreeStub, SupervisionRef as SupervisorRef, SupervisorOptions, Tree, TreeStub, WhileDown,
};
#[cfg(all(feature = "net", feature = "supervision"))]
pub use crate::supervisor::{ChildNode, Places, Placing, child_node, placed};
pub use crate::termination::{MainOutcome, OtherOutcome, OutcomeOfBoxedError, OutcomeOfError, Termination};

/// A struct with `#[actor]` on it, and its options.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor: its struct has no `#[actor]`",
    label = "expected `#[actor]` on the struct as well as on its impl",
    note = "write `#[actor]` on the struct `{Self}`"
)]
pub trait DeclaredActor: Sized {
    /// [`ProtocolGiven`] if the struct has the option `protocol`, `()` if the actor's impl generates the protocol.
    type ProtocolGiven;
    /// The casts of the actor's stub: [`BoundedCast`] if its mailbox is bounded and refuses messages, else [`Cast`].
    type Cast: From<Cast>;
    /// The options.
    const OPTIONS: Options;
    /// The function that formats the state, with the option `sys`.
    const STATE: Option<StateFn<Self>> = None;

    /// Returns the registered name, if it is made from the actor.
    fn name(&self) -> Option<String> {
        None
    }
}

/// The struct has the option `protocol`.
pub struct ProtocolGiven;

/// The struct does not have the option `protocol`. Demanded by an impl that generates the protocol.
#[diagnostic::on_unimplemented(
    message = "an actor has one protocol, and this impl would generate a second one",
    label = "the struct has `protocol = ..`",
    note = "remove `protocol = ..` from the struct; this impl then defines the protocol",
    note = "or remove `#[actor]` from the impl, and write an `impl Process` that receives with `receive!`"
)]
pub trait NoProtocolGiven {}

#[diagnostic::do_not_recommend]
impl NoProtocolGiven for () {}

/// A state that implements `Debug`. Demanded by the option `sys`.
#[diagnostic::on_unimplemented(
    message = "the state of `{Self}` does not implement `Debug`",
    label = "`sys` lets other processes read the state, as `Debug` formats it",
    note = "write `#[derive(Debug)]` on the struct `{Self}`"
)]
pub trait DebugState: Sized {
    /// The function that formats the state.
    const STATE: StateFn<Self>;
}

#[diagnostic::do_not_recommend]
impl<A: Debug> DebugState for A {
    const STATE: StateFn<A> = <A as Debug>::fmt;
}

/// Defines a trait of the fields of messages that other nodes may send.
macro_rules! field_trait {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        pub trait $name: Sized {
            /// Encodes the value.
            ///
            /// # Errors
            /// The value's `Serialize` fails, or the message becomes too large: see [`Encoder::field`].
            fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError>;

            /// Decodes a value.
            ///
            /// # Errors
            /// The bytes are not a value of the type: see [`Decoder::field`].
            fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;

            /// Records the type of the field with these names.
            fn record(recorder: &mut DefinitionRecorder, names: &'static [&'static str]);

            /// Takes the field with one of these names.
            ///
            /// # Errors
            /// The field was not sent, or cannot be read: see [`Fields::take`].
            fn take(fields: &mut Fields<'_>, names: &[&'static str]) -> Result<Self, FieldError>;

            /// Takes the field with one of these names, or the default.
            ///
            /// # Errors
            /// The field cannot be read: see [`Fields::take_or`].
            fn take_or(
                fields: &mut Fields<'_>,
                names: &[&'static str],
                default: impl FnOnce() -> Self,
            ) -> Result<Self, FieldError>;

            /// Reads an event of this type; `None` if the event has another type.
            fn read_event(event: &EncodedEvent<'_>) -> Option<Result<Self, CallErrorKind>>;
        }

        #[diagnostic::do_not_recommend]
        impl<T: Serialize + DeserializeOwned + 'static> $name for T {
            fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
                encoder.field(self)
            }

            fn read(decoder: &mut Decoder<'_>) -> Result<T, DecodeError> {
                decoder.field()
            }

            fn record(recorder: &mut DefinitionRecorder, names: &'static [&'static str]) {
                recorder.field::<T>(names);
            }

            fn take(fields: &mut Fields<'_>, names: &[&'static str]) -> Result<T, FieldError> {
                fields.take(names)
            }

            fn take_or(
                fields: &mut Fields<'_>,
                names: &[&'static str],
                default: impl FnOnce() -> T,
            ) -> Result<T, FieldError> {
                fields.take_or(names, default)
            }

            fn read_event(event: &EncodedEvent<'_>) -> Option<Result<T, CallErrorKind>> {
                event.read()
            }
        }
    };
}

field_trait! {
    /// A field or a reply of a message that other nodes may send.
    #[cfg_attr(
        feature = "serde",
        diagnostic::on_unimplemented(
            message = "`{Self}` cannot be sent to another node",
            label = "the fields and answers of messages need serde's `Serialize` and `Deserialize`",
            note = "write `#[derive(Serialize, Deserialize)]` on the type",
            note = "or keep the messages on their node: `#[protocol(local)]` on the enum, `#[actor(local)]` on an impl"
        )
    )]
    #[cfg_attr(
        not(feature = "serde"),
        diagnostic::on_unimplemented(
            message = "`{Self}` cannot be sent to another node",
            label = "types of your own need greenroom's feature `serde`, which is off",
            note = "keep the messages on their node: `#[protocol(local)]` on the enum, `#[actor(local)]` on an impl",
            note = "or switch the feature on, `greenroom = {{ .., features = [\"serde\"] }}`, and write `#[derive(Serialize, Deserialize)]`"
        )
    )]
    RemoteField
}

field_trait! {
    /// A [`RemoteField`] whose type has the name of a type that only the runtime makes, as `Down`.
    ///
    /// The macro sees the name alone. A type of the user's own with that name implements serde's traits; the runtime's
    /// type does not, and the message for it explains `#[from]`.
    #[diagnostic::on_unimplemented(
        message = "only the runtime can send `{Self}`",
        label = "expected `#[from]` on the variant",
        note = "write `#[from]` on the variant, with this as its only field"
    )]
    SenderField
}

/// A field of a message, to be formatted for a trace.
///
/// `FieldDebug(&field).__debug()` is the field's own `Debug` if its type has one, and otherwise that of
/// [`FieldWithoutDebug`]: a method of a type has priority over a method of a trait.
#[derive(Clone, Copy)]
pub struct FieldDebug<'a, T>(pub &'a T);

impl<'a, T: Debug> FieldDebug<'a, T> {
    /// Returns the field.
    pub fn __debug(self) -> &'a dyn Debug {
        self.0
    }
}

/// The formatting of a field whose type does not implement `Debug`: an underscore.
pub trait FieldWithoutDebug<'a>: Sized {
    /// Returns a value that is formatted as `_`.
    fn __debug(self) -> &'a dyn Debug {
        &Underscore
    }
}

impl<'a, T> FieldWithoutDebug<'a> for FieldDebug<'a, T> {}

struct Underscore;

impl Debug for Underscore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// Returns the options of an actor whose impl generates its protocol: its struct must not name one.
#[must_use]
pub const fn no_protocol_given<G: NoProtocolGiven>(options: Options) -> Options {
    options
}

/// Returns the options of an actor that traps exits: its protocol must have a variant for `ExitSignal`.
#[must_use]
pub const fn traps_exit<P: Receives<ExitSignal>>(options: Options) -> Options {
    options
}

/// The check that the future of an `async` handler is `Send`. `P` are the parts of the message that the handler takes.
///
/// Generated code makes the check around each handler's call, where the error points at the handler's name, and not at
/// the future of the whole actor.
pub struct HandlerFuture<P>(PhantomData<P>);

impl<P: Send> HandlerFuture<P> {
    /// Returns the future.
    #[inline(always)]
    pub fn require_send<F: Future + Send>(future: F) -> impl Future<Output = F::Output> + Send {
        future
    }
}

/// The check of a handler whose message is not `Send`: none, since the message itself has been reported already.
///
/// A method of a type has priority over a method of a trait, so this one is called only if the message is not `Send`.
pub trait NotSend {
    /// Returns a future that never completes, and is never polled: the program does not compile.
    fn require_send<F: Future>(_: F) -> Pending<F::Output> {
        pending()
    }
}

impl<P> NotSend for HandlerFuture<P> {}

/// A message that is `Send`, as [`Protocol`] demands of each.
///
/// `Protocol` reports a field that is not. Generated code demands `for<'a> SendMessage<'a>`: the compiler assumes a
/// bound with a lifetime in it to hold, so the same field is not reported again.
pub trait SendMessage<'a>: Send {}

impl<M: Protocol> SendMessage<'_> for M {}

/// An actor that is `Send`, as [`Process`] demands of each.
///
/// `Process` reports a field that is not. Generated code demands `for<'a> SendActor<'a>`: the compiler assumes a bound
/// with a lifetime in it to hold, so the same field is not reported again.
pub trait SendActor<'a>: Send {}

impl<A: Send> SendActor<'_> for A {}

/// Expands to its items if the feature `net` is on.
#[cfg(feature = "net")]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_net {
    ($($item:tt)*) => { $($item)* };
}

/// Expands to its items if the feature `net` is on.
#[cfg(not(feature = "net"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_net {
    ($($item:tt)*) => {};
}

/// Expands to the tokens behind the literal if the feature `net` is on, and otherwise to an error that names it. The literal
/// is what needs the feature.
#[cfg(feature = "net")]
#[doc(hidden)]
#[macro_export]
macro_rules! __need_net {
    ($what:literal $($item:tt)*) => { $($item)* };
}

/// Expands to the tokens behind the literal if the feature `net` is on, and otherwise to an error that names it. The literal
/// is what needs the feature.
#[cfg(not(feature = "net"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __need_net {
    ($what:literal $($item:tt)*) => {
        ::core::compile_error! {
            ::core::concat!(
                $what,
                " needs greenroom's feature `net`\n= help: write `greenroom = { .., features = [\"net\"] }` in `Cargo.toml`"
            )
        }
    };
}

pub use crate::{__if_net as if_net, __need_net as need_net};
