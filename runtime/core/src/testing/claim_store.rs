//! A registry in memory, with faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::pending;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::base::NodeId;
use crate::registry::{Change, Changes, Claim, Claimed, Registry, RegistryError};
use crate::sched::Rng;

/// A linearisable registry in memory: a store that all nodes of a test share, with faults between each node and the store.
///
/// Its leases follow the test's clock. Faults are set for each node by the index with which its
/// [`registry`](ClaimStore::registry) was made, or are drawn from the seed by [`chaos`](ClaimStore::chaos).
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::testing::{ClaimStore, Cluster};
///
/// #[actor]
/// #[derive(Default)]
/// struct Clock;
///
/// #[actor]
/// impl Clock {
///     #[cast]
///     fn strike(&self) {}
/// }
///
/// #[greenroom::test]
/// async fn the_owner_gives_up_before_its_lease_ends() {
///     let store = ClaimStore::new(Duration::from_secs(9));
///     let nodes = store.clone();
///     let cluster = Cluster::in_memory(2).configure(move |index, node| node.registry(nodes.registry(index))).await;
///     let clock = cluster.node(0).spawn(Clock);
///     cluster.node(0).register_global("clock", &clock).await.unwrap();
///     store.cut(0);
///     assert_eq!(clock.ended().await, Exit::claim_lost("global/clock"));
///     assert_eq!(store.claims().len(), 1, "the lease has not ended yet");
/// }
/// ```
///
/// Cheap to clone: all clones are one store.
#[derive(Clone)]
pub struct ClaimStore(Arc<Inner>);

struct Inner {
    lease: Duration,
    rng: Rng,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    claims: BTreeMap<String, Claim>,
    /// The ends of the leases.
    leases: BTreeMap<NodeId, Instant>,
    last_token: u64,
    /// All changes, and their times.
    log: Vec<(Instant, Change)>,
    /// The requests that take effect later.
    requests: BTreeMap<(Instant, u64), Effect>,
    next_request: u64,
    links: BTreeMap<usize, Link>,
}

type Effect = Box<dyn FnOnce(&mut State, Instant) + Send>;

/// The way from one node to the store.
#[derive(Clone, Debug)]
struct Link {
    is_cut: bool,
    delay: RangeInclusive<Duration>,
    /// The share of the requests whose answer is lost, in per cent.
    lost_answers: u64,
    lag: Duration,
    /// Counts the times that watches were broken.
    breaks: u64,
    /// The incarnations of the node that have requested something.
    nodes: BTreeSet<NodeId>,
}

impl Default for Link {
    fn default() -> Link {
        Link {
            is_cut: false,
            delay: Duration::ZERO..=Duration::ZERO,
            lost_answers: 0,
            lag: Duration::ZERO,
            breaks: 0,
            nodes: BTreeSet::new(),
        }
    }
}

/// The longest pause between two faults of [`ClaimStore::chaos`], as a multiple of the lease.
const LONGEST_PAUSE: u32 = 1;

impl ClaimStore {
    /// Creates a store without claims, and without faults.
    pub fn new(lease: Duration) -> ClaimStore {
        ClaimStore::seeded(lease, 0)
    }

    /// Creates a store whose faults are drawn from this seed, as that of [`Check::state`](super::Check::state).
    pub fn seeded(lease: Duration, seed: u64) -> ClaimStore {
        let (state, changed) = (Mutex::default(), Notify::new());
        ClaimStore(Arc::new(Inner { lease, rng: Rng::seeded(seed), state, changed }))
    }

    /// Returns the registry of the node with this index, for [`NodeBuilder::registry`](crate::NodeBuilder::registry).
    pub fn registry(&self, node: usize) -> impl Registry + use<> {
        Client { store: self.clone(), node }
    }

    /// Returns the claims at this moment, in the order of their keys.
    pub fn claims(&self) -> Vec<Claim> {
        self.settled().claims.values().cloned().collect()
    }

    /// Cuts the node off from the store, until [`heal`](ClaimStore::heal). Its requests fail or have no answer, and its watch
    /// breaks.
    pub fn cut(&self, node: usize) {
        self.change(node, |link| link.is_cut = true);
    }

    /// Delays each request of the node, and each answer, by a time from this range. The request takes effect even if the
    /// node does not wait for that.
    pub fn delay(&self, node: usize, delay: RangeInclusive<Duration>) {
        self.change(node, |link| link.delay = delay);
    }

    /// Loses this share of the answers to the node, in per cent. The requests take effect.
    pub fn lose_answers(&self, node: usize, percent: u8) {
        self.change(node, |link| link.lost_answers = u64::from(percent));
    }

