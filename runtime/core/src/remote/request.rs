//! The request for a process on another node, and how it is served.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::argument::Argument;
use super::constructor::RemoteConstructor;
use super::error::SpawnError;
use crate::actor::{Actor, Construct, Constructor, Context, Init, NewProcess, Ref, Stub, Stubbed};
use crate::base::{CallErrorKind, Decoder, Exit, NodeName, Pid, Protocol, StartError};
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
pub(super) struct Waiting<A: Actor> {
    pub(super) stub: Ref<A>,
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
    pub(super) fn open(self) -> Ref<A> {
        self.gate.send(());
        self.stub
    }

    /// Lets the process run, which `starter` has linked or monitors, and returns its stub.
    pub(super) fn open_from<M: Stubbed>(self, starter: &Mailbox<M>) -> Ref<A> {
        // In the starter's lane: behind the link or the monitor.
        let number = starter.pid().number();
        Current::collect_dropped(starter.node(), number, || self.open()).0
    }

    /// Lets the process run by `open`, and resolves with its stub after its `init`. `open` is called before this returns.
    pub(super) fn start<F>(mut self, open: F) -> impl Future<Output = Result<Ref<A>, SpawnError>> + Send + use<A, F>
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

/// Requests a process on the node `at`. With `waits` the outcome of its `init` is requested, too. `parent` is the process
/// that links itself to it.
pub(super) fn request<C: RemoteConstructor>(
    node: Node,
    at: &str,
    constructor: C,
    waits: bool,
    parent: Option<Pid>,
) -> impl Future<Output = Result<Waiting<C::Actor>, SpawnError>> + Send + use<C> {
    let sent = NodeName::new(at).map_err(SpawnError::Name).map(|at| {
        if at == *node.name() {
            return Err(make::<C>(&node, constructor.__into_args(), waits, None));
        }
        let (outcome, ended) = waits.then(|| reply_pair::<Result<(), Exit>>(&node, INIT)).unzip();
        let name = C::Actor::__type_name();
        let request = Request { node: &node, at: &at, name: &name, constructor: C::__NAME, call: REQUEST };
        let args = Argument { node: node.clone(), value: constructor.__into_args() };
        let made: Call<Made<ProtocolOf<C>>> = request.send(|encoder| {
            encoder.field(&outcome)?;
            encoder.field(&parent)?;
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

/// Makes a process that waits at its gate. `parent` is a process of another node.
fn make<C: RemoteConstructor>(node: &Node, args: C::__Args, waits: bool, parent: Option<Pid>) -> Waiting<C::Actor> {
    let (gate, opened) = reply_pair(node, GATE);
    let process = NewProcess::<C::Actor>::without_parent(node.clone(), parent);
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
    let parent: Option<Pid> = decoder.field()?;
    let args: EncodedValue = decoder.field()?;
    decoder.finish()?;
    let incompatible = |reason| CallErrorKind::Incompatible(format!("`{}`: {reason}", C::Actor::__type_name()).into());
    let args = args.read::<C::__Args>(node).map_err(incompatible)?;
    let Waiting { stub, gate, started } = make::<C>(node, args, outcome.is_some(), parent);
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
        // The link came before the opening, unless the policy has refused it.
        if cx.cell().lacks_remote_parent(cx.pid().number()) {
            return Err(Exit::Shutdown(Some("its starter may not link itself to it".into())));
        }
        C::__construct(args, cx).await
    }
}
