//! Global names: one process in the whole cluster has such a name.
//!
//! A process is registered on its node. The name is a claim in the cluster's [`Registry`](super::Registry), which decides
//! who has it. A stub from [`Stub::global`] sends to the process that has the name at that moment. The
//! counterpart in OTP is [`global`](https://www.erlang.org/doc/apps/kernel/global.html).
//!
//! ```
//! use greenroom::prelude::*;
//!
//! #[actor]
//! #[derive(Default)]
//! struct Counter {
//!     last: u64,
//! }
//!
//! #[actor]
//! impl Counter {
//!     #[call]
//!     fn next(&mut self) -> u64 {
//!         self.last += 1;
//!         self.last
//!     }
//! }
//!
//! # #[greenroom::main]
//! # async fn main() -> greenroom::Result {
//! let counter = Counter::default().spawn();
//! global::register("counter", &counter).await?;
//!
//! // On any node of the cluster.
//! let counter = CounterRef::global("counter");
//! assert_eq!(counter.next().await?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! A process can have several global names. It loses them when it exits. If it loses its name while it runs, it receives an
//! exit signal with the reason [`Exit::ClaimLost`].
//!
//! A message by a global name needs no right on the owner's node: its pid is known to all nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use super::claims::{Claim, RegistryError};
use super::service::{Hold, HoldError, HoldId};
use crate::actor::Stub;
use crate::base::{Exit, Pid};
use crate::log;
use crate::node::Node;
use crate::observe::ReportKind;
use crate::process::ended;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The beginning of the keys of global names.
const PREFIX: &str = "global/";

/// The longest global name, in bytes.
const MAX_NAME: usize = 248;

/// The time that a registration takes at most, and an unregistration.
const LIMIT: Duration = Duration::from_secs(5);

/// The reason why a process was not registered or unregistered under a global name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GlobalNameError {
    /// This process has the name, or is about to get it.
    Taken(Pid),
    /// The process has ended, or is on another node.
    NoProc,
    /// The name is not valid. It has 1 to 248 bytes.
    Invalid,
    /// No process of this node has the name.
    Unknown(String),
    /// The registry did not grant the name within 5 s.
    Registry(RegistryError),
    /// The node stops.
    Stopped,
}

/// Registers a process of the current node under a global name. Resolves within 5 s, with the fencing token of the name: it
/// is greater than those of all earlier owners. See [`Registry`](super::Registry#fencing).
///
/// The name is free again when the process exits. The other nodes see the name a moment after this resolves.
///
/// Cancel-safe: if the future is dropped, the process does not get the name.
///
/// # Errors
/// - [`Taken`](GlobalNameError::Taken): the name has an owner, with its pid.
/// - [`NoProc`](GlobalNameError::NoProc): the process has exited, or is on another node.
/// - [`Invalid`](GlobalNameError::Invalid): the name is empty or too long.
/// - [`Registry`](GlobalNameError::Registry): the registry cannot be reached, or refuses.
///
/// # Panics
/// Outside of any node, like [`Node::current`]. Use [`Node::register_global`] there.
#[track_caller]
pub fn register<S: Stub>(
    name: &str,
    process: &S,
) -> impl Future<Output = Result<u64, GlobalNameError>> + Send + use<S> {
    let node = Node::current();
    let (name, process) = (name.to_owned(), process.clone());
    async move { node.register_global(&name, &process).await }
}

/// Removes a global name from a process of the current node. Resolves when the name is free, within 5 s.
///
/// If the future is dropped, the name is removed all the same.
///
/// # Errors
/// - [`Unknown`](GlobalNameError::Unknown): no process of this node has the name.
/// - [`Registry`](GlobalNameError::Registry): the registry cannot be reached. The name is removed later, at the latest when
///   the lease of the node ends.
///
/// # Panics
/// Outside of any node, like [`Node::current`]. Use [`Node::unregister_global`] there.
#[track_caller]
pub fn unregister(name: &str) -> impl Future<Output = Result<(), GlobalNameError>> + Send + use<> {
    let (node, name) = (Node::current(), name.to_owned());
    async move { node.unregister_global(&name).await }
}

/// Returns the process that has a global name, in the view of the current node: a local read.
///
/// # Panics
/// Outside of any node, like [`Node::current`]. Use [`Node::lookup_global`] there.
#[track_caller]
pub fn lookup(name: &str) -> Option<Pid> {
    Node::current().lookup_global(name)
}

