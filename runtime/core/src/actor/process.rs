//! A process as its own code sees it: the body that it runs, and the context that the body receives.

use std::future::{Future, ready};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::Actor;
use crate::base::Exit;
use crate::process::{Mailbox, Receive};

/// An actor with a body, which can be started as a process.
///
/// `#[actor]` on an impl with methods implements it as a server. Implement it by hand for a process that receives
/// selectively:
///
/// ```
/// use greenroom::prelude::*;
///
/// #[protocol(local)]
/// enum Door {
///     Open,
///     Close,
/// }
///
/// #[actor(protocol = Door)]
/// struct Lock;
///
/// impl Process for Lock {
///     async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
///         // A `Close` that comes first is saved until the door is open.
///         receive!(match cx { Door::Open => {} });
///         receive!(match cx { Door::Close => {} });
///         Ok(())
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let lock = Lock.spawn();
/// lock.close();
/// lock.open();
/// assert_eq!(lock.ended().await, Exit::Normal);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process",
    label = "needs `#[actor]`, and an impl that runs it",
    note = "write `#[actor]` on `{Self}` and on an impl with `#[cast]` and `#[call]` methods",
    note = "or `#[actor(protocol = ..)]` on it, and `impl Process for {Self}`",
    note = "a supervision tree is started by `.start().await`; as a child of another tree it is a field with `#[child(supervisor)]`",
    note = "a generic actor needs more bounds: `Send + 'static`, serde's traits unless it is `local`, and those of its impl"
)]
pub trait Process: Actor + Send {
    /// Makes [`terminate`](Process::terminate) run after a panic too, on a state that may be half changed.
    const TERMINATE_AFTER_PANIC: bool = false;
    /// Makes exit signals messages, since a hook handles them.
    const TRAP_EXIT: bool = false;
    /// Makes the connection and the loss of other nodes messages, since a hook handles them.
    const NODE_EVENTS: bool = false;
    /// Makes the process stop between two messages instead of at once.
    #[doc(hidden)]
    const SERVER: bool = false;
    /// Set for a supervisor.
    #[doc(hidden)]
    const SUPERVISOR: bool = false;

    // The bounds on `Self` and `Context<Self>` let these futures be `Send` without a look at their fields: where one of
    // those is not `Send`, the impl itself has an error.

    /// Initializes the process before it receives anything.
    ///
    /// [`start`](super::Spawn::start) returns when this has. An error ends the process, and `start` returns it.
    ///
    /// # Errors
    /// The reason for which the process exits.
    fn init(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Context<Self>: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }

    /// Prepares the process to continue a state that was handed over, in place of [`init`](Process::init).
    ///
    /// For an actor with `#[actor(upgrade)]`. Links, monitors and timers belonged to the process that has handed the state
    /// over: this makes them anew. [`start`](super::Spawn::start) returns when this has. An error ends the process.
    ///
    /// # Errors
    /// The reason for which the process exits.
    fn resumed(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Context<Self>: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }

    /// Runs the process, which exits when this returns.
    ///
    /// An exit signal ends the process at the next `.await` that has to wait.
    ///
    /// # Errors
    /// The reason for which the process exits. After `Ok` the reason is [`Exit::Normal`].
    fn run(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Context<Self>: Send;

    /// Cleans up after [`run`](Process::run) has returned, with the exit reason.
    fn terminate(&mut self, cx: &mut Context<Self>, reason: &Exit) -> impl Future<Output = ()> + Send
    where
        Self: Send,
        Context<Self>: Send,
    {
        let _ = (cx, reason);
        ready(())
    }
}

/// A type that has a [`Context`]: every [`Process`].
///
/// The bound of `Context`, in place of `Process` and `Actor`: an `impl Process` without `#[actor]` then has one error, at
/// the impl, instead of one at each place that names the context.
pub trait HasContext: Actor {
    /// Set if a panic ends the process without [`terminate`](Process::terminate).
    #[doc(hidden)]
    const ENDS_AT_PANIC: bool;
}

impl<A: Process> HasContext for A {
    const ENDS_AT_PANIC: bool = !A::TERMINATE_AFTER_PANIC;
}

/// The handle of a process for its own code: handlers, hooks and [`Process::run`] receive it.
///
/// It dereferences to the process's [`Mailbox`], which has all operations: `cx.receive()`, `cx.link(..)`,
/// `cx.monitor(..)`, `cx.send_after(..)`.
pub struct Context<A: HasContext> {
    mailbox: Mailbox<A::Protocol>,
    _actor: PhantomData<fn() -> A>,
}

impl<A: HasContext> Context<A> {
    pub(crate) fn new(mailbox: Mailbox<A::Protocol>) -> Context<A> {
        Context { mailbox, _actor: PhantomData }
    }

    pub(crate) fn mailbox(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}

impl<A: HasContext> Deref for Context<A> {
    type Target = Mailbox<A::Protocol>;

    fn deref(&self) -> &Mailbox<A::Protocol> {
        &self.mailbox
    }
}

impl<A: HasContext> DerefMut for Context<A> {
    fn deref_mut(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}

impl<A: HasContext> Receive for Context<A> {
    type Message = A::Protocol;
    type Source = Context<A>;

    fn __source(&mut self) -> &mut Context<A> {
        self
    }

    fn __mailbox(&mut self) -> &mut Mailbox<A::Protocol> {
        &mut self.mailbox
    }
}
