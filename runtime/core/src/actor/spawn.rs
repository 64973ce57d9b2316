use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Actor, Context, Process, Ref, Stub, Stubbed};
use crate::base::{Down, Exit, MonitorRef, Receives, StartError};
use crate::call::Address;
use crate::node::{Current, Node};
use crate::process::{Cell, Mailbox, ProcessKind, ProcessTask, StartInfo, catch_unwind, ended_in_cell};

/// Makes a process of a value. On every [`Process`].
pub trait Spawn: Process {
    /// Starts the process on the current node and returns at once, before it has run.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::spawn`].
    #[track_caller]
    fn spawn(self) -> Ref<Self> {
        NewProcess::<Self>::new(Node::current()).run(self, None)
    }

    /// Starts the process linked to the caller's, in one step. As
    /// [`spawn_link/1`](https://www.erlang.org/doc/apps/erts/erlang.html#spawn_link/1).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[protocol]
    /// # enum Job { Done }
    /// # #[actor(protocol = Job)]
    /// # struct Worker;
    /// # impl Process for Worker {
    /// #     async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> { Ok(()) }
    /// # }
    /// async fn in_an_actor(cx: &mut Context<Worker>) {
    ///     Worker.spawn_link(cx);
    /// }
    ///
    /// async fn in_a_function(mailbox: Mailbox<Job>) {
    ///     Worker.spawn_link(&mailbox);
    /// }
    /// ```
    fn spawn_link<M: Stubbed>(self, cx: &Mailbox<M>) -> Ref<Self> {
        let new_process = NewProcess::<Self>::new(cx.node().clone());
        cx.link(&new_process.stub());
        new_process.run(self, None)
    }

    /// Starts the process watched by the caller's, in one step. As
    /// [`spawn_monitor/1`](https://www.erlang.org/doc/apps/erts/erlang.html#spawn_monitor/1).
    fn spawn_monitor<M>(self, cx: &Mailbox<M>) -> (Ref<Self>, MonitorRef)
    where
        M: Stubbed + Receives<Down>,
    {
        let new_process = NewProcess::<Self>::new(cx.node().clone());
        let monitor = cx.monitor(&new_process.stub());
        (new_process.run(self, None), monitor)
    }

    /// Starts the process on the current node and waits for its [`init`](Process::init).
    ///
    /// Not cancel-safe: dropped midway, the process goes on.
    ///
    /// # Errors
    /// The reason for which `init` failed, or the process ended before it was through.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::start`].
    #[track_caller]
    fn start(self) -> impl Future<Output = Result<Ref<Self>, StartError>> + Send {
        let node = Node::current();
        node.begin(self)
    }

    /// As [`start`](Spawn::start), linked to the caller's process in one step.
    ///
    /// # Errors
    /// As [`start`](Spawn::start). The process was linked when it ended, so the caller shares its fate: it sees the
    /// error only if it traps exits, and finds the signal in its mailbox too. As
    /// [`gen_server:start_link/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#start_link/3).
    fn start_link<M: Stubbed>(self, cx: &Mailbox<M>) -> impl Future<Output = Result<Ref<Self>, StartError>> + Send {
        let new_process = NewProcess::<Self>::new(cx.node().clone());
        cx.link(&new_process.stub());
        new_process.begin(self)
    }

    /// As [`start`](Spawn::start), watched by the caller's process in one step.
    ///
    /// Not cancel-safe: dropped midway, the process goes on, and its [`Down`] comes.
    ///
    /// # Errors
    /// As [`start`](Spawn::start). No [`Down`] comes then: the error says it all. As
    /// [`gen_server:start_monitor/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#start_monitor/3).
    fn start_monitor<M>(
        self,
        cx: &mut Mailbox<M>,
    ) -> impl Future<Output = Result<(Ref<Self>, MonitorRef), StartError>> + Send
    where
        M: Stubbed + Receives<Down>,
    {
        let new_process = NewProcess::<Self>::new(cx.node().clone());
        let monitor = cx.monitor(&new_process.stub());
        let started = new_process.begin(self);
        async move {
            let outcome = started.await;
            if outcome.is_err() {
                cx.demonitor(monitor);
            }
            outcome.map(|stub| (stub, monitor))
        }
    }
}

impl<A: Process> Spawn for A {}

impl Node {
    /// Starts a process on this node and returns at once.
    pub fn spawn<A: Process>(&self, actor: A) -> Ref<A> {
        NewProcess::<A>::new(self.clone()).run(actor, None)
    }

    /// Starts a process on this node and waits for its [`init`](Process::init).
    ///
    /// Not cancel-safe: dropped midway, the process goes on.
    ///
    /// # Errors
    /// As [`Spawn::start`].
    pub async fn start<A: Process>(&self, actor: A) -> Result<Ref<A>, StartError> {
        self.begin(actor).await
    }

    fn begin<A: Process>(&self, actor: A) -> impl Future<Output = Result<Ref<A>, StartError>> + Send + use<A> {
        NewProcess::<A>::new(self.clone()).begin(actor)
    }
}

/// A process that can be reached, linked and watched, but does not run yet.
pub(crate) struct NewProcess<A: Actor> {
    cell: Arc<Cell<A::Protocol>>,
    number: u64,
}

impl<A: Process> NewProcess<A> {
    pub(crate) fn new(node: Node) -> NewProcess<A> {
        let (cell, number) = Cell::new_occupied(node, A::OPTIONS.bounds(), start_info::<A>());
        NewProcess { cell, number }
    }

