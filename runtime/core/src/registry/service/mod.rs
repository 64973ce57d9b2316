//! The claims of a node: the owners on it, and a local copy of all claims.
//!
//! [`Machine`] decides, and [`ClaimService`] executes: it sends the requests to the registry, ends waits, and passes on
//! that a claim is lost. Global names and applications with failover are owners here.
//!
//! # Failure
//! Without answers of the registry no claim is granted, and the claims of this node are given up before their lease ends.
//! The local copy is then as old as the last report.

mod action;
mod error;
#[cfg(feature = "upgrade")]
mod hand_over;
mod hold;
mod key;
mod lease;
mod machine;
#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::any::Any;
#[cfg(feature = "upgrade")]
use std::any::TypeId;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub(crate) use action::HoldId;
use action::{Action, Answer, Request};
pub(crate) use error::{HoldError, Loss};
pub(crate) use hold::Hold;
use machine::Machine;
pub(crate) use machine::{MAX_KEY, MAX_VALUE};
use tokio::sync::{Notify, oneshot, watch};

use super::claims::{Change, Changes, Claim, DynRegistry, Registry, RegistryError};
use super::global::Registrations;
use crate::base::NodeId;
use crate::cluster::NodeBuilder;
use crate::log;
use crate::node::{KeyedActors, Node, NodeClaims, WeakNode};
use crate::observe::ReportKind;
use crate::sched::{Clock, TaskSpawner};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The claims of a node.
pub(crate) struct ClaimService {
    id: Arc<NodeId>,
    node: WeakNode,
    clock: Arc<dyn Clock>,
    spawner: TaskSpawner,
    registry: Arc<dyn DynRegistry>,
    request_time: Duration,
    state: Mutex<State>,
    /// Held while the claims that others follow are set: those of one key are set in order.
    publishing: Mutex<()>,
    /// Notified when the machine may wake earlier than before.
    rescheduled: Arc<Notify>,
    /// Counts the changes of the local copy. Its end is that of the service.
    version: watch::Sender<u64>,
    pub(super) registrations: Registrations,
}

struct State {
    machine: Machine,
    owners: BTreeMap<HoldId, OwnerSlot>,
    next_hold: HoldId,
    /// The registry has reported its claims.
    is_reported: bool,
    is_stopping: bool,
    /// The successor of this process continues the claims, once it serves.
    #[cfg(feature = "upgrade")]
    is_handed_over: bool,
}

/// The way to an owner.
struct OwnerSlot {
    /// Taken by the answer.
    answer: Option<oneshot::Sender<Result<Claim, HoldError>>>,
    lost: watch::Sender<Option<Loss>>,
}

