//! The future of a process: it makes the actor, initializes it, runs it, and lets it clean up.

use std::future::Future;
use std::sync::Arc;

use crate::actor::{Actor, Context, Process, Ref, Stub};
use crate::base::Exit;
#[cfg(feature = "net")]
use crate::node::Node;
use crate::process::{Cell, Mailbox, ProcessTask, StartSender, catch_unwind};

/// The body of a constructor, which `#[actor]` implements for a type of its own.
pub trait Construct<Args>: 'static {
    /// The actor.
    type Actor: Process;

    /// The name of the function, by which another node requests it.
    const NAME: &'static str;

    /// The names of its parameters.
    const PARAMS: &'static [&'static str];

    /// Makes the actor, in its process.
    fn construct(args: Args, cx: &mut Context<Self::Actor>) -> impl Future<Output = Result<Self::Actor, Exit>> + Send;
}

/// A process that is ready to run, but for its actor.
pub struct Launch<'a, A: Actor> {
    cell: &'a Arc<Cell<A::Protocol>>,
    number: u64,
    started: Option<StartSender>,
}

impl<'a, A: Process> Launch<'a, A> {
    pub(super) fn new(cell: &'a Arc<Cell<A::Protocol>>, number: u64, started: Option<StartSender>) -> Launch<'a, A> {
        Launch { cell, number, started }
    }

    /// Runs the process.
    pub(super) fn run(self, actor: A) {
        let cx = self.context();
        ProcessTask::spawn(self.cell, self.number, run_process::<A, false, false>(actor, cx, self.started));
    }

    /// Runs the process with a state that was handed over.
    #[cfg(feature = "net")]
    pub(in crate::actor) fn resume(self, actor: A) {
        self.cell.set_resumed(self.number);
        let cx = self.context();
        ProcessTask::spawn(self.cell, self.number, run_process::<A, false, true>(actor, cx, self.started));
    }

    /// Runs the process, which makes its actor of these arguments first.
    pub(super) fn construct<C: Construct<Args, Actor = A>, Args: Send + 'static>(self, args: Args) {
        let cx = self.context();
        ProcessTask::spawn(self.cell, self.number, construct_and_run::<C, Args>(args, cx, self.started));
    }

    /// Runs a proxy of the process, whose body is `run`, in place of the process itself.
    #[cfg(feature = "net")]
    pub(crate) fn proxy<F>(self, run: impl FnOnce(Mailbox<A::Protocol>, Option<StartSender>) -> F)
    where
        F: Future<Output = Exit> + Send + 'static,
    {
        self.cell.set_proxy(self.number);
        let mailbox = Mailbox::new(Arc::clone(self.cell), self.number);
        ProcessTask::spawn(self.cell, self.number, run(mailbox, self.started));
    }

    /// Returns the node that starts the process.
    #[cfg(feature = "net")]
    pub(crate) fn node(&self) -> &Node {
        self.cell.node()
    }

    fn context(&self) -> Context<A> {
        Context::new(Mailbox::new(Arc::clone(self.cell), self.number))
    }
}

// The futures below are part of each process's task. Blocks keep their arguments once, an `async fn` twice, and a result
// is kept no longer than it is needed.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn run_process<A: Process, const IS_NAMED: bool, const IS_RESUMED: bool>(
    mut actor: A,
    mut cx: Context<A>,
    started: Option<StartSender>,
) -> impl Future<Output = Exit> + Send {
    async move {
        // A block of its own, so that the result is not kept while the process runs.
        {
            let result = initialize::<A, IS_NAMED, IS_RESUMED>(&mut actor, &mut cx).await;
            if result.is_ok() {
                // Before the starter continues.
                cx.cell().start_succeeded(cx.pid().number());
                if started.is_some() {
                    cx.cell().note_start_at_parent();
                }
            }
            if let Err(reason) = send_start_result(started, result) {
                return reason;
            }
        }
        if IS_RESUMED {
            // The first message is handled when this process of the operating system serves.
            Box::pin(cx.node().clone().own_turn_owned()).await;
        }
        let reason = if A::TERMINATE_AFTER_PANIC {
            exit_reason(catch_unwind(actor.run(&mut cx)).await.and_then(|result| result))
        } else {
            exit_reason(actor.run(&mut cx).await)
        };
        actor.terminate(&mut cx, &reason).await;
        reason
    }
}

/// Makes the actor, and runs the process.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn construct_and_run<C: Construct<Args>, Args: Send>(
    args: Args,
    mut cx: Context<C::Actor>,
    started: Option<StartSender>,
) -> impl Future<Output = Exit> + Send {
    async move {
        let constructed = match register_name::<C::Actor>(&cx) {
            Ok(()) => C::construct(args, &mut cx).await,
            Err(reason) => Err(reason),
        };
        match constructed {
            Ok(actor) => run_process::<C::Actor, true, false>(actor, cx, started).await,
            Err(reason) => send_start_result(started, Err(reason)).err().unwrap_or(Exit::Normal),
        }
    }
}

/// Registers the process under its name, unless it is registered already, and runs its `init` or its `resumed`.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn initialize<A: Process, const IS_NAMED: bool, const IS_RESUMED: bool>(
    actor: &mut A,
    cx: &mut Context<A>,
) -> impl Future<Output = Result<(), Exit>> + Send {
    async move {
        // A process that was handed over has its name.
        let is_named = IS_RESUMED && cx.cell().has_name();
        if !IS_NAMED && !is_named {
            register_name::<A>(cx)?;
        }
        if let Some(name) = actor.__name().filter(|_| !is_named) {
            Ref::<A>::register(&name, &cx.me())?;
        }
        if IS_RESUMED { actor.resumed(cx).await } else { actor.init(cx).await }
    }
}

fn register_name<A: Process>(cx: &Context<A>) -> Result<(), Exit> {
    match A::OPTIONS.name {
        Some(name) => Ref::<A>::register(name, &cx.me()).map_err(Exit::from),
        None => Ok(()),
    }
}

fn send_start_result(started: Option<StartSender>, result: Result<(), Exit>) -> Result<(), Exit> {
    if let Some(started) = started {
        started.send(result.clone());
    }
    result
}

fn exit_reason(result: Result<(), Exit>) -> Exit {
    result.err().unwrap_or(Exit::Normal)
}
