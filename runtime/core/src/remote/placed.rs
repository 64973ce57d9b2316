//! A supervised child whose process runs on another node.
//!
//! On the supervisor's node a *proxy* occupies the child's cell, which is the child for the supervisor and for all stubs.
//! The proxy starts the process on the other node, and is linked to it. It sends the messages on, one after the other,
//! and exits when the process has exited. The signals are sent on by its cell.
//!
//! States of a proxy: *requesting* (there is no process yet) → *starting* (the `init` runs) → *up*. If the proxy ends
//! while it requests, the process that it requested does not run. Later the proxy ends only after the process, or when the
//! connection to its node is lost; the process then ends by its link.

use std::fmt;

use tokio::sync::oneshot;

use super::constructor::RemoteConstructor;
use super::error::SpawnError;
use super::request::request;
use crate::actor::{Actor, Constructor, Launch, Ref, Stub};
use crate::base::{Exit, StartError};
use crate::process::{Mailbox, StartSender, Step};

/// An actor or a constructor, with the node on which a supervised child is started from it; from
/// [`SpawnOn::on`](crate::SpawnOn::on).
#[must_use = "it starts no process by itself: give it to a supervisor"]
pub struct Placed<C: Constructor> {
    node: String,
    constructor: C,
    /// A function in place of a bound: if `C` cannot be sent, [`SpawnOn::on`](crate::SpawnOn::on) alone is an error.
    launch: fn(C, String, Launch<'_, C::Actor>),
}

impl<C: Constructor> Placed<C> {
    pub(super) fn new(node: &str, constructor: C) -> Placed<C>
    where
        C: RemoteConstructor,
    {
        let launch = |constructor: C, node, launch: Launch<'_, C::Actor>| {
            launch.proxy(|mailbox, started| run(mailbox, started, node, constructor));
        };
        Placed { node: node.to_owned(), constructor, launch }
    }
}

#[diagnostic::do_not_recommend]
impl<C: Constructor> Constructor for Placed<C> {
    type Actor = C::Actor;
    const __NAMES_NODE: bool = true;

    fn __launch(self, launch: Launch<'_, C::Actor>) {
        if self.node == launch.node().name().as_str() {
            return self.constructor.__launch(launch);
        }
        (self.launch)(self.constructor, self.node, launch);
    }
}

impl<C: Constructor + Clone> Clone for Placed<C> {
    fn clone(&self) -> Placed<C> {
        Placed { node: self.node.clone(), constructor: self.constructor.clone(), launch: self.launch }
    }
}

impl<C: Constructor + fmt::Debug> fmt::Debug for Placed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placed")
            .field("node", &self.node)
            .field("constructor", &self.constructor)
            .finish_non_exhaustive()
    }
}

type Messages<C> = <<C as Constructor>::Actor as Actor>::Protocol;

/// Runs the proxy of a process that is started on the node `at`.
async fn run<C: RemoteConstructor>(
    mut cx: Mailbox<Messages<C>>,
    started: Option<StartSender>,
    at: String,
    constructor: C,
) -> Exit {
    let outcome = start(&mut cx, &at, constructor).await.map_err(|error| reason(&at, error));
    if outcome.is_ok() {
        // Before the starter continues.
        cx.cell().start_succeeded(cx.pid().number());
        cx.cell().note_start_at_parent();
    }
    if let Some(started) = started {
        started.send(outcome.as_ref().map(drop).map_err(Exit::clone));
    }
    match outcome {
        Ok((process, exit)) => forward::<C::Actor>(&mut cx, &process, exit).await,
        Err(reason) => reason,
    }
}

/// Starts the process. Returns its stub after its `init`, and the future of its exit reason.
async fn start<C: RemoteConstructor>(
    cx: &mut Mailbox<Messages<C>>,
    at: &str,
    constructor: C,
) -> Result<(Ref<C::Actor>, oneshot::Receiver<Exit>), SpawnError> {
    let waiting = request(cx.node().clone(), at, constructor, true, Some(cx.pid().clone())).await?;
    let process = waiting.stub.pid().ok_or(SpawnError::NoConnection)?;
    let exit = cx.cell().attach_proxied(cx.pid(), &process);
    // Resolves when a process that has failed is gone, so that the next start finds its name free.
    let stub = waiting.start(|waiting| waiting.open_from(cx)).await?;
    Ok((stub, exit))
}

/// Sends the messages on until the process has exited. Returns its exit reason.
async fn forward<A: Actor>(cx: &mut Mailbox<A::Protocol>, process: &Ref<A>, exit: oneshot::Receiver<Exit>) -> Exit {
    let forward = async {
        loop {
            match cx.step().await {
                Step::Message(message) => process.__address().forward(cx.take_context(), message).await,
                Step::Stop(reason) => process.__address().stop(reason),
                // A proxy refuses these.
                Step::SystemRequest(_) => {}
            }
        }
    };
    tokio::select! {
        biased;
        // The sender is dropped only with the process of this future.
        reason = exit => reason.unwrap_or(Exit::Killed),
        () = forward => Exit::Killed,
    }
}

/// Returns the reason for which a start on the node `at` has failed.
fn reason(at: &str, error: SpawnError) -> Exit {
    match error {
        SpawnError::Start(StartError { reason, .. }) => reason,
        SpawnError::NoConnection => Exit::NoConnection,
        error => Exit::error(format!("not started on `{at}`: {error}")),
    }
}