    /// Delays the changes that the node's watch reports.
    pub fn lag(&self, node: usize, lag: Duration) {
        self.change(node, |link| link.lag = lag);
    }

    /// Ends the node's watch with an error. The node watches again.
    pub fn break_watch(&self, node: usize) {
        self.change(node, |link| link.breaks += 1);
    }

    /// Ends the leases of the node at once, and with them its claims, as an operator can do it. The store breaks its promise
    /// with that: until the node receives the report, a key can have two owners. Only their tokens differ.
    pub fn expire(&self, node: usize) {
        let now = Instant::now();
        let mut state = self.settled();
        let nodes = state.links.entry(node).or_default().nodes.clone();
        nodes.iter().for_each(|node| state.end_lease(node, now));
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Ends all faults of all nodes.
    pub fn heal(&self) {
        for link in self.settled().links.values_mut() {
            *link = Link { breaks: link.breaks, nodes: std::mem::take(&mut link.nodes), ..Link::default() };
        }
        self.0.changed.notify_waiters();
    }

    /// Applies faults to the first `nodes` nodes for `span`, and then ends them. The faults and the pauses between them are
    /// drawn from the seed: all but [`expire`](ClaimStore::expire).
    ///
    /// Not cancel-safe: if the future is dropped, the faults of that moment stay.
    pub async fn chaos(&self, nodes: usize, span: Duration) {
        let end = Instant::now() + span;
        loop {
            let pause = self.draw(self.0.lease * LONGEST_PAUSE);
            if nodes == 0 || Instant::now() + pause >= end {
                break;
            }
            sleep(pause).await;
            let node = usize::try_from(self.0.rng.below(nodes as u64)).unwrap_or(0);
            match self.0.rng.below(7) {
                0 => self.heal(),
                1 | 2 => self.cut(node),
                3 => self.delay(node, Duration::ZERO..=self.draw(self.0.lease / 2)),
                4 => self.lose_answers(node, 50),
                5 => self.lag(node, self.draw(self.0.lease * 2)),
                _ => self.break_watch(node),
            }
        }
        sleep_until(end).await;
        self.heal();
    }

    fn draw(&self, below: Duration) -> Duration {
        let micros = u64::try_from(below.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.0.rng.below(micros.max(1)))
    }

    fn change(&self, node: usize, change: impl FnOnce(&mut Link)) {
        change(self.settled().links.entry(node).or_default());
        self.0.changed.notify_waiters();
    }

    /// Returns the state after everything that is due by now.
    fn settled(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(Instant::now());
        state
    }

    fn link(&self, node: usize) -> Link {
        self.settled().links.get(&node).cloned().unwrap_or_default()
    }

    /// Lets a request of a node take effect at `due`, even if the node does not wait for that.
    fn begin(&self, node: usize, id: Option<&NodeId>, due: Instant, effect: Effect) {
        let mut state = self.settled();
        state.links.entry(node).or_default().nodes.extend(id.cloned());
        state.next_request += 1;
        let number = state.next_request;
        state.requests.insert((due, number), effect);
        state.settle(Instant::now());
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Sends a request of a node, and returns its answer.
    async fn request<T: Send + 'static>(
        &self,
        node: usize,
        id: Option<&NodeId>,
        effect: impl FnOnce(&mut State, Instant) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        let Link { is_cut, delay, lost_answers, .. } = self.link(node);
        if is_cut {
            if self.0.rng.below(2) == 0 {
                return Err(RegistryError::Unreachable("the node is cut off from the store".to_owned()));
            }
            return pending().await;
        }
        let draw = || *delay.start() + self.draw(delay.end().saturating_sub(*delay.start()));
        let (due, answered) = (Instant::now() + draw(), draw());
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let effect = move |state: &mut State, now| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(effect(state, now));
        };
        self.begin(node, id, due, Box::new(effect));
        if due > Instant::now() {
            sleep_until(due).await;
            drop(self.settled());
            self.0.changed.notify_waiters();
        }
        if self.0.rng.below(100) < lost_answers {
            return pending().await;
        }
        if !answered.is_zero() {
            sleep(answered).await;
        }
        if self.link(node).is_cut {
            return pending().await;
        }
        let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.ok_or_else(|| RegistryError::Unreachable("the request had no effect".to_owned()))
    }
}

impl State {
    /// Lets everything take effect that is due by `now`, in the order of the times.
    fn settle(&mut self, now: Instant) {
        loop {
            let lease = self.leases.iter().map(|(node, end)| (*end, node.clone())).min();
            let request = self.requests.first_key_value().map(|(key, _)| key.0);
            match (lease, request) {
                (Some((end, node)), request) if end <= now && request.is_none_or(|due| end <= due) => {
                    self.end_lease(&node, end);
                }
                (_, Some(due)) if due <= now => {
                    if let Some((_, effect)) = self.requests.pop_first() {
                        effect(self, due);
                    }
                }
                _ => return,
            }
        }
    }

