//! The task that executes the decisions of a node on an application with failover.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::announce::{PAUSE, REQUEST_TIME, announce, candidate_key, encode, intent_key, owner_key, view};
use super::plan::{Action, End, Event, Intent, Plan};
use crate::application::running_application::RunningApplication;
use crate::application::spec::ApplicationSpec;
use crate::application::{ApplicationError, report};
use crate::base::NodeName;
use crate::node::{Node, Service};
use crate::registry::ClaimService;
use crate::supervisor::{SharedTree, Tree};

/// The longest time that a node waits for the others when it starts.
const WAIT: Duration = Duration::from_secs(5);
/// The longest key of a claim, in bytes.
const MAX_KEY: usize = 255;

/// An application with failover on one node, whether it runs there or not.
pub(super) struct Manager {
    node: Node,
    spec: ApplicationSpec,
    nodes: Vec<NodeName>,
    inputs: mpsc::UnboundedSender<Input>,
    status: watch::Sender<Status>,
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
    is_decided: bool,
    /// The reason why the application did not start on this node.
    error: Option<ApplicationError>,
    /// This node takes no part any more.
    has_left: bool,
}

/// An input of the task.
enum Input {
    Event(Event),
    /// An event of the claim with this number, or of the application that was started for it. Those of earlier claims have
    /// no effect.
    OfClaim(u64, Event),
    /// The claim with this number is granted, with this token.
    Granted(u64, u64),
    NotStarted(u64, ApplicationError),
}

impl Manager {
    /// Begins to take part. The node stops the application before it releases its claims.
    pub(super) fn start<T: Tree>(
        node: &Node,
        spec: ApplicationSpec,
        nodes: Vec<NodeName>,
        tree: T,
    ) -> Result<Arc<Manager>, ApplicationError> {
        let key = candidate_key(&spec.name, node.name());
        if key.len() > MAX_KEY {
            let reason = format!("its name and that of the node have more than {MAX_KEY} bytes in `{key}`");
            return Err(ApplicationError::Nodes { application: spec.name, reason });
        }
        let (sender, inputs) = mpsc::unbounded_channel();
        let name = spec.name.clone();
        let admitted = node.services().admit(|services| {
            let is_taken = |service: &Arc<dyn Service>| {
                Manager::from_service(service).is_some_and(|other| other.name() == spec.name)
            };
            if services.iter().any(is_taken) || RunningApplication::find_in(services, &spec.name).is_some() {
                return Err(ApplicationError::AlreadyStarted(spec.name));
            }
            let status = watch::Sender::default();
            Ok(Arc::new(Manager { node: node.clone(), spec, nodes, inputs: sender, status }))
        });
        let manager = admitted.unwrap_or(Err(ApplicationError::Stopping(name)))?;
        let claims = node.claims();
        let (is_ready, intent) = (watch::Sender::new(None), watch::Sender::new(None));
        let inputs_of_intent = manager.inputs.clone();
        // Fails if this node has left.
        let report = move |intent| drop(inputs_of_intent.send(Input::Event(Event::Announced(intent))));
        let (spawner, clock) = (node.spawner(), || Arc::clone(node.clock()));
        let ready = announce(Arc::clone(&claims), clock(), key, |()| Vec::new(), is_ready.subscribe(), drop);
        spawner.spawn(ready);
        let key = intent_key(manager.name(), node.name());
        spawner.spawn(announce(Arc::clone(&claims), clock(), key, encode, intent.subscribe(), report));
        let place = manager.nodes.iter().position(|other| other == node.name());
        let plan = Plan::new(place, manager.nodes.len());
        let task = Task {
            manager: Arc::clone(&manager),
            tree: Arc::new(tree),
            claims,
            is_ready,
            intent,
            plan,
            claim: None,
            claims_made: 0,
            running: None,
        };
        node.spawner().spawn(task.run(inputs));
        Ok(manager)
    }

    /// Returns those of a node, oldest first.
    pub(super) fn all(node: &Node) -> Vec<Arc<Manager>> {
        node.services().all().iter().filter_map(Manager::from_service).collect()
    }

