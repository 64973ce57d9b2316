//! The start of a process on another node.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::argument::Argument;
use super::constructor::RemoteConstructor;
use super::error::SpawnError;
use super::starting::Starting;
use crate::actor::{Actor, Construct, Constructor, Context, Init, NewProcess, Ref, Stub, Stubbed};
use crate::base::{CallErrorKind, Decoder, Down, Exit, MonitorRef, NodeName, Protocol, Receives, StartError};
use crate::call::{Address, Call, CallName, Reply, Request, reply_pair};
use crate::node::{Current, Node};
use crate::process::{EncodedValue, Mailbox};

/// The answer to the request for a start: the process, which waits at its gate.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Made<M: Protocol> {
    process: Address<M>,
    gate: Reply<()>,
}

type ProtocolOf<C> = <<C as Constructor>::Actor as Actor>::Protocol;

/// A process of which nothing has run yet.
struct Waiting<A: Actor> {
    stub: Ref<A>,
    gate: Reply<()>,
    /// The outcome of its `init`, if that was requested.
    started: Option<Started>,
}

type Started = Pin<Box<dyn Future<Output = Result<(), SpawnError>> + Send>>;

const REQUEST: &CallName = &CallName { protocol: "start of a process", message: "spawn_on" };
const INIT: &CallName = &CallName { protocol: "init of a process", message: "start_on" };
const GATE: &CallName = &CallName { protocol: "gate of a new process", message: "spawn_on" };

impl<A: Actor> Waiting<A> {
    /// Lets the process run, and returns its stub.
    fn open(self) -> Ref<A> {
        self.gate.send(());
        self.stub
    }

    /// Lets the process run, which `starter` has linked or monitors, and returns its stub.
    fn open_from<M: Stubbed>(self, starter: &Mailbox<M>) -> Ref<A> {
        // In the starter's lane: behind the link or the monitor.
        let number = starter.pid().number();
        Current::collect_dropped(starter.node(), number, || self.open()).0
    }

    /// Lets the process run by `open`, and resolves with its stub after its `init`. `open` is called before this returns.
    fn start<F>(mut self, open: F) -> impl Future<Output = Result<Ref<A>, SpawnError>> + Send + use<A, F>
    where
        F: FnOnce(Self) -> Ref<A>,
    {
        let started = self.started.take();
        let stub = open(self);
        async move {
            if let Some(started) = started {
                started.await?;
            }
            Ok(stub)
        }
    }
}

/// Requests a process on the node `at`. With `waits` the outcome of its `init` is requested, too.
fn request<C: RemoteConstructor>(
    node: Node,
    at: &str,
    constructor: C,
    waits: bool,
) -> impl Future<Output = Result<Waiting<C::Actor>, SpawnError>> + Send + use<C> {
    let sent = NodeName::new(at).map_err(SpawnError::Name).map(|at| {
        if at == *node.name() {
            return Err(make::<C>(&node, constructor.__into_args(), waits));
        }
        let (outcome, ended) = waits.then(|| reply_pair::<Result<(), Exit>>(&node, INIT)).unzip();
        let name = C::Actor::__type_name();
        let request = Request { node: &node, at: &at, name: &name, constructor: C::__NAME, call: REQUEST };
        let args = Argument { node: node.clone(), value: constructor.__into_args() };
        let made: Call<Made<ProtocolOf<C>>> = request.send(|encoder| {
            encoder.field(&outcome)?;
            encoder.field(&args)
        });
        Ok((made.forever(), ended.map(Call::forever)))
    });
    async move {
        let (made, ended) = match sent? {
            Ok(sent) => sent,
            Err(local) => return Ok(local),
        };
        let Made { process, gate } = made.await?;
        let started = ended.map(|ended| Box::pin(outcome(ended)) as Started);
        Ok(Waiting { stub: Ref::<C::Actor>::__new(process), gate, started })
    }
}

/// Waits for the outcome of an `init` on another node.
async fn outcome(ended: Call<Result<(), Exit>>) -> Result<(), SpawnError> {
    ended.await?.map_err(|reason| SpawnError::Start(StartError { child: String::new(), reason }))
}

/// Makes a process that waits at its gate.
fn make<C: RemoteConstructor>(node: &Node, args: C::__Args, waits: bool) -> Waiting<C::Actor> {
    let (gate, opened) = reply_pair(node, GATE);
    let process = NewProcess::<C::Actor>::without_parent(node.clone());
    let stub = process.stub();
    let gated = Init::<Gated<C>, _>::__new((opened.forever(), args));
    let started = if waits {
        let started = process.start(gated);
        Some(Box::pin(async move { started.await.map(drop).map_err(SpawnError::Start) }) as Started)
    } else {
        drop(process.run(gated, None));
        None
    };
    Waiting { stub, gate, started }
}

/// Serves a request for a start.
pub(super) fn serve_start<C: RemoteConstructor>(node: &Node, mut decoder: Decoder<'_>) -> Result<(), CallErrorKind> {
    let made: Reply<Made<ProtocolOf<C>>> = decoder.field()?;
    let outcome: Option<Reply<Result<(), Exit>>> = decoder.field()?;
    let args: EncodedValue = decoder.field()?;
    decoder.finish()?;
    let incompatible = |reason| CallErrorKind::Incompatible(format!("`{}`: {reason}", C::Actor::__type_name()).into());
    let args = args.read::<C::__Args>(node).map_err(incompatible)?;
    let Waiting { stub, gate, started } = make::<C>(node, args, outcome.is_some());
    made.send(Made { process: stub.__address().clone(), gate });
    if let (Some(outcome), Some(started)) = (outcome, started) {
        node.spawner().spawn(async move {
            outcome.send(started.await.map_err(|error| match error {
                SpawnError::Start(StartError { reason, .. }) => reason,
                other => Exit::error(other),
            }));
        });
    }
    Ok(())
}

