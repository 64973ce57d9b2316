//! The processes that a predecessor has handed over to this node, until their places in the trees take them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::record::{DefinitionRecord, ProcessRecord};
#[cfg(unix)]
use super::restarts::Restarts;
use crate::base::{Exit, ReceivedDefinition};
use crate::sched::Clock;
use crate::signal::RelationsRecord;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The processes that were handed over to one node.
#[derive(Default)]
pub(crate) struct HandedOver {
    state: Mutex<State>,
    /// Notified when the root of a tree has started.
    started: Notify,
}

/// A process that was handed over and has its place.
pub(crate) struct TakenProcess {
    pub(crate) number: u64,
    pub(crate) relations: RelationsRecord,
    pub(crate) groups: Vec<String>,
}

/// The time for which the start of another tree is awaited.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    /// Those that no place has taken yet, by number.
    waiting: HashMap<u64, ProcessRecord>,
    /// The numbers of those with a path.
    by_path: HashMap<String, u64>,
    /// The number of a supervised child over its restarts, by its path.
    child_numbers: HashMap<String, u64>,
    /// The processes and children that other nodes may reach.
    exported: HashSet<u64>,
    definitions: HashMap<u64, Arc<ReceivedDefinition>>,
    /// The roots of trees that have not started yet.
    roots: HashSet<u64>,
    taken: Vec<TakenProcess>,
    /// The claims of the node, for the registry.
    claims: Option<Vec<u8>>,
    /// Those that have a place and start anew there.
    #[cfg(unix)]
    restarts: Restarts,
    /// The reason why the predecessor has to serve on.
    refusal: Option<String>,
}

impl HandedOver {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_definition(&self, definition: DefinitionRecord) {
        let definition = Arc::new(definition.into_definition());
        self.lock().definitions.insert(definition.fingerprint, Arc::new(ReceivedDefinition::new(definition)));
    }

    pub(crate) fn add(&self, process: ProcessRecord) {
        let mut state = self.lock();
        if let Some(path) = &process.path {
            state.by_path.insert(path.clone(), process.number);
            if let Some(child) = process.child_number {
                state.child_numbers.insert(path.clone(), child);
            }
        }
        if process.is_root {
            state.roots.insert(process.number);
        }
        state.waiting.insert(process.number, process);
    }

    /// Notes the processes and children that other nodes could reach.
    pub(crate) fn add_exported(&self, numbers: impl IntoIterator<Item = u64>) {
        self.lock().exported.extend(numbers);
    }

    pub(crate) fn add_claims(&self, claims: Vec<u8>) {
        self.lock().claims = Some(claims);
    }

    /// Takes the claims of the node. Only once.
    #[cfg(feature = "registry")]
    pub(crate) fn take_claims(&self) -> Option<Vec<u8>> {
        self.lock().claims.take()
    }

    /// Returns whether there are claims that were not taken.
    #[cfg(feature = "registry")]
    pub(crate) fn has_claims(&self) -> bool {
        self.lock().claims.is_some()
    }

    /// Takes the process with this number.
    pub(crate) fn take(&self, number: u64) -> Option<ProcessRecord> {
        let mut state = self.lock();
        let process = state.waiting.remove(&number)?;
        let (relations, groups) = (process.relations.clone(), process.groups.clone());
        state.taken.push(TakenProcess { number, relations, groups });
        Some(process)
    }

    /// Takes the root of the first tree with this path, which is followed by a number if another tree had it before.
    pub(crate) fn take_root(&self, path: &str) -> Option<ProcessRecord> {
        let state = self.lock();
        let has_path = |other: &str| {
            let rest = other.strip_prefix(path)?;
            (rest.is_empty() || rest.strip_prefix('#')?.parse::<u64>().is_ok()).then_some(())
        };
        let roots = state
            .by_path
            .iter()
            .filter(|(path, number)| has_path(path).is_some() && state.waiting.contains_key(number));
        let number = roots.map(|(_, number)| *number).min()?;
        drop(state);
        self.take(number)
    }

    /// Notes that the root of a tree has started, or has failed to.
    pub(crate) fn root_started(&self, number: u64) {
        self.lock().roots.remove(&number);
        self.started.notify_waiters();
    }

    /// Resolves when the roots of all trees have started, or when none has for a while: this release may not have them any
    /// more. Cancel-safe.
    pub(crate) async fn trees_started(&self, clock: Arc<dyn Clock>) {
        loop {
            let started = self.started.notified();
            if self.lock().roots.is_empty() || clock.within(Some(PATIENCE), started).await.is_none() {
                return;
            }
        }
    }

    /// Returns the number that identifies the supervised child with this path over its restarts.
    pub(crate) fn child_number(&self, path: &str) -> Option<u64> {
        self.lock().child_numbers.get(path).copied()
    }

    pub(crate) fn is_exported(&self, number: u64) -> bool {
        self.lock().exported.contains(&number)
    }

    pub(crate) fn definition(&self, fingerprint: u64) -> Option<Arc<ReceivedDefinition>> {
        self.lock().definitions.get(&fingerprint).cloned()
    }

    /// Notes that a process starts anew in its place.
    pub(crate) fn restarts_anew(&self, path: &str, reason: &Exit) {
        #[cfg(unix)]
        self.lock().restarts.add(path, &reason.to_string());
        #[cfg(not(unix))]
        let _ = (path, reason);
    }

    /// Returns the processes that start anew, as of now: those that were noted, and those without a place.
    #[cfg(unix)]
    pub(crate) fn restarts(&self) -> Restarts {
        let state = self.lock();
        let mut restarts = state.restarts.clone();
        for process in state.waiting.values() {
            let number = || format!("process {}", process.number);
            restarts.add(&process.path.clone().unwrap_or_else(number), "it has no place in this release");
        }
        restarts
    }

    /// Cancels the upgrade: a process whose option is `otherwise = refuse` cannot continue.
    pub(crate) fn refuse(&self, path: &str, reason: &Exit) {
        self.lock().refusal.get_or_insert_with(|| format!("{path}: {reason}"));
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        self.lock().refusal.clone()
    }

    /// Ends the take-over: returns the processes that were taken, and those that were not.
    pub(crate) fn finish(&self) -> (Vec<TakenProcess>, Vec<ProcessRecord>) {
        let State { waiting, taken, .. } = std::mem::take(&mut *self.lock());
        (taken, waiting.into_values().collect())
    }
}