    /// Returns the next time at which something takes effect.
    fn next_effect(&self) -> Option<Instant> {
        let requests = self.requests.keys().next().map(|key| key.0);
        self.leases.values().copied().chain(requests).min()
    }

    fn end_lease(&mut self, node: &NodeId, at: Instant) {
        if self.leases.remove(node).is_some() {
            let ended: Vec<_> = self.claims.values().filter(|claim| claim.node == *node).cloned().collect();
            ended.into_iter().for_each(|claim| self.end(&claim, at));
        }
    }

    fn end(&mut self, claim: &Claim, at: Instant) {
        if self.claims.get(&claim.key).is_some_and(|present| present.token == claim.token) {
            self.claims.remove(&claim.key);
            self.log.push((at, Change::Ended(claim.key.clone())));
        }
    }

    fn claim(&mut self, node: NodeId, key: String, value: Vec<u8>, lease: Duration, now: Instant) -> Claimed {
        match self.claims.get(&key) {
            Some(claim) if claim.node == node && claim.value == value => Claimed::Granted(claim.clone()),
            Some(claim) => Claimed::Taken(claim.clone()),
            None => {
                self.last_token += 1;
                let claim = Claim { key: key.clone(), node: node.clone(), token: self.last_token, value };
                self.leases.entry(node).or_insert(now + lease);
                self.claims.insert(key, claim.clone());
                self.log.push((now, Change::Claimed(claim.clone())));
                Claimed::Granted(claim)
            }
        }
    }
}

/// The registry of one node.
struct Client {
    store: ClaimStore,
    node: usize,
}

impl Registry for Client {
    fn lease(&self) -> Duration {
        self.store.0.lease
    }

    async fn claim(&self, node: &NodeId, key: &str, value: &[u8]) -> Result<Claimed, RegistryError> {
        let (id, key, value, lease) = (node.clone(), key.to_owned(), value.to_owned(), self.lease());
        let effect = move |state: &mut State, now| state.claim(id, key, value, lease, now);
        self.store.request(self.node, Some(node), effect).await
    }

    async fn renew(&self, node: &NodeId) -> Result<(), RegistryError> {
        let (id, lease) = (node.clone(), self.lease());
        let effect = move |state: &mut State, now| {
            let end = state.leases.get_mut(&id).ok_or(RegistryError::LeaseLost)?;
            *end = now + lease;
            Ok(())
        };
        self.store.request(self.node, Some(node), effect).await?
    }

    async fn release(&self, claim: &Claim) -> Result<(), RegistryError> {
        let claim = claim.clone();
        self.store.request(self.node, None, move |state, now| state.end(&claim, now)).await
    }

    async fn lookup(&self, key: &str) -> Result<Option<Claim>, RegistryError> {
        let key = key.to_owned();
        self.store.request(self.node, None, move |state, _| state.claims.get(&key).cloned()).await
    }

    fn hand_over(&self) -> Option<Vec<u8>> {
        // The store has all of a node's state.
        Some(Vec::new())
    }

    fn continue_with(&self, _: &[u8]) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn watch(&self, changes: &mut Changes<'_>) -> RegistryError {
        let store = &self.store;
        let breaks = store.link(self.node).breaks;
        let mut next = None;
        loop {
            let mut changed = pin!(store.0.changed.notified());
            changed.as_mut().enable();
            let Link { is_cut, lag, breaks: breaks_now, .. } = store.link(self.node);
            if is_cut || breaks_now != breaks {
                return RegistryError::Unreachable("the watch broke".to_owned());
            }
            let (now, mut due) = (Instant::now(), Vec::new());
            let wake = {
                let state = store.settled();
                let from = *next.get_or_insert_with(|| {
                    due.push(Change::All(state.claims.values().cloned().collect()));
                    state.log.len()
                });
                let ready = state.log[from..].iter().take_while(|(at, _)| *at + lag <= now).count();
                due.extend(state.log[from..from + ready].iter().map(|(_, change)| change.clone()));
                next = Some(from + ready);
                let lagging = state.log.get(from + ready).map(|(at, _)| *at + lag);
                lagging.into_iter().chain(state.next_effect()).min()
            };
            due.into_iter().for_each(|change| changes.report(change));
            match wake {
                Some(at) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = sleep_until(at) => {}
                    }
                }
                None => changed.await,
            }
        }
    }
}

impl fmt::Debug for ClaimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimStore").field("claims", &self.claims()).finish_non_exhaustive()
    }
}
