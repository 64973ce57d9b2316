//! The task that executes the decisions of a node on an application with failover.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::Takeover;
use super::announce::{PAUSE, REQUEST_TIME, announce, candidate_key, encode, intent_key, owner_key, states_key, view};
use super::manager::{Input, KeptStates, Manager, Status};
use super::plan::{Action, End, Event, Intent, Plan};
use super::states::{KEEP_TIME, collect};
use crate::application::running_application::RunningApplication;
use crate::application::spec::ApplicationSpec;
use crate::application::{ApplicationError, report};
use crate::base::NodeName;
use crate::node::{Node, Service};
use crate::registry::ClaimService;
use crate::supervisor::{SharedTree, StateTransfer, Tree, TreeStates};

/// The longest time that a node waits for the others when it starts.
const WAIT: Duration = Duration::from_secs(5);
/// The time in which the global names of an application that has ended are released.
const NAMES_TIME: Duration = Duration::from_secs(1);
/// The longest key of a claim, in bytes.
const MAX_KEY: usize = 255;

/// Begins to take part. The node stops the application before it releases its claims.
pub(super) fn start<T: Tree>(
    node: &Node,
    spec: ApplicationSpec,
    nodes: Vec<NodeName>,
    takeover: Takeover,
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
        let is_taken =
            |service: &Arc<dyn Service>| Manager::from_service(service).is_some_and(|other| other.name() == spec.name);
        if services.iter().any(is_taken) || RunningApplication::find_in(services, &spec.name).is_some() {
            return Err(ApplicationError::AlreadyStarted(spec.name));
        }
        Ok(Arc::new(Manager::new(node.clone(), spec, nodes, takeover, sender)))
    });
    let manager = admitted.unwrap_or(Err(ApplicationError::Stopping(name)))?;
    let claims = node.claims();
    let (is_ready, intent, kept) = (watch::Sender::new(None), watch::Sender::new(None), watch::Sender::new(None));
    let inputs_of_intent = manager.inputs.clone();
    // Fails if this node has left.
    let report = move |intent| drop(inputs_of_intent.send(Input::Event(Event::Announced(intent))));
    let (spawner, clock) = (node.spawner(), || Arc::clone(node.clock()));
    let ready = announce(Arc::clone(&claims), clock(), key, |()| Vec::new(), is_ready.subscribe(), drop);
    spawner.spawn(ready);
    let key = intent_key(manager.name(), node.name());
    spawner.spawn(announce(Arc::clone(&claims), clock(), key, encode, intent.subscribe(), report));
    if takeover == Takeover::State {
        let inputs = manager.inputs.clone();
        let report = move |token: Option<u64>| {
            // Fails if this node has left.
            let _ = token.map(|token| inputs.send(Input::StatesAnnounced(token)));
        };
        let key = states_key(manager.name(), node.name());
        spawner.spawn(announce(Arc::clone(&claims), clock(), key, encode, kept.subscribe(), report));
    }
    let place = manager.nodes.iter().position(|other| other == node.name());
    let plan = Plan::new(place, manager.nodes.len(), takeover == Takeover::State);
    #[cfg(feature = "upgrade")]
    let plan = match claims.continued(&intent_key(manager.name(), node.name())) {
        Some(claim) => plan.with_intent(postcard::from_bytes(&claim.value).unwrap_or_default()),
        None => plan,
    };
    let task = Task {
        manager: Arc::clone(&manager),
        tree: Arc::new(tree),
        claims,
        is_ready,
        intent,
        kept,
        plan,
        claim: None,
        claims_made: 0,
        token: 0,
        running: None,
        left: None,
    };
    node.spawner().spawn(task.run(inputs));
    Ok(manager)
}

/// The task of a manager.
struct Task<T> {
    manager: Arc<Manager>,
    tree: Arc<T>,
    claims: Arc<ClaimService>,
    is_ready: watch::Sender<Option<()>>,
    intent: watch::Sender<Option<Intent>>,
    /// The token of the run whose states this node keeps.
    kept: watch::Sender<Option<u64>>,
    plan: Plan,
    /// Dropped to end the claim, or the request for it.
    claim: Option<oneshot::Sender<()>>,
    claims_made: u64,
    /// The token of the last claim.
    token: u64,
    running: Option<Arc<RunningApplication>>,
    /// The states that were collected, or that the application has left: for its start, or to be kept.
    left: Option<TreeStates>,
}

