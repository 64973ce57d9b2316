//! The methods that start a process on another node.

use super::constructor::RemoteConstructor;
use super::placed::Placed;
use super::request::{Waiting, request};
use super::starting::Starting;
use crate::actor::{Constructor, Ref, Stubbed};
use crate::base::{Down, MonitorRef, Receives};
use crate::node::Node;
use crate::process::Mailbox;

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
/// Each method returns a [`SpawnError`](crate::SpawnError).
///
/// # Panics
/// Outside of any node, like [`Node::current`].
pub trait SpawnOn: Constructor {
    /// Returns a value from which a supervisor starts a child on the node.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::{ChildSpec, Strategy, Supervisor};
    /// # use serde::{Deserialize, Serialize};
    /// # #[actor]
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Render { job: u64 }
    /// # #[actor]
    /// # impl Render { #[call] fn frame(&self) -> u64 { self.job } }
    /// # fn least_loaded() -> String { "worker@gollum".to_owned() }
    /// // The node is chosen for each start anew.
    /// let render = ChildSpec::<RenderRef>::new(|| Render { job: 7 }.on(least_loaded()));
    /// let tree = Supervisor::new(Strategy::OneForOne).child("render", render);
    /// ```
    ///
    /// A field of a tree has the option `#[child(on = ..)]` instead. See
    /// [`#[supervisor]`](attr.supervisor.html#children-on-other-nodes).
    fn on(self, node: impl AsRef<str>) -> Placed<Self>
    where
        Self: RemoteConstructor,
    {
        Placed::new(node.as_ref(), self)
    }

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
        let waiting = request(Node::current(), node.as_ref(), self, false, None);
        Starting::new(async move { Ok(waiting.await?.open()) })
    }

    /// Starts the process on the node, and resolves with its stub after its [`init`](crate::Process::init).
    #[track_caller]
    fn start_on(self, node: impl AsRef<str>) -> Starting<'static, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(Node::current(), node.as_ref(), self, true, None);
        Starting::new(async move { waiting.await?.start(Waiting::open).await })
    }

    /// Starts the process on the node as [`spawn_on`](SpawnOn::spawn_on), linked to the caller's process before it runs.
    fn spawn_link_on<M: Stubbed>(self, cx: &mut Mailbox<M>, node: impl AsRef<str>) -> Starting<'_, Ref<Self::Actor>>
    where
        Self: RemoteConstructor,
    {
        let waiting = request(cx.node().clone(), node.as_ref(), self, false, Some(cx.pid().clone()));
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
        let waiting = request(cx.node().clone(), node.as_ref(), self, true, Some(cx.pid().clone()));
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
        let waiting = request(cx.node().clone(), node.as_ref(), self, false, None);
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
        let waiting = request(cx.node().clone(), node.as_ref(), self, true, None);
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
