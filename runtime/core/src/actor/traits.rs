use std::future::{Future, ready};

use super::{Context, Stubbed};
use crate::base::Exit;
use crate::mailbox::{Bounds, Overflow};

/// A struct that can be a process: it has a protocol. Derived by [`#[actor]`](attr.actor.html).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "speaks no protocol",
    note = "write `#[actor(protocol = ..)]` on it, or `#[actor]` on it and on an impl with `#[cast]` and `#[call]` methods"
)]
pub trait Actor: Sized + 'static {
    /// What may be said to it.
    type Protocol: Stubbed;

    /// What stands in `#[actor(..)]`.
    const OPTIONS: Options = Options::DEFAULT;
}

/// The stub of an actor.
pub type Ref<A> = <<A as Actor>::Protocol as Stubbed>::Ref;

/// What stands in `#[actor(..)]`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The actor's type, as its crash report names it.
    pub kind: &'static str,
    /// The name it has from its first moment, if it has one.
    pub name: Option<&'static str>,
    /// Whether exit signals become messages.
    pub trap_exit: bool,
    /// How many messages its mailbox holds; `None` for as many as come.
    pub mailbox: Option<usize>,
    /// What becomes of one too many.
    pub overflow: Overflow,
    /// Whether it answers for itself: see [`Sys`](super::Sys).
    pub sys: bool,
}

impl Options {
    /// No name, exit signals end it, an unbounded mailbox.
    pub const DEFAULT: Options =
        Options { kind: "process", name: None, trap_exit: false, mailbox: None, overflow: Overflow::Wait, sys: false };

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.mailbox.map(|capacity| Bounds { capacity, overflow: self.overflow })
    }
}

/// What a process does. Write [`run`](Process::run) for one that receives selectively; `#[actor]` on an impl
/// writes all of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process, so nobody can start it",
    label = "needs `#[actor]`, and a way to run",
    note = "write `#[actor]` on `{Self}` and on an impl with `#[cast]` and `#[call]` methods",
    note = "or `#[actor(protocol = ..)]` on it, and `impl Process for {Self}`",
    note = "a tree is started by `.start().await`, and is `#[child(supervisor)]` of another; a plain field of one has no attribute",
    note = "what is generic asks more of its parameters: `Send + 'static`, serde's traits unless it is `local`, and what its impl says"
)]
pub trait Process: Actor + Send {
    /// Whether [`terminate`](Process::terminate) runs after a panic too, on a state that may be half-changed.
    const TERMINATE_AFTER_PANIC: bool = false;
    /// Whether exit signals become messages, since a hook takes them.
    const TRAP_EXIT: bool = false;
    /// Whether it hears of other nodes' coming and going, since a hook takes that.
    const NODE_EVENTS: bool = false;
    /// Whether it stops between two messages instead of at once.
    #[doc(hidden)]
    const SERVER: bool = false;
    /// Whether it looks after others.
    #[doc(hidden)]
    const SUPERVISOR: bool = false;

    // What these futures hold is known to be `Send` without a look at it: where it is not, the impl itself has said so.

    /// Runs before anything else; whoever called [`start`](super::Spawn::start) waits for it. An error ends the
    /// process and is that caller's error.
    fn init(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Context<Self>: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }

    /// The process's life. When it returns, the process ends: normally, or for the reason it returns.
    ///
    /// An exit signal ends it at its next `.await` that has to wait.
    fn run(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Context<Self>: Send;

    /// Runs when [`run`](Process::run) has returned, with the reason.
    fn terminate(&mut self, cx: &mut Context<Self>, reason: &Exit) -> impl Future<Output = ()> + Send
    where
        Self: Send,
        Context<Self>: Send,
    {
        let _ = (cx, reason);
        ready(())
    }
}

/// What has a [`Context`]: every [`Process`], and nothing else.
///
/// A context asks for this rather than for an [`Actor`], since an `impl Process` is there even if it lacks `#[actor]`: so
/// it is the impl that is told off, and not each place that names the context.
pub trait HasContext: Actor {
    /// Whether a panic is the last of it: [`terminate`](Process::terminate) does not run then.
    #[doc(hidden)]
    const ENDS_AT_PANIC: bool;
}

impl<A: Process> HasContext for A {
    const ENDS_AT_PANIC: bool = !A::TERMINATE_AFTER_PANIC;
}