    pub(crate) fn cell(&self) -> &Arc<Cell<A::Protocol>> {
        &self.cell
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn stub(&self) -> Ref<A> {
        Ref::<A>::__new(Address::direct(Arc::clone(&self.cell), self.number))
    }

    fn run(self, actor: A, started: Option<Started>) -> Ref<A> {
        launch(&self.cell, self.number, actor, started);
        Ref::<A>::__new(Address::direct(self.cell, self.number))
    }

    pub(crate) fn begin(self, actor: A) -> impl Future<Output = Result<Ref<A>, StartError>> + Send + use<A> {
        let (started, outcome) = oneshot::channel();
        let (cell, number) = (Arc::clone(&self.cell), self.number);
        let stub = self.run(actor, Some(Box::new(started)));
        async move {
            match outcome.await {
                Ok(Ok(())) => Ok(stub),
                Ok(Err(reason)) => {
                    // The caller may count on the process being gone, its name free.
                    ended_in_cell(cell, number).await;
                    Err(StartError { child: String::new(), reason })
                }
                Err(_) => Err(StartError { child: String::new(), reason: ended_in_cell(cell, number).await }),
            }
        }
    }
}

/// Told how `init` went; dropped if the process did not get that far.
// In a box, since most processes have none of it.
pub(crate) type Started = Box<oneshot::Sender<Result<(), Exit>>>;

/// How an actor of this type begins.
pub(crate) fn start_info<A: Process>() -> StartInfo {
    StartInfo { parent: Current::process(), kind: Of::<A>::KIND }
}

/// What all processes of this type have in common.
struct Of<A>(PhantomData<A>);

impl<A: Process> Of<A> {
    const KIND: &'static ProcessKind = &ProcessKind {
        name: || A::OPTIONS.kind,
        trap_exit: A::OPTIONS.trap_exit || A::TRAP_EXIT,
        server: A::SERVER,
        supervisor: A::SUPERVISOR,
        node_events: A::NODE_EVENTS,
        sys: A::OPTIONS.sys,
    };
}

/// The same for a function.
struct Function<F>(PhantomData<F>);

impl<F: 'static> Function<F> {
    const KIND: &'static ProcessKind = &ProcessKind::plain(std::any::type_name::<F>);
}

/// Lets the process that has moved into `cell` run.
pub(crate) fn launch<A: Process>(cell: &Arc<Cell<A::Protocol>>, number: u64, actor: A, started: Option<Started>) {
    let cx = Context::new(Mailbox::new(Arc::clone(cell), number));
    ProcessTask::spawn(cell, number, live(actor, cx, started));
}

// Blocks and no `async fn`, which would keep its arguments twice, and results no longer than they are needed: all of this
// is in each process's task.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn live<A: Process>(mut actor: A, mut cx: Context<A>, started: Option<Started>) -> impl Future<Output = Exit> + Send {
    async move {
        // In a block, so that the result is not kept as long as the process lives.
        {
            let ready = begin(&mut actor, &mut cx).await;
            if ready.is_ok() {
                // Before anybody hears of it.
                cx.cell().start_succeeded(cx.pid().number());
            }
            if let Err(reason) = tell(started, ready) {
                return reason;
            }
        }
        let reason = if A::TERMINATE_AFTER_PANIC {
            reason_of(catch_unwind(actor.run(&mut cx)).await.and_then(|result| result))
        } else {
            reason_of(actor.run(&mut cx).await)
        };
        actor.terminate(&mut cx, &reason).await;
        reason
    }
}

/// Gives the process its name and initialises it.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
fn begin<A: Process>(actor: &mut A, cx: &mut Context<A>) -> impl Future<Output = Result<(), Exit>> + Send {
    async move {
        take_name::<A>(cx)?;
        actor.init(cx).await
    }
}

fn take_name<A: Process>(cx: &Context<A>) -> Result<(), Exit> {
    match A::OPTIONS.name {
        Some(name) => Ref::<A>::register(name, &cx.me()).map_err(Exit::from),
        None => Ok(()),
    }
}

/// Whoever waits for it to be initialised hears how that went.
fn tell(started: Option<Started>, ready: Result<(), Exit>) -> Result<(), Exit> {
    if let Some(started) = started {
        // Whoever started it may have gone.
        let _ = started.send(ready.clone());
    }
    ready
}

fn reason_of(result: Result<(), Exit>) -> Exit {
    result.err().unwrap_or(Exit::Normal)
}

/// Makes a process of a function on the current node: it is handed its mailbox and lives until it returns.
///
/// ```
/// use greenroom::prelude::*;
///
/// #[protocol]
/// enum Echo {
///     Say { word: String, reply: Reply<String> },
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let echo = greenroom::spawn(|mut mailbox: Mailbox<Echo>| async move {
///     loop {
///         receive!(match mailbox { Echo::Say { word, reply } => reply.send(word) });
///     }
/// });
/// assert_eq!(echo.say("hello".into()).await?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside of any node, as [`Node::current`].
#[track_caller]
pub fn spawn<M: Stubbed, F, T>(body: impl FnOnce(Mailbox<M>) -> F + Send + 'static) -> M::Ref
where
    F: Future<Output = T> + Send + 'static,
    T: super::Outcome,
{
    let start = StartInfo { parent: Current::process(), kind: Function::<F>::KIND };
    let (cell, number) = Cell::new_occupied(Node::current(), None, start);
    let mailbox = Mailbox::new(Arc::clone(&cell), number);
    // The function itself runs as the process, so a panic in its first words is the process's own.
    ProcessTask::spawn(&cell, number, async move { body(mailbox).await.into_outcome().err().unwrap_or(Exit::Normal) });
    M::Ref::__new(Address::direct(cell, number))
}