/// The constructor of a process that waits at its gate before it makes its actor.
struct Gated<C>(PhantomData<fn() -> C>);

impl<C: RemoteConstructor> Construct<(Call<()>, C::__Args)> for Gated<C> {
    type Actor = C::Actor;
    const NAME: &'static str = "";
    const PARAMS: &'static [&'static str] = &[];

    async fn construct((opened, args): (Call<()>, C::__Args), cx: &mut Context<C::Actor>) -> Result<C::Actor, Exit> {
        if opened.await.is_err() {
            return Err(Exit::Shutdown(Some("its starter has given up, or is gone".into())));
        }
        C::__construct(args, cx).await
    }
}

/// The methods that start an actor as a process on another node.
///
/// The other node must [export](crate::NodeBuilder::export) the actor. On the caller's own node the methods start the
/// process there, without a request.
///
/// The process exits if the connection to the caller's node is lost before the caller received its stub. Otherwise it
/// continues when the connection is lost, unless it is linked. All methods are cancel-safe: if the future is dropped before
/// it resolved, the process does not run, or exits.
///
/// The model is [`spawn_request/5`](https://www.erlang.org/doc/apps/erts/erlang.html#spawn_request/5).
///
/// # Errors
/// Each method returns a [`SpawnError`].
///
/// # Panics
/// Outside of any node, like [`Node::current`].
pub trait SpawnOn: Constructor {
    /// Starts the process on the node, and returns its stub before its [`init`](crate::Process::init).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// #[actor]
    /// #[derive(Serialize, Deserialize)]
    /// struct Render { job: u64 }
    ///
    /// # #[actor]
    /// # impl Render { #[call] fn frame(&self) -> u64 { self.job } }
    /// # async fn use_it() -> greenroom::Result {
    /// let render = Render { job: 7 }.spawn_on("worker@gollum").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    fn spawn_on(self, node: impl AsRef<str>) -> Starting<'static, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(Node::current(), node.as_ref(), self, false);
        Starting::new(async move { Ok(waiting.await?.open()) })
    }

    /// Starts the process on the node, and resolves with its stub after its [`init`](crate::Process::init).
    #[track_caller]
    fn start_on(self, node: impl AsRef<str>) -> Starting<'static, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(Node::current(), node.as_ref(), self, true);
        Starting::new(async move { waiting.await?.start(Waiting::open).await })
    }

    /// Starts the process on the node as [`spawn_on`](SpawnOn::spawn_on), linked to the caller's process before it runs.
    fn spawn_link_on<M: Stubbed>(self, cx: &mut Mailbox<M>, node: impl AsRef<str>) -> Starting<'_, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(cx.node().clone(), node.as_ref(), self, false);
        Starting::new(async move {
            let waiting = waiting.await?;
            cx.link(&waiting.stub);
            Ok(waiting.open_from(cx))
        })
    }

    /// Starts the process on the node as [`start_on`](SpawnOn::start_on), linked to the caller's process before it runs.
    ///
    /// If the start fails, the exit signal comes over the link as well.
    fn start_link_on<M: Stubbed>(self, cx: &mut Mailbox<M>, node: impl AsRef<str>) -> Starting<'_, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(cx.node().clone(), node.as_ref(), self, true);
        Starting::new(async move {
            let waiting = waiting.await?;
            cx.link(&waiting.stub);
            waiting.start(|waiting| waiting.open_from(cx)).await
        })
    }

    /// Starts the process on the node as [`spawn_on`](SpawnOn::spawn_on), monitored by the caller's process before it runs.
    fn spawn_monitor_on<M>(
        self,
        cx: &mut Mailbox<M>,
        node: impl AsRef<str>,
    ) -> Starting<'_, (Ref<Self::Actor>, MonitorRef)>
    where
        Self: RemoteConstructor,
        M: Stubbed + Receives<Down>,
    {
        let waiting = request(cx.node().clone(), node.as_ref(), self, false);
        Starting::new(async move {
            let waiting = waiting.await?;
            let monitor = cx.monitor(&waiting.stub);
            Ok((waiting.open_from(cx), monitor))
        })
    }

    /// Starts the process on the node as [`start_on`](SpawnOn::start_on), monitored by the caller's process before it runs.
    ///
    /// If the start fails, the caller's process receives no [`Down`].
    fn start_monitor_on<M>(
        self,
        cx: &mut Mailbox<M>,
        node: impl AsRef<str>,
    ) -> Starting<'_, (Ref<Self::Actor>, MonitorRef)>
    where
        Self: RemoteConstructor,
        M: Stubbed + Receives<Down>,
    {
        let waiting = request(cx.node().clone(), node.as_ref(), self, true);
        Starting::new(async move {
            let waiting = waiting.await?;
            let monitor = cx.monitor(&waiting.stub);
            let started = waiting.start(|waiting| waiting.open_from(cx)).await;
            if started.is_err() {
                cx.demonitor(monitor);
            }
            started.map(|stub| (stub, monitor))
        })
    }
}

impl<C: Constructor> SpawnOn for C {}