/// The time that the stop of a node waits until its claims are released.
const STOP_TIME: Duration = Duration::from_secs(2);
/// The pause before the registry is watched again. It doubles up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl ClaimService {
    /// Starts the service of a node.
    pub(crate) fn start<R: Registry>(node: &Node, registry: R) -> Arc<ClaimService> {
        registry.attach(node);
        let machine = Machine::new(NodeId::clone(node.id()), registry.lease());
        let registry: Arc<dyn DynRegistry> = Arc::new(registry);
        let service = Arc::new(ClaimService {
            id: Arc::clone(node.id()),
            node: node.downgrade(),
            clock: Arc::clone(node.clock()),
            spawner: node.spawner().clone(),
            registry,
            request_time: machine.request_time(),
            state: Mutex::new(State {
                machine,
                owners: BTreeMap::new(),
                next_hold: 0,
                is_reported: false,
                is_stopping: false,
                #[cfg(feature = "upgrade")]
                is_handed_over: false,
            }),
            publishing: Mutex::default(),
            rescheduled: Arc::default(),
            version: watch::Sender::new(0),
            registrations: Registrations::default(),
        });
        #[cfg(feature = "upgrade")]
        service.begin_in_place_of_predecessor(node, TypeId::of::<R>() == TypeId::of::<super::LocalView>());
        node.spawner().spawn(keep_time(Arc::downgrade(&service), Arc::clone(&service.rescheduled)));
        node.spawner().spawn(keep_watch(Arc::downgrade(&service), service.version.subscribe()));
        service
    }

    /// Returns the time for which claims last without renewal.
    pub(crate) fn lease(&self) -> Duration {
        self.registry.lease()
    }

    /// Returns a receiver that changes with each change of the local copy.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Returns whether the registry has reported its claims at least once.
    pub(crate) fn is_reported(&self) -> bool {
        self.state().is_reported
    }

    /// Returns the claim on a key in the local copy.
    pub(crate) fn get(&self, key: &str) -> Option<Claim> {
        self.state().machine.get(key).cloned()
    }

    /// Returns the claim on a key at present, which the local copy may not show yet. Cancel-safe.
    ///
    /// # Errors
    /// The registry cannot be reached.
    pub(crate) async fn lookup(&self, key: &str) -> Result<Option<Claim>, RegistryError> {
        self.within(self.registry.lookup(key)).await
    }

    /// Returns the claims whose keys begin with `prefix` in the local copy, in the order of the keys.
    pub(crate) fn list(&self, prefix: &str) -> Vec<Claim> {
        self.state().machine.view().filter(|claim| claim.key.starts_with(prefix)).cloned().collect()
    }

    /// Requests the claim on a key for an owner on this node, for at most `limit`. `value` describes the owner to other nodes.
    ///
    /// Cancel-safe: if the future is dropped, the claim is not made, or is released.
    ///
    /// # Errors
    /// The key has another claim, or the registry did not grant it in time.
    pub(crate) fn hold(
        self: &Arc<Self>,
        key: &str,
        value: Vec<u8>,
        limit: Duration,
    ) -> impl Future<Output = Result<Hold, HoldError>> + Send + use<> {
        let requested = self.request_hold(key, value, limit);
        async move {
            let (hold, answered) = requested?;
            match answered.await {
                Ok(Ok(claim)) => Ok(hold.granted(claim)),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(HoldError::Stopped),
            }
        }
    }

    fn request_hold(
        self: &Arc<Self>,
        key: &str,
        value: Vec<u8>,
        limit: Duration,
    ) -> Result<(Hold, oneshot::Receiver<Result<Claim, HoldError>>), HoldError> {
        if key.is_empty() || key.len() > MAX_KEY || value.len() > MAX_VALUE {
            let reason = format!("expected a key of 1 to {MAX_KEY} bytes, and a value of at most {MAX_VALUE}");
            return Err(HoldError::Registry(RegistryError::Refused(reason)));
        }
        let (answer, answered) = oneshot::channel();
        let (lost, is_lost) = watch::channel(None);
        let id = {
            let mut state = self.state();
            if state.is_stopping {
                return Err(HoldError::Stopped);
            }
            state.next_hold += 1;
            let id = state.next_hold;
            state.owners.insert(id, OwnerSlot { answer: Some(answer), lost });
            id
        };
        let hold = Hold::new(Arc::clone(self), id, key, is_lost);
        let now = self.clock.now();
        // A time beyond the clock's range is as far as a year.
        let deadline = now.checked_add(limit).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.apply(|machine, now| machine.hold(id, key, value, now, deadline));
        Ok((hold, answered))
    }

    /// Returns the keys that begin with `prefix`, and for which the registry may have a claim of this node without an owner.
    pub(super) fn all_pending(&self, prefix: &str) -> Vec<String> {
        self.state().machine.all_pending().filter(|key| key.starts_with(prefix)).map(str::to_owned).collect()
    }

    /// Resolves when the registry has no claim of this node on the key that an owner has given up, or after `limit`.
    /// Returns `false` then.
    pub(super) async fn released(&self, key: &str, limit: Duration) -> bool {
        let mut version = self.version.subscribe();
        let released = async {
            while self.state().machine.is_pending(key) {
                let _ = version.changed().await;
            }
        };
        self.clock.within(Some(limit), released).await.is_some()
    }

    /// Returns `true` if the owner may rely on its claim at this moment.
    #[cfg(test)]
    fn is_held(&self, key: &str, hold: HoldId) -> bool {
        self.state().machine.is_held(key, hold, self.clock.now())
    }

    fn drop_hold(self: &Arc<Self>, key: &str, hold: HoldId) {
        self.state().owners.remove(&hold);
        self.apply(|machine, now| machine.drop_hold(hold, key, now));
    }

    /// Lets a node use this registry, as [`NodeBuilder::registry`].
    #[cfg(test)]
    pub(crate) fn start_for_test<R: Registry>(node: &Node, registry: R) {
        node.claims_or_start(|| ClaimService::start(node, registry));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an event to the machine, and executes its actions.
    fn apply(self: &Arc<Self>, event: impl FnOnce(&mut Machine, Instant)) {
        let now = self.clock.now();
        let mut state = self.state();
        event(&mut state.machine, now);
        let (mut changed, mut answers, mut requests, mut lost) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for action in state.machine.take_actions() {
            match action {
                Action::Request { .. } | Action::Renew => requests.push(action),
                Action::Answer(hold, answer) => {
                    let slot = state.owners.get_mut(&hold);
                    answers.extend(slot.and_then(|slot| slot.answer.take()).map(|sender| (sender, answer)));
                }
                Action::Lost(hold, loss) => {
                    if let Some(slot) = state.owners.remove(&hold) {
                        slot.lost.send_replace(Some(loss));
                        lost += 1;
                    }
                }
                Action::Changed(key) => changed.push(key),
            }
        }
        drop(state);
        for request in requests {
            match request {
                Action::Request { key, id, request } => self.request(key, id, request),
                _ => self.renew(),
            }
        }
        self.rescheduled.notify_one();
        let refused = answers.iter().filter(|(_, answer)| answer.is_err()).count();
        for (sender, answer) in answers {
            // Fails if the owner does not wait any more. Its `Hold` is dropped then.
            let _ = sender.send(answer);
        }
        if let Some(node) = self.node.upgrade() {
            node.loss_counts().count_claims(lost, refused);
            self.publish(&node, &changed);
        }
        self.version.send_modify(|version| *version += 1);
    }

    /// Makes changes of the local copy known to the stubs of global names.
    fn publish(&self, node: &Node, changed: &[String]) {
        for key in changed {
            let publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
            // Read here, so that the last one to publish a key has its last state.
            let claim = self.get(key);
            let is_published = super::global::publish(node, key, claim.as_ref());
            let published = super::sharded::publish(node, key, claim.as_ref());
            drop(publishing);
            if let Some(name) = is_published {
                node.global_names().flush(name);
            }
            if let Some(published) = published {
                published.flush(node);
            }
        }
    }

    /// Publishes the claims whose keys begin with `prefix`, for a follower that is new.
    pub(super) fn publish_all(&self, node: &Node, prefix: &str) {
        let keys: Vec<_> = self.list(prefix).into_iter().map(|claim| claim.key).collect();
        self.publish(node, &keys);
    }

    fn request(self: &Arc<Self>, key: String, id: u64, request: Request) {
        let service = Arc::clone(self);
        self.spawner.spawn(async move {
            let registry = &service.registry;
            let answer = match request {
                Request::Claim(value) => Answer::Claim(service.within(registry.claim(&service.id, &key, &value)).await),
                Request::Release(claim) => Answer::Release(service.within(registry.release(&claim)).await),
                Request::Lookup => Answer::Lookup(service.within(registry.lookup(&key)).await),
            };
            service.apply(|machine, now| machine.answered(&key, id, answer, now));
        });
    }

    fn renew(self: &Arc<Self>) {
        let service = Arc::clone(self);
        self.spawner.spawn(async move {
            let result = service.within(service.registry.renew(&service.id)).await;
            service.apply(|machine, now| machine.renewed(result, now));
        });
    }

    /// Awaits an answer of the registry, for a limited time.
    async fn within<T>(&self, answer: impl Future<Output = Result<T, RegistryError>>) -> Result<T, RegistryError> {
        let result =
            self.clock.within(Some(self.request_time), answer).await.unwrap_or_else(|| {
                Err(RegistryError::Unreachable(format!("no answer within {:?}", self.request_time)))
            });
        if let Err(error) = &result {
            self.report_error(error);
        }
        result
    }

    fn report_error(&self, error: &RegistryError) {
        if let Some(node) = self.node.upgrade() {
            node.report(ReportKind::Registry, || {
                log::warn!(target: "greenroom", node = %node.name(), error = %log::Escaped(error), "a request to the registry failed");
            });
        }
    }
}

