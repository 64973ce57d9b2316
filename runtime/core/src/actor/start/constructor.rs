//! The values from which processes are started: an actor, or the arguments of a constructor.
//!
//! The state of an actor whose constructor is `#[init]` is made in the new process, before its first message. So an actor
//! that opens a file or a socket has it from the start, and a start that fails is an error of the process.

use std::fmt;
use std::marker::PhantomData;

use super::launch::{Construct, Launch};
use crate::actor::{Failure, Process};
use crate::base::Exit;

/// A value from which a process is started: an actor itself, or an [`Init`].
///
/// All functions that start a process accept it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process",
    label = "needs `#[actor]`, and an impl that runs it",
    note = "write `#[actor]` on `{Self}` and on an impl with `#[cast]` and `#[call]` methods",
    note = "or `#[actor(protocol = ..)]` on it, and `impl Process for {Self}`",
    note = "a supervision tree is started by `.start().await`; as a child of another tree it is a field with `#[child(supervisor)]`",
    note = "a generic actor needs more bounds: `Send + 'static`, serde's traits unless it is `local`, and those of its impl"
)]
pub trait Constructor: Sized + Send + 'static {
    /// The actor.
    type Actor: Process;

    /// Set if the value names the node on which the process runs.
    #[doc(hidden)]
    const __NAMES_NODE: bool = false;

    #[doc(hidden)]
    fn __launch(self, launch: Launch<'_, Self::Actor>);
}

#[diagnostic::do_not_recommend]
impl<A: Process> Constructor for A {
    type Actor = A;

    fn __launch(self, launch: Launch<'_, A>) {
        launch.run(self);
    }
}

/// The arguments of a constructor, from which a process is started.
///
/// A function with `#[init]` in an `#[actor]` impl returns it. Its body runs in the new process, at each start anew:
///
/// ```
/// use greenroom::prelude::*;
///
/// #[actor]
/// struct Log {
///     lines: Vec<String>,
/// }
///
/// #[actor]
/// impl Log {
///     #[init]
///     async fn open(first: String) -> Result<Log, Exit> {
///         Ok(Log { lines: vec![first] })
///     }
///
///     #[call]
///     fn length(&self) -> usize {
///         self.lines.len()
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let log = Log::open("begin".into()).start().await?;
/// assert_eq!(log.length().await?, 1);
/// # Ok(())
/// # }
/// ```
///
/// It is `Clone`, `Debug`, `PartialEq` and serde's `Serialize` and `Deserialize` if the arguments are. `C` identifies the
/// constructor: `LogOpen` here.
#[must_use = "it starts no process by itself: call `.start()` or `.spawn()`, or give it to a supervisor"]
pub struct Init<C, Args> {
    args: Args,
    _constructor: PhantomData<fn() -> C>,
}

#[diagnostic::do_not_recommend]
impl<C: Construct<Args>, Args: Send + 'static> Constructor for Init<C, Args> {
    type Actor = C::Actor;

    fn __launch(self, launch: Launch<'_, C::Actor>) {
        launch.construct::<C, Args>(self.args);
    }
}

impl<C, Args> Init<C, Args> {
    /// Returns the arguments.
    #[cfg(feature = "net")]
    pub(crate) fn into_args(self) -> Args {
        self.args
    }

    #[doc(hidden)]
    pub fn __new(args: Args) -> Init<C, Args> {
        Init { args, _constructor: PhantomData }
    }
}

impl<C, Args: Clone> Clone for Init<C, Args> {
    fn clone(&self) -> Init<C, Args> {
        Init::__new(self.args.clone())
    }
}

impl<C, Args: Copy> Copy for Init<C, Args> {}

impl<C, Args: PartialEq> PartialEq for Init<C, Args> {
    fn eq(&self, other: &Init<C, Args>) -> bool {
        self.args == other.args
    }
}

impl<C, Args: Eq> Eq for Init<C, Args> {}

impl<C, Args: fmt::Debug> fmt::Debug for Init<C, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Init").field(&self.args).finish()
    }
}

#[cfg(feature = "serde")]
impl<C, Args: serde::Serialize> serde::Serialize for Init<C, Args> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.args.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, C, Args: serde::Deserialize<'de>> serde::Deserialize<'de> for Init<C, Args> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Init<C, Args>, D::Error> {
        Args::deserialize(deserializer).map(Init::__new)
    }
}

/// The return type of a constructor: the actor `A`, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "an `#[init]` function without `self` cannot return `{Self}`",
    label = "expected `Self`, or a `Result<Self, E>` where `E` is an error",
    note = "the function makes the actor `{A}`"
)]
pub trait Constructed<A> {
    /// Returns the actor.
    ///
    /// # Errors
    /// The reason for which the process exits.
    fn into_result(self) -> Result<A, Exit>;
}

#[diagnostic::do_not_recommend]
impl<A> Constructed<A> for A {
    fn into_result(self) -> Result<A, Exit> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<A, E: Failure> Constructed<A> for Result<A, E> {
    fn into_result(self) -> Result<A, Exit> {
        self.map_err(Failure::into_exit)
    }
}
