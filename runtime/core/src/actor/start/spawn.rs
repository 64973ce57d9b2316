//! The functions that start processes: of actors with [`Spawn`], of functions with [`spawn`].

use std::future::Future;
use std::marker::PhantomData;

use super::constructor::Constructor;
use super::new_process::NewProcess;
use crate::actor::{Outcome, Ref, Stub, Stubbed};
use crate::base::{Down, Exit, MonitorRef, Receives, StartError};
use crate::call::Address;
use crate::node::{Current, Node};
use crate::process::{Cell, Mailbox, ProcessKind, ProcessTask, StartInfo};

/// The methods that start an actor as a process. Every [`Process`](crate::Process) has them, and every [`Init`](crate::Init).
///
/// `spawn` methods return at once, before the process runs. `start` methods return after its [`init`](crate::Process::init). Those
/// with `_link` or `_monitor` link the new process to the caller's, or let the caller's monitor it, before it runs.
pub trait Spawn: Constructor {
    /// Starts the process on the current node and returns its stub at once.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::spawn`] there.
    #[track_caller]
    fn spawn(self) -> Ref<Self::Actor> {
        NewProcess::<Self::Actor>::new(Node::current()).run(self, None)
    }

    /// Starts the process, linked to the caller's process, and returns its stub at once.
    ///
    /// The link exists before the process runs. The model is
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
    fn spawn_link<M: Stubbed>(self, cx: &Mailbox<M>) -> Ref<Self::Actor> {
        let process = NewProcess::<Self::Actor>::new(cx.node().clone());
        cx.link(&process.stub());
        process.run(self, None)
    }

    /// Starts the process, monitored by the caller's process, and returns its stub and the monitor at once.
    ///
    /// The monitor exists before the process runs. The model is
    /// [`spawn_monitor/1`](https://www.erlang.org/doc/apps/erts/erlang.html#spawn_monitor/1).
    fn spawn_monitor<M>(self, cx: &Mailbox<M>) -> (Ref<Self::Actor>, MonitorRef)
    where
        M: Stubbed + Receives<Down>,
    {
        let process = NewProcess::<Self::Actor>::new(cx.node().clone());
        let monitor = cx.monitor(&process.stub());
        (process.run(self, None), monitor)
    }

    /// Starts the process on the current node, and resolves with its stub after its [`init`](crate::Process::init).
    ///
    /// Not cancel-safe: if the future is dropped, the process continues.
    ///
    /// # Errors
    /// The reason for which `init` failed, or for which the process exited before `init` returned. The process has exited
    /// then, and its name is free.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`]. Use [`Node::start`] there.
    #[track_caller]
    fn start(self) -> impl Future<Output = Result<Ref<Self::Actor>, StartError>> + Send {
        NewProcess::<Self::Actor>::new(Node::current()).start(self)
    }

    /// Starts the process, linked to the caller's process, and resolves with its stub after its [`init`](crate::Process::init).
    ///
    /// Not cancel-safe: if the future is dropped, the process continues. The model is
    /// [`gen_server:start_link/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#start_link/3).
    ///
    /// # Errors
    /// The reason for which `init` failed, or for which the process exited before `init` returned. Its exit signal comes
    /// over the link as well. So the caller's process receives the error only if it traps exits, and then finds the signal
    /// in its mailbox.
    fn start_link<M: Stubbed>(
        self,
        cx: &Mailbox<M>,
    ) -> impl Future<Output = Result<Ref<Self::Actor>, StartError>> + Send {
        let process = NewProcess::<Self::Actor>::new(cx.node().clone());
        cx.link(&process.stub());
        process.start(self)
    }

    /// Starts the process, monitored by the caller's process, and resolves with its stub and the monitor after its
    /// [`init`](crate::Process::init).
    ///
    /// Not cancel-safe: if the future is dropped, the process continues and stays monitored. The model is
    /// [`gen_server:start_monitor/3`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#start_monitor/3).
    ///
    /// # Errors
    /// The reason for which `init` failed, or for which the process exited before `init` returned. The caller's process
    /// receives no [`Down`] then.
    fn start_monitor<M>(
        self,
        cx: &mut Mailbox<M>,
    ) -> impl Future<Output = Result<(Ref<Self::Actor>, MonitorRef), StartError>> + Send
    where
        M: Stubbed + Receives<Down>,
    {
        let process = NewProcess::<Self::Actor>::new(cx.node().clone());
        let monitor = cx.monitor(&process.stub());
        let started = process.start(self);
        async move {
            let result = started.await;
            if result.is_err() {
                cx.demonitor(monitor);
            }
            result.map(|stub| (stub, monitor))
        }
    }
}

impl<C: Constructor> Spawn for C {}

impl Node {
    /// Starts a process on this node and returns its stub at once, before the process runs.
    pub fn spawn<C: Constructor>(&self, actor: C) -> Ref<C::Actor> {
        NewProcess::<C::Actor>::new(self.clone()).run(actor, None)
    }

    /// Starts a process on this node, and returns its stub after its [`init`](crate::Process::init).
    ///
    /// Not cancel-safe: if the future is dropped after its first poll, the process continues.
    ///
    /// # Errors
    /// The reason for which `init` failed, or for which the process exited before `init` returned. The process has exited
    /// then, and its name is free.
    pub async fn start<C: Constructor>(&self, actor: C) -> Result<Ref<C::Actor>, StartError> {
        NewProcess::<C::Actor>::new(self.clone()).start(actor).await
    }
}

/// Starts a function as a process on the current node, and returns its stub at once.
///
/// The function receives the process's mailbox. The process exits when the function returns. `M` is the protocol of its
/// messages.
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
/// Outside of any node, like [`Node::current`].
#[track_caller]
pub fn spawn<M: Stubbed, F, T>(body: impl FnOnce(Mailbox<M>) -> F + Send + 'static) -> M::Ref
where
    F: Future<Output = T> + Send + 'static,
    T: Outcome,
{
    let start = StartInfo { parent: Current::process(), kind: KindOfFunction::<F>::KIND };
    let (cell, number) = Cell::new_occupied(Node::current(), None, start);
    let mailbox = Mailbox::new(std::sync::Arc::clone(&cell), number);
    // `body` itself is called in the process, so that a panic before its first `.await` is a panic of the process.
    ProcessTask::spawn(&cell, number, async move { body(mailbox).await.into_outcome().err().unwrap_or(Exit::Normal) });
    M::Ref::__new(Address::direct(cell, number))
}

/// The place of the constant that all processes of a function share.
struct KindOfFunction<F>(PhantomData<F>);

impl<F: 'static> KindOfFunction<F> {
    const KIND: &'static ProcessKind = &ProcessKind::plain(std::any::type_name::<F>);
}
