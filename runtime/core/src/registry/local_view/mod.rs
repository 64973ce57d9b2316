//! A registry that needs nothing but the connections between the nodes.
//!
//! [`View`] decides, and [`Shared`] executes: it sends the parts of the exchange to the peers in the order of the decisions,
//! answers requests and passes on the changes.

#[cfg(feature = "upgrade")]
mod hand_over;
mod majority;
#[cfg(test)]
mod model_tests;
mod part;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use majority::SplitPolicy;
use tokio::sync::{Notify, oneshot};
use view::{Effect, Ignored, Now, View};

use super::claims::{Change, Changes, Claim, Claimed, Registry, RegistryError};
use crate::base::{InvalidName, NodeId, NodeName};
use crate::log;
use crate::node::{ClaimExchange, Node, WeakNode};
use crate::observe::ReportKind;
use crate::sched::Clock;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Epoch;

/// The default registry: each node has a copy of the claims of all nodes that it is connected to. Fast, and available on
/// both sides of a split. The model is Erlang's [`global`](https://www.erlang.org/doc/apps/kernel/global.html).
///
/// While all nodes are connected, a key has one owner. When a node is lost, its claims end on the other nodes at once.
///
/// # Splits
/// If the connections between two parts of a cluster are lost, both parts can have an owner for a key. When they connect
/// again, the owner with the older claim keeps the key, or [`resolve`](LocalView::resolve) chooses the owner. The other
/// one loses it: a process with a global name receives [`Exit::ClaimLost`](crate::Exit::ClaimLost).
///
/// With [`keep_majority`](LocalView::keep_majority), only the part with the majority of the nodes keeps its claims. The
/// other part gives its claims up after a while. Until then both can have an owner. For a guarantee, use a registry outside
/// of the nodes, such as that of the crate `greenroom-etcd`.
///
/// # Age
/// The age of a claim is its token: the time of the wall clock, but always later than each token that its node has seen. So
/// a claim is never taken for older than one that its node has known of, even if the clock is wrong. The clocks decide
/// only between claims of two parts that were not connected.
///
/// # Other meshes
/// - A node with [`Mesh::on_demand`](crate::Mesh::on_demand) does not see all claims. It can look names up on the nodes that
///   it is connected to, and each of its own claims is refused with
///   [`RegistryError::Refused`](super::RegistryError::Refused).
/// - A node with [`Mesh::hidden`](crate::Mesh::hidden) takes no part, as in OTP: its names are its own, and it does not see
///   those of the others.
pub struct LocalView {
    policy: SplitPolicy,
    resolve: Option<Resolve>,
    shared: OnceLock<Arc<Shared>>,
}

/// The claim that keeps its key in a conflict; from the function of [`LocalView::resolve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first of the two claims.
    Older,
    /// The second one.
    Newer,
}

type Resolve = Arc<dyn Fn(&Claim, &Claim) -> Keep + Send + Sync>;

impl Default for LocalView {
    fn default() -> LocalView {
        LocalView::keep_all()
    }
}

impl LocalView {
    /// Returns the default: all parts of a split cluster keep their claims, and grant others.
    #[must_use]
    pub fn keep_all() -> LocalView {
        LocalView { policy: SplitPolicy::KeepAll, resolve: None, shared: OnceLock::new() }
    }

    /// Keeps the claims of the part with more than half of these nodes. Another part grants no claims. If that lasts for
    /// [`stable_after`](LocalView::stable_after), it gives its claims up.
    ///
    /// All nodes of the cluster are configured with the same nodes. The model is the static quorum of
    /// [Akka's split brain resolver](https://doc.akka.io/docs/akka/current/split-brain-resolver.html#static-quorum).
    ///
    /// # Errors
    /// A name is not that of a node.
    pub fn keep_majority<N: AsRef<str>>(nodes: impl IntoIterator<Item = N>) -> Result<LocalView, InvalidName> {
        let nodes = nodes.into_iter().map(NodeName::new).collect::<Result<_, _>>()?;
        let policy = SplitPolicy::KeepMajority { nodes, stable_after: Duration::from_secs(20) };
        Ok(LocalView { policy, ..LocalView::keep_all() })
    }