#[cfg(feature = "registry")]
impl Node {
    /// Registers a process of this node under a global name, as [`global::register`](register).
    ///
    /// # Errors
    /// Those of [`global::register`](register).
    pub async fn register_global<S: Stub>(&self, name: &str, process: &S) -> Result<u64, GlobalNameError> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(GlobalNameError::Invalid);
        }
        let pid = process.pid().filter(|pid| pid.belongs_to(self.id())).ok_or(GlobalNameError::NoProc)?;
        self.table().get(pid.number()).ok_or(GlobalNameError::NoProc)?;
        // The task that removes the name of a process after its exit may not have run yet.
        drop(self.claims().registrations.take_ended(self, |registered| registered == name));
        self.claim_name(name, pid).await
    }

    /// Requests the claim on a global name for a process, and holds it until the process exits.
    fn claim_name(&self, name: &str, pid: Pid) -> impl Future<Output = Result<u64, GlobalNameError>> + Send + use<> {
        let (node, name, number) = (self.clone(), name.to_owned(), pid.number());
        if let Some(cell) = self.table().get(number) {
            // The messages of other nodes are for its pid, and come as soon as the claim is granted.
            cell.export_pid();
        }
        let held = node.claims().hold(&key_of(&name), number.to_be_bytes().to_vec(), LIMIT);
        async move { node.keep_name(&name, pid, held.await?) }
    }

    fn keep_name(&self, name: &str, pid: Pid, hold: Hold) -> Result<u64, GlobalNameError> {
        let number = pid.number();
        let exit = ended(self, pid);
        let cell = self.table().get(number).ok_or(GlobalNameError::NoProc)?;
        if !cell.is_alive(number) {
            return Err(GlobalNameError::NoProc);
        }
        let (id, token, lost) = (hold.id(), hold.token(), hold.lost_or_dropped());
        self.claims().registrations.insert(name, Registration { process: number, hold });
        let (node, name) = (self.clone(), name.to_owned());
        self.spawner().spawn(async move {
            let loss = tokio::select! {
                biased;
                _ = exit => None,
                loss = lost => loss,
            };
            if let Some(loss) = loss {
                node.report(ReportKind::Claims, || {
                    log::warn!(target: "greenroom", node = %node.name(), name = %log::Escaped(&name), ?loss, "a global name is lost");
                });
                node.send_exit(number, Exit::claim_lost(key_of(&name)));
            }
            node.claims().registrations.remove(&name, id);
        });
        Ok(token)
    }

    /// Removes a global name from a process of this node, as [`global::unregister`](unregister).
    ///
    /// # Errors
    /// Those of [`global::unregister`](unregister).
    pub async fn unregister_global(&self, name: &str) -> Result<(), GlobalNameError> {
        let claims = self.claims();
        let taken = claims.registrations.take(name).ok_or_else(|| GlobalNameError::Unknown(name.to_owned()))?;
        drop(taken);
        let key = key_of(name);
        if claims.released(&key, LIMIT).await { Ok(()) } else { Err(HoldError::Timeout.into()) }
    }

    /// Resolves when the registry has no names of processes of this node that have exited, or after `limit`. Cancel-safe.
    pub(crate) async fn ended_names_released(&self, limit: Duration) {
        #[cfg(feature = "upgrade")]
        if self.has_successor() {
            // Which decides on the names.
            return;
        }
        let claims = self.claims();
        drop(claims.registrations.take_ended(self, |_| true));
        let released = async {
            for key in claims.all_pending(PREFIX) {
                claims.released(&key, limit).await;
            }
        };
        self.clock().within(Some(limit), released).await;
    }

    /// Returns the process that has a global name, in the view of this node: a local read.
    pub fn lookup_global(&self, name: &str) -> Option<Pid> {
        // A process of this node that has exited is removed from the names a moment later.
        let exists = |pid: &Pid| !pid.belongs_to(self.id()) || self.table().get(pid.number()).is_some();
        self.global_names().find(name).filter(exists)
    }

    /// Returns the global names in the view of this node, sorted, with their processes.
    ///
    /// From [`registered_names/0`](https://www.erlang.org/doc/apps/kernel/global.html#registered_names/0).
    pub fn global_registrations(&self) -> Vec<(String, Pid)> {
        self.global_names().all().into_iter().map(|(name, pid)| (name.to_string(), pid)).collect()
    }
}