    fn from_service(service: &Arc<dyn Service>) -> Option<Arc<Manager>> {
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

/// The task of a manager.
struct Task<T> {
    manager: Arc<Manager>,
    tree: Arc<T>,
    claims: Arc<ClaimService>,
    is_ready: watch::Sender<Option<()>>,
    intent: watch::Sender<Option<Intent>>,
    plan: Plan,
    /// Dropped to end the claim, or the request for it.
    claim: Option<oneshot::Sender<()>>,
    claims_made: u64,
    running: Option<Arc<RunningApplication>>,
}

impl<T: Tree> Task<T> {
    async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        let node = self.manager.node.clone();
        let wait = self.claims.lease().min(WAIT);
        self.send_later(wait, Event::Waited);
        let mut version = self.claims.subscribe();
        version.mark_changed();
        let mut last = None;
        loop {
            let event = tokio::select! {
                biased;
                input = inputs.recv() => match input {
                    Some(input) => self.event(input),
                    None => return,
                },
                // Does not fail: the sender is a part of `self`.
                _ = version.changed() => {
                    let view = view(&self.claims, self.manager.name(), &self.manager.nodes, node.id());
                    let is_new = self.claims.is_reported() && last.as_ref() != Some(&view);
                    is_new.then(|| Event::View(last.insert(view).clone()))
                }
            };
            for action in event.map(|event| self.plan.handle(event)).unwrap_or_default() {
                self.execute(action);
            }
            self.publish();
            if self.plan.has_left() {
                break;
            }
        }
        node.services().remove(&(Arc::clone(&self.manager) as Arc<dyn Service>));
        self.manager.status.send_modify(|status| status.has_left = true);
    }

    /// Returns the event of an input, if it has an effect.
    fn event(&mut self, input: Input) -> Option<Event> {
        match input {
            Input::Event(event) => Some(event),
            Input::OfClaim(number, event) => (number == self.claims_made).then_some(event),
            Input::Granted(number, token) => (number == self.claims_made).then(|| {
                self.manager.status.send_modify(|status| status.token = Some(token));
                Event::Granted
            }),
            Input::NotStarted(number, error) => (number == self.claims_made).then(|| {
                // Otherwise it was stopped during its start.
                if self.plan.is_starting() {
                    report::not_taken_over(self.manager.name(), &error);
                    self.manager.status.send_modify(|status| status.error = Some(error));
                }
                Event::NotStarted
            }),
        }
    }

    fn publish(&self) {
        let (is_ready, intent) = (self.plan.is_ready().then_some(()), self.plan.intent());
        self.is_ready.send_if_modified(|announced| std::mem::replace(announced, is_ready) != is_ready);
        self.intent.send_if_modified(|announced| std::mem::replace(announced, intent) != intent);
        let owner = self.claims.get(&owner_key(self.manager.name())).map(|claim| claim.node.name);
        let is_elsewhere = owner.as_ref().is_some_and(|owner| owner != self.manager.node.name());
        let is_stopped = self.plan.is_stopped();
        let is_decided = self.plan.is_up() || is_elsewhere || is_stopped || self.plan.only_watches();
        let has_claim = self.claim.is_some();
        self.manager.status.send_if_modified(|status| {
            let (token, is_decided) = (status.token.filter(|_| has_claim), status.is_decided || is_decided);
            let next = Status { owner, is_stopped, token, is_decided, ..status.clone() };
            std::mem::replace(status, next) != *status
        });
    }

    fn execute(&mut self, action: Action) {
        match action {
            Action::Claim => self.claim(),
            Action::Release => drop(self.claim.take()),
            Action::Start => self.start(),
            Action::Stop => {
                if let Some(running) = &self.running {
                    self.manager.node.spawner().spawn(Arc::clone(running).stop_with_dependents());
                }
            }
            Action::Kill => {
                self.claim = None;
                if let Some(running) = &self.running {
                    report::claim_lost(self.manager.name());
                    self.manager.node.spawner().spawn(Arc::clone(running).kill_with_dependents());
                }
            }
            Action::Pause => self.send_later(PAUSE, Event::Retry),
        }
    }

    /// Requests the claim, and passes on its loss.
    fn claim(&mut self) {
        self.claims_made += 1;
        self.manager.status.send_modify(|status| status.token = None);
        let (release, released) = oneshot::channel::<()>();
        self.claim = Some(release);
        let (claims, inputs, number) = (Arc::clone(&self.claims), self.manager.inputs.clone(), self.claims_made);
        let key = owner_key(self.manager.name());
        let claimed = async move {
            // Fails if this node has left.
            let send = |input| drop(inputs.send(input));
            match claims.hold(&key, Vec::new(), REQUEST_TIME).await {
                Ok(hold) => {
                    send(Input::Granted(number, hold.token()));
                    hold.lost().await;
                    send(Input::OfClaim(number, Event::Lost));
                }
                Err(_) => send(Input::OfClaim(number, Event::Refused)),
            }
        };
        self.manager.node.spawner().spawn(async move {
            tokio::select! {
                biased;
                _ = released => {}
                () = claimed => {}
            }
        });
    }

    /// Starts the application, and passes on its end.
    fn start(&mut self) {
        let (inputs, number) = (self.manager.inputs.clone(), self.claims_made);
        let reserved = RunningApplication::reserve(&self.manager.node, self.manager.spec.clone());
        let running = match reserved {
            Ok(running) => running,
            Err(error) => return drop(inputs.send(Input::NotStarted(number, error))),
        };
        let starting = running.start_tree(SharedTree(Arc::clone(&self.tree)));
        self.running = Some(Arc::clone(&running));
        self.manager.node.spawner().spawn(async move {
            let send = |input| drop(inputs.send(input));
            if let Err(error) = starting.await {
                return send(Input::NotStarted(number, error));
            }
            send(Input::OfClaim(number, Event::Started));
            let reason = running.ended().await;
            if running.node().services().is_closed() {
                send(Input::Event(Event::Leave));
            }
            let end = if running.is_orderly_end(&reason) { End::Orderly } else { End::Failed };
            send(Input::OfClaim(number, Event::Ended(end)));
        });
    }

    fn send_later(&self, time: Duration, event: Event) {
        let (clock, inputs) = (Arc::clone(self.manager.node.clock()), self.manager.inputs.clone());
        self.manager.node.spawner().spawn(async move {
            clock.sleep_until(clock.now() + time).await;
            // Fails if this node has left.
            let _ = inputs.send(Input::Event(event));
        });
    }
}