impl<T: Tree> Task<T> {
    async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        let node = self.manager.node.clone();
        let wait = self.claims.lease().min(WAIT);
        self.send_later(wait, Input::Event(Event::Waited));
        let mut version = self.claims.subscribe();
        version.mark_changed();
        let mut last = None;
        #[cfg(feature = "upgrade")]
        if self.claims.continued(&owner_key(self.manager.name())).is_some() {
            // The predecessor of this process runs the application.
            let view = view(&self.claims, self.manager.name(), &self.manager.nodes, node.id());
            for action in self.plan.handle(Event::Continued(last.insert(view).clone())) {
                self.execute(action);
            }
            self.publish();
        }
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
            self.keep_left();
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
                self.token = token;
                self.manager.status.send_modify(|status| status.token = Some(token));
                Event::Granted
            }),
            Input::Collected(number, states) => {
                (number == self.claims_made).then(|| Event::Collected { has_states: self.set_left(states) })
            }
            Input::Ended(number, end, states) => {
                (number == self.claims_made).then(|| Event::Ended { end, has_states: self.set_left(states) })
            }
            Input::StatesAnnounced(token) => {
                (self.manager.kept_token() == Some(token)).then_some(Event::StatesAnnounced)
            }
            Input::Expired => self.manager.discard(Some(self.manager.node.clock().now())).map(|states| {
                report::states_lost(&self.manager.node, self.manager.name(), states.len(), "no node has collected it");
                Event::StatesGone
            }),
            Input::NotStarted(number, error, states) => (number == self.claims_made).then(|| {
                // Otherwise it was stopped during its start.
                if self.plan.is_starting() {
                    report::not_taken_over(self.manager.name(), &error);
                    self.manager.status.send_modify(|status| status.error = Some(error));
                }
                Event::NotStarted { has_states: self.set_left(states) }
            }),
        }
    }

    /// Sets the states that are left. Returns whether there are any.
    fn set_left(&mut self, states: TreeStates) -> bool {
        self.left = Some(states).filter(|states| !states.is_empty());
        self.left.is_some()
    }

    /// Keeps the states that are left if the plan needs them.
    fn keep_left(&mut self) {
        if let Some(states) = self.left.take().filter(|_| self.plan.has_states()) {
            let until = self.manager.node.clock().now() + KEEP_TIME;
            self.manager.keep(KeptStates { token: self.token, states, until });
            self.send_later(KEEP_TIME, Input::Expired);
        }
    }

    fn publish(&self) {
        let (is_ready, intent) = (self.plan.is_ready().then_some(()), self.plan.intent());
        self.is_ready.send_if_modified(|announced| std::mem::replace(announced, is_ready) != is_ready);
        self.intent.send_if_modified(|announced| std::mem::replace(announced, intent) != intent);
        let kept = if self.plan.has_states() { self.manager.kept_token() } else { None };
        self.kept.send_if_modified(|announced| std::mem::replace(announced, kept) != kept);
        if let Some(transfer) = self.running.as_ref().and_then(|running| running.transfer()) {
            transfer.set_has_successor(self.plan.has_successor());
        }
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
            Action::Collect => {
                let (manager, claims) = (Arc::clone(&self.manager), Arc::clone(&self.claims));
                let (number, token) = (self.claims_made, self.token);
                self.manager.node.spawner().spawn(async move {
                    let states = collect(&manager, &claims, token).await;
                    // Fails if this node has left.
                    let _ = manager.inputs.send(Input::Collected(number, states));
                });
            }
            Action::Discard => {
                let states = self.manager.discard(None);
                if let Some(states) = states.filter(|_| !self.plan.is_stopped()) {
                    report::states_lost(
                        &self.manager.node,
                        self.manager.name(),
                        states.len(),
                        "no node can continue it",
                    );
                }
            }
            Action::Stop { for_successor } => {
                if let Some(running) = &self.running {
                    if let Some(transfer) = running.transfer().filter(|_| for_successor) {
                        transfer.set_has_successor(true);
                        transfer.begin();
                    }
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
            Action::Pause => self.send_later(PAUSE, Input::Event(Event::Retry)),
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
            Err(error) => return drop(inputs.send(Input::NotStarted(number, error, TreeStates::default()))),
        };
        let given = self.left.take().unwrap_or_default();
        let transfer =
            (self.manager.takeover == Takeover::State).then(|| running.set_transfer(StateTransfer::new(given)));
        let starting = running.start_tree(SharedTree { tree: Arc::clone(&self.tree), transfer });
        self.running = Some(Arc::clone(&running));
        self.manager.node.spawner().spawn(async move {
            let send = |input| drop(inputs.send(input));
            let left = || running.transfer().map(|transfer| transfer.finish()).unwrap_or_default();
            if let Err(error) = starting.await {
                // Stopped during its start, it may have states.
                running.ended().await;
                running.node().ended_names_released(NAMES_TIME).await;
                return send(Input::NotStarted(number, error, left()));
            }
            send(Input::OfClaim(number, Event::Started));
            let reason = running.ended().await;
            // The next owner can register them at once.
            running.node().ended_names_released(NAMES_TIME).await;
            if running.node().services().is_closed() {
                send(Input::Event(Event::Leave));
            }
            let end = if running.is_orderly_end(&reason) { End::Orderly } else { End::Failed };
            send(Input::Ended(number, end, left()));
        });
    }

    fn send_later(&self, time: Duration, input: Input) {
        let (clock, inputs) = (Arc::clone(self.manager.node.clock()), self.manager.inputs.clone());
        self.manager.node.spawner().spawn(async move {
            clock.sleep_until(clock.now() + time).await;
            // Fails if this node has left.
            let _ = inputs.send(input);
        });
    }
}