    /// Sets the time after which a part without the majority gives its claims up; 20 s by default, as in Akka. It should be
    /// longer than the time that a short failure of the network takes. No effect on [`keep_all`](LocalView::keep_all).
    #[must_use]
    pub fn stable_after(mut self, time: Duration) -> LocalView {
        if let SplitPolicy::KeepMajority { stable_after, .. } = &mut self.policy {
            *stable_after = time;
        }
        self
    }

    /// Sets the function that decides which of two claims on one key is kept, in place of the older one.
    ///
    /// All nodes need the same function. It is called on several nodes, with the older claim first, and must return the same
    /// on each of them. It must not wait, nor register names.
    #[must_use]
    pub fn resolve(mut self, resolve: impl Fn(&Claim, &Claim) -> Keep + Send + Sync + 'static) -> LocalView {
        self.resolve = Some(Arc::new(resolve));
        self
    }

    /// # Errors
    /// The registry serves no node.
    fn shared(&self) -> Result<&Arc<Shared>, RegistryError> {
        self.shared.get().ok_or_else(|| RegistryError::Unreachable("the registry was not given to a node".to_owned()))
    }
}

/// The local view of one node, between its connections and its claims.
struct Shared {
    node: WeakNode,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Notified of each change for [`watch`](Registry::watch).
    reported: Notify,
    rescheduled: Arc<Notify>,
}

struct State {
    view: View,
    answers: BTreeMap<u64, oneshot::Sender<Result<Claimed, RegistryError>>>,
    next_request: u64,
    /// The changes that were not reported yet. The first report is that of all claims.
    changes: VecDeque<Change>,
}

/// The most changes that wait for a report. All claims are reported in place of more.
const MAX_CHANGES: usize = 10_000;

impl Shared {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Now { at: self.clock.now(), wall: u64::try_from(wall).unwrap_or(u64::MAX) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an event to the view, and executes its effects.
    fn apply<T>(&self, event: impl FnOnce(&mut State, Now) -> T) -> T {
        let now = self.now();
        let node = self.node.upgrade();
        let mut state = self.state();
        let result = event(&mut state, now);
        let mut answers = Vec::new();
        let mut ignored = None;
        for effect in state.view.take_effects() {
            match effect {
                // Under the lock, so that a peer receives the parts in the order of the decisions.
                Effect::Send(to, parts) => {
                    for frame in part::encode(parts) {
                        if let Some(router) = node.as_ref().and_then(Node::router) {
                            router.send_claims(to, frame);
                        }
                    }
                }
                Effect::Answer(request, answer) => {
                    answers.extend(state.answers.remove(&request).map(|sender| (sender, answer)));
                }
                Effect::Changed(change) if state.changes.len() < MAX_CHANGES => state.changes.push_back(change),
                Effect::Changed(_) => state.changes = VecDeque::from([Change::All(state.view.all())]),
                Effect::Ignored(peer, reason) => ignored = Some((peer, reason)),
            }
        }
        drop(state);
        for (sender, answer) in answers {
            // Fails if the request was given up.
            let _ = sender.send(answer);
        }
        self.reported.notify_one();
        self.rescheduled.notify_one();
        if let (Some((peer, reason)), Some(node)) = (ignored, node) {
            if reason == Ignored::NotAllowed {
                node.loss_counts().count_refused_by_policy();
            }
            node.report(ReportKind::Claims, || {
                log::warn!(target: "greenroom", node = %node.name(), %peer, ?reason, "claims of a peer are ignored");
            });
        }
        result
    }

    /// Wakes the view when something is due.
    async fn keep_time(shared: Weak<Shared>, rescheduled: Arc<Notify>) {
        loop {
            let Some(strong) = shared.upgrade() else { return };
            let (clock, at) = (Arc::clone(&strong.clock), strong.state().view.wakes_at());
            let is_due = at.is_some_and(|at| at <= clock.now());
            if is_due {
                strong.apply(|state, now| state.view.tick(now));
            }
            drop(strong);
            if !is_due {
                let wait = at.map(|at| at.saturating_duration_since(clock.now()));
                // Notified by each event, and at the end.
                clock.within(wait, rescheduled.notified()).await;
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.rescheduled.notify_one();
    }
}

impl ClaimExchange for Shared {
    fn peer_up(&self, peer: &Arc<NodeId>, epoch: Epoch, is_full: bool) {
        self.apply(|state, now| state.view.peer_up(epoch, NodeId::clone(peer), is_full, now));
    }

    fn peer_continued(&self, peer: &Arc<NodeId>, epoch: Epoch, is_full: bool) {
        self.apply(|state, now| state.view.peer_continued(epoch, NodeId::clone(peer), is_full, now));
    }

    fn receive(&self, epoch: Epoch, frame: &[u8], may_claim: bool) {
        let parts = part::decode(frame);
        self.apply(|state, now| {
            for part in parts {
                state.view.receive(epoch, part, may_claim, now);
            }
        });
    }

    fn peer_down(&self, epoch: Epoch) {
        self.apply(|state, now| state.view.peer_down(epoch, now));
    }
}

/// Gives a request up when its future is dropped.
struct CancelOnDrop<'a>(&'a Shared, u64);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.0.apply(|state, _| {
            state.answers.remove(&self.1);
            state.view.cancel(self.1);
        });
    }
}