/// Wakes the machine when something is due.
async fn keep_time(service: Weak<ClaimService>, rescheduled: Arc<Notify>) {
    loop {
        let Some(strong) = service.upgrade() else { return };
        let (clock, at) = (Arc::clone(&strong.clock), strong.state().machine.wakes_at());
        let is_due = at.is_some_and(|at| at <= clock.now());
        if is_due {
            strong.apply(Machine::tick);
        }
        drop(strong);
        if !is_due {
            let wait = at.map(|at| at.saturating_duration_since(clock.now()));
            // Notified by each event, and by the end of the service.
            clock.within(wait, rescheduled.notified()).await;
        }
    }
}

/// Receives the reports of the registry, until the service ends.
async fn keep_watch(service: Weak<ClaimService>, mut version: watch::Receiver<u64>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(strong) = service.upgrade() else { return };
        let (clock, registry) = (Arc::clone(&strong.clock), Arc::clone(&strong.registry));
        drop(strong);
        let mut is_reported = false;
        let mut receive = |change: Change| {
            is_reported = true;
            if let Some(service) = service.upgrade() {
                service.state().is_reported = true;
                service.apply(|machine, now| machine.reported(change, now));
            }
        };
        let mut changes = Changes::new(&mut receive);
        let ended = async { while version.changed().await.is_ok() {} };
        let error = tokio::select! {
            biased;
            () = ended => return,
            error = registry.watch(&mut changes) => error,
        };
        if is_reported {
            pause = FIRST_PAUSE;
        }
        if let Some(service) = service.upgrade() {
            service.report_error(&error);
        }
        clock.sleep_until(clock.now() + pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl NodeClaims for ClaimService {
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.state().is_stopping = true;
        #[cfg(feature = "upgrade")]
        let stop = if self.is_continued_elsewhere() { Machine::leave } else { Machine::stop };
        #[cfg(not(feature = "upgrade"))]
        let stop = Machine::stop;
        self.apply(stop);
        Box::pin(async move {
            let mut version = self.version.subscribe();
            let released = async {
                while !self.state().machine.is_idle() {
                    let _ = version.changed().await;
                }
            };
            self.clock.within(Some(STOP_TIME), released).await;
        })
    }

    fn held(&self) -> usize {
        self.state().machine.held()
    }

    #[cfg(feature = "upgrade")]
    fn hand_over(self: Arc<Self>) -> Option<Vec<u8>> {
        hand_over::hand_over(&self)
    }

    #[cfg(feature = "upgrade")]
    fn resume(self: Arc<Self>) {
        self.state().is_handed_over = false;
        self.apply(Machine::resume);
    }

    fn hosted_actors(&self, node: &Node, name: &str) -> Option<Arc<dyn KeyedActors>> {
        super::sharded::hosted_actors(node, name)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl Drop for ClaimService {
    fn drop(&mut self) {
        self.rescheduled.notify_one();
    }
}

impl NodeBuilder {
    /// Sets the registry that has the claims of the cluster, such as those on global names: by default
    /// [`LocalView::keep_all`](super::LocalView::keep_all). All nodes of the cluster need the same one.
    pub fn registry(self, registry: impl Registry) -> NodeBuilder {
        self.parts(move |node| {
            // Not started yet: the node is new.
            node.claims_or_start(|| ClaimService::start(node, registry));
        })
    }
}

impl Node {
    /// Returns the node's claims. On a node that was not started by a builder, they begin with the first use.
    pub(crate) fn claims(&self) -> Arc<ClaimService> {
        let start = || ClaimService::start(self, super::LocalView::default()) as Arc<dyn NodeClaims>;
        let claims = Arc::clone(self.claims_or_start(start)).into_any();
        claims.downcast().unwrap_or_else(|_| unreachable!("a node has one type of claims"))
    }
}