/// Registers processes that continue in the successor of a node under their global names again. `is_continued` states whether
/// a process with this number continues.
#[cfg(feature = "upgrade")]
pub(crate) fn register_again(node: &Node, is_continued: impl Fn(u64) -> bool) {
    for claim in node.claims().all_continued(PREFIX) {
        let Some(pid) = pid_of(&claim).filter(|pid| is_continued(pid.number())) else { continue };
        let (node, name) = (node.clone(), claim.key[PREFIX.len()..].to_owned());
        let registered = node.claim_name(&name, node.pid(pid.number()));
        node.spawner().spawn(async move {
            if let Err(error) = registered.await {
                log::warn!(
                    target: "greenroom", name = %log::Escaped(&name), error = %log::Escaped(error),
                    "a process of the predecessor does not keep its global name"
                );
            }
        });
    }
}

fn key_of(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Returns the process that a claim on a global name describes.
fn pid_of(claim: &Claim) -> Option<Pid> {
    let number = u64::from_be_bytes(claim.value.as_slice().try_into().ok()?);
    Some(Pid::new(Arc::new(claim.node.clone()), number))
}

/// Sets the owner of the global name with this key. Returns the name, or `None` for another key.
pub(super) fn publish<'k>(node: &Node, key: &'k str, claim: Option<&Claim>) -> Option<&'k str> {
    let name = key.strip_prefix(PREFIX)?;
    node.global_names().set(name, claim.and_then(pid_of));
    Some(name)
}

/// The global names of a node's processes.
#[derive(Default)]
pub(super) struct Registrations(Mutex<BTreeMap<String, Registration>>);

struct Registration {
    process: u64,
    hold: Hold,
}

// Each hold is dropped without the lock: its drop has effects.
impl Registrations {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Registration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, name: &str, registration: Registration) {
        let lost = self.lock().insert(name.to_owned(), registration);
        drop(lost);
    }

    fn take(&self, name: &str) -> Option<Registration> {
        self.lock().remove(name)
    }

    /// Takes the registrations of processes that have exited, under names that `wanted` accepts.
    fn take_ended(&self, node: &Node, wanted: impl Fn(&str) -> bool) -> Vec<Registration> {
        let is_alive = |process: u64| node.table().get(process).is_some_and(|cell| cell.is_alive(process));
        let mut names = self.lock();
        names.extract_if(.., |name, taken| wanted(name) && !is_alive(taken.process)).map(|(_, taken)| taken).collect()
    }

    /// Removes the registration with this hold, unless the name has a later one.
    fn remove(&self, name: &str, id: HoldId) {
        let mut names = self.lock();
        let is_same = names.get(name).is_some_and(|registration| registration.hold.id() == id);
        let removed = if is_same { names.remove(name) } else { None };
        drop(names);
        drop(removed);
    }
}

impl From<HoldError> for GlobalNameError {
    fn from(error: HoldError) -> GlobalNameError {
        match error {
            HoldError::Taken(claim) => match pid_of(&claim) {
                Some(pid) => GlobalNameError::Taken(pid),
                None => {
                    GlobalNameError::Registry(RegistryError::Refused("the key has another kind of owner".to_owned()))
                }
            },
            HoldError::Registry(error) => GlobalNameError::Registry(error),
            HoldError::Timeout => {
                GlobalNameError::Registry(RegistryError::Unreachable("no answer within 5 s".to_owned()))
            }
            HoldError::Stopped => GlobalNameError::Stopped,
        }
    }
}

impl fmt::Display for GlobalNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GlobalNameError::Taken(pid) => write!(f, "the global name belongs to {pid}"),
            GlobalNameError::NoProc => f.write_str("the process to name does not exist on this node"),
            GlobalNameError::Invalid => write!(f, "invalid global name: expected 1 to {MAX_NAME} bytes"),
            GlobalNameError::Unknown(name) => {
                write!(f, "no process of this node has the global name `{}`", name.escape_debug())
            }
            GlobalNameError::Registry(error) => error.fmt(f),
            GlobalNameError::Stopped => f.write_str("the node stops"),
        }
    }
}

impl error::Error for GlobalNameError {}