impl Registry for LocalView {
    fn attach(&self, node: &Node) {
        let (policy, resolve) = (self.policy.clone(), self.resolve.clone());
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let rescheduled = Arc::new(Notify::new());
            node.spawner().spawn(Shared::keep_time(Weak::clone(shared), Arc::clone(&rescheduled)));
            let now = Now { at: node.clock().now(), wall: 0 };
            let view = View::new(NodeId::clone(node.id()), policy, resolve, now);
            Shared {
                node: node.downgrade(),
                clock: Arc::clone(node.clock()),
                state: Mutex::new(State { view, answers: BTreeMap::new(), next_request: 0, changes: VecDeque::new() }),
                reported: Notify::new(),
                rescheduled,
            }
        });
        node.set_claim_exchange(Arc::clone(&shared) as Arc<dyn ClaimExchange>);
        // A registry is given to one node.
        let _ = self.shared.set(shared);
    }

    /// Claims last as long as their node is connected.
    fn lease(&self) -> Duration {
        Duration::MAX
    }

    async fn claim(&self, _: &NodeId, key: &str, value: &[u8]) -> Result<Claimed, RegistryError> {
        let shared = self.shared()?;
        let node = shared.node.upgrade();
        if node.as_ref().and_then(Node::router).is_some_and(|router| router.is_on_demand()) {
            let reason = "a node that connects on demand does not see all claims: it needs `Mesh::full()`, or another \
                          registry than the local view";
            return Err(RegistryError::Refused(reason.to_owned()));
        }
        drop(node);
        let (sender, answered) = oneshot::channel();
        let (key, value) = (key.to_owned(), value.to_owned());
        let request = shared.apply(|state, now| {
            state.next_request += 1;
            let request = state.next_request;
            state.answers.insert(request, sender);
            state.view.claim(request, key, value, now);
            request
        });
        let _cancel = CancelOnDrop(shared, request);
        answered.await.unwrap_or_else(|_| Err(RegistryError::Unreachable("the node stops".to_owned())))
    }

    async fn renew(&self, _: &NodeId) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn release(&self, claim: &Claim) -> Result<(), RegistryError> {
        self.shared()?.apply(|state, _| state.view.release(&claim.key, claim.token));
        Ok(())
    }

    async fn lookup(&self, key: &str) -> Result<Option<Claim>, RegistryError> {
        Ok(self.shared()?.state().view.get(key).cloned())
    }

    #[cfg(feature = "upgrade")]
    fn hand_over(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(&self.shared().ok()?.state().view.record()).ok()
    }

    #[cfg(feature = "upgrade")]
    fn continue_with(&self, state: &[u8]) -> Result<(), RegistryError> {
        let unreadable = |error: postcard::Error| RegistryError::Refused(error.to_string());
        let record = postcard::from_bytes(state).map_err(unreadable)?;
        self.shared()?.apply(|state, now| state.view.continue_with(record, now));
        Ok(())
    }

    async fn watch(&self, changes: &mut Changes<'_>) -> RegistryError {
        let shared = match self.shared() {
            Ok(shared) => shared,
            Err(error) => return error,
        };
        shared.apply(|state, _| state.changes = VecDeque::from([Change::All(state.view.all())]));
        loop {
            loop {
                let next = shared.state().changes.pop_front();
                match next {
                    Some(change) => changes.report(change),
                    None => break,
                }
            }
            shared.reported.notified().await;
        }
    }
}

impl fmt::Debug for LocalView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalView").field("policy", &self.policy).finish_non_exhaustive()
    }
}
