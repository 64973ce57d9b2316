//! An application with failover on one node, as its handles and other nodes see it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::Takeover;
use super::plan::{End, Event};
use crate::application::ApplicationError;
use crate::application::spec::ApplicationSpec;
use crate::base::NodeName;
use crate::node::{Node, Service};
use crate::supervisor::TreeStates;
use crate::sync::{Mutex, MutexGuard};

/// An application with failover on one node, whether it runs there or not.
pub(super) struct Manager {
    pub(super) node: Node,
    pub(super) spec: ApplicationSpec,
    pub(super) nodes: Vec<NodeName>,
    pub(super) takeover: Takeover,
    /// The inputs of the task.
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) status: watch::Sender<Status>,
    kept: Mutex<Option<KeptStates>>,
}

/// The states that the last run on this node has left for its successor.
pub(super) struct KeptStates {
    /// The token of that run.
    pub(super) token: u64,
    pub(super) states: TreeStates,
    /// Before this time no other node starts the application without the states.
    pub(super) until: Instant,
}

/// The state of the application, for its handles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The node that runs the application.
    pub(super) owner: Option<NodeName>,
    pub(super) is_stopped: bool,
    /// The token of the claim of this node.
    pub(super) token: Option<u64>,
    /// The application is up on this node, runs on another one, or was stopped; or this node only watches.
    pub(super) is_decided: bool,
    /// The reason why the application did not start on this node.
    pub(super) error: Option<ApplicationError>,
    /// This node takes no part any more.
    pub(super) has_left: bool,
}

/// An input of the task.
pub(super) enum Input {
    Event(Event),
    /// An event of the claim with this number, or of the application that was started for it. Those of earlier claims have
    /// no effect.
    OfClaim(u64, Event),
    /// The claim with this number is granted, with this token.
    Granted(u64, u64),
    /// The states of the previous owner, for the claim with this number.
    Collected(u64, TreeStates),
    /// The application did not start, and has left these states.
    NotStarted(u64, ApplicationError, TreeStates),
    /// The application has ended, and has left these states.
    Ended(u64, End, TreeStates),
    /// The registry shows that this node keeps the states of the run with this token.
    StatesAnnounced(u64),
    /// The time to keep states is over.
    Expired,
}

impl Manager {
    pub(super) fn new(
        node: Node,
        spec: ApplicationSpec,
        nodes: Vec<NodeName>,
        takeover: Takeover,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> Manager {
        Manager { node, spec, nodes, takeover, inputs, status: watch::Sender::default(), kept: Mutex::default() }
    }

    /// Returns those of a node, oldest first.
    pub(super) fn all(node: &Node) -> Vec<Arc<Manager>> {
        node.services().all().iter().filter_map(Manager::from_service).collect()
    }

    pub(super) fn from_service(service: &Arc<dyn Service>) -> Option<Arc<Manager>> {
        Arc::clone(service).into_any().downcast().ok()
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn nodes(&self) -> &[NodeName] {
        &self.nodes
    }

    pub(super) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until the application runs or was stopped, or cannot start here.
    pub(super) async fn decided(&self) -> Result<(), ApplicationError> {
        let status = self.wait_for(|status| status.is_decided || status.error.is_some() || status.has_left).await;
        match status.error {
            // The caller has no handle.
            Some(error) => {
                self.send(Event::Leave);
                Err(error)
            }
            None if status.is_decided => Ok(()),
            None => Err(ApplicationError::Stopping(self.name().to_owned())),
        }
    }

    /// Requests that the application runs, or is stopped, on all nodes.
    pub(super) fn intend(&self, stop: bool) {
        self.send(Event::Intend { stop });
    }

    pub(super) async fn wait_for(&self, condition: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.status.subscribe();
        // Does not fail: the sender is a part of `self`.
        status.wait_for(condition).await.map(|status| status.clone()).unwrap_or_default()
    }

    fn kept(&self) -> MutexGuard<'_, Option<KeptStates>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps states for the successor.
    pub(super) fn keep(&self, states: KeptStates) {
        *self.kept() = Some(states);
    }

    /// Returns the token of the run whose states are kept.
    pub(super) fn kept_token(&self) -> Option<u64> {
        self.kept().as_ref().map(|kept| kept.token)
    }

    /// Gives the states to the successor, which has a claim with this token. Once, and only as long as no other node can
    /// have started without them.
    pub(super) fn give(&self, token: u64) -> Option<TreeStates> {
        let now = self.node.clock().now();
        let kept = self.kept().take_if(|kept| kept.token < token && now < kept.until)?;
        self.send(Event::StatesGone);
        Some(kept.states)
    }

    /// Removes the states, if their time is over or `now` is `None`.
    pub(super) fn discard(&self, now: Option<Instant>) -> Option<TreeStates> {
        let kept = self.kept().take_if(|kept| now.is_none_or(|now| kept.until <= now))?;
        Some(kept.states)
    }

    fn send(&self, event: Event) {
        // Fails if this node has left.
        let _ = self.inputs.send(Input::Event(event));
    }
}

impl Status {
    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }
}

impl Service for Manager {
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.send(Event::Leave);
        Box::pin(async move { drop(self.wait_for(|status| status.has_left).await) })
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
