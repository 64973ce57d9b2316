//! The nodes on which the processes of a sharded actor run.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use super::handle::{MAX_NAME, Sharded};
use super::hosting::Hosting;
use super::moving::keep_slots;
use super::sharding::{PAUSE, Sharding};
use crate::actor::{Actor, Constructor, Handle};
use crate::node::{Node, Service};
use crate::process::protocol_definition;
use crate::registry::rendezvous::hash;
use crate::registry::service::{Hold, HoldError};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The options of a node that is about to host a sharded actor; from [`Sharded::host`].
#[must_use = "the node hosts the actor after `.start().await`"]
pub struct Host<A: Actor> {
    sharded: Sharded<A>,
    make: Box<dyn FnOnce(Option<Duration>) -> Hosting + Send>,
    idle: Option<Duration>,
    version: String,
}

/// A sharded actor that this node hosts.
///
/// Dropping it has no effect: the node hosts the actor until it stops.
pub struct Hosted {
    service: Arc<HostService>,
}

/// The reason why a node does not host a sharded actor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The name is not valid: it has 1 to 100 bytes and no slash.
    Invalid,
    /// The node uses this name for an actor with another protocol.
    OtherProtocol(String),
    /// The node hosts this actor already.
    AlreadyHosted(String),
    /// The registry did not grant the claim of the host within 5 s.
    Registry(String),
    /// The node stops.
    Stopped,
}

/// The time between two looks at the states that other nodes collect.
const LOOK: Duration = Duration::from_millis(20);
/// The time in which the registry grants the claim of a host.
const LIMIT: Duration = Duration::from_secs(5);
/// The time in which processes end at the stop of a host, before they are killed.
const STOP_TIME: Duration = Duration::from_secs(5);

impl<A: Handle + Send> Sharded<A>
where
    A: crate::actor::Process,
{
    /// Lets this node host the actor: processes for keys run here. `make` returns the value from which the process of a key
    /// is started: the actor, or what its `#[init]` function returns, such as `Room::open`.
    ///
    /// The actor is one with `#[actor]` on its impl. `make` is called by the sender of the first message; code that waits
    /// belongs into the `#[init]` function.
    ///
    /// # Start and end of a process
    /// - The first message for a key starts its process. If `#[init]` fails, the message is lost, and the next one starts
    ///   another process. A process that crashes loses its mailbox, as every process does. The next message starts another
    ///   one.
    /// - With [`idle`](Host::idle), a process ends when it was idle for that time.
    /// - When the slot moves to another node, the process handles all messages that it has received, and ends. Later messages
    ///   wait, and start the process on the other node.
    ///
    /// At each end in order the hook `#[terminate]` runs. It is the place to save the state; without it the state is lost.
    /// No other process of the key starts before it has returned. It has 30 s at a move, and 5 s at the stop of the node.
    pub fn host<C>(&self, make: impl Fn(String) -> C + Send + Sync + 'static) -> Host<A>
    where
        C: Constructor<Actor = A>,
    {
        Host {
            sharded: self.clone(),
            make: Box::new(move |idle| Hosting::new(make, idle)),
            idle: None,
            version: String::new(),
        }
    }
}

impl<A: Actor> Host<A> {
    /// Ends a process that has handled all its messages and receives none for this time, or up to a quarter longer. The
    /// next message starts it again. By default a process does not end when it is idle.
    pub fn idle(mut self, time: Duration) -> Host<A> {
        self.idle = Some(time);
        self
    }

    /// Sets the version of the program. While the hosts of an actor have several versions, as during a rolling upgrade, no
    /// slot moves. A change of the actor's protocol is a change of version by itself.
    pub fn version(mut self, version: impl Into<String>) -> Host<A> {
        self.version = version.into();
        self
    }

    /// Begins to host the actor. Resolves when the cluster's registry lists this node as a host, within 5 s.
    ///
    /// The slots whose home is this node move here, at most 64 of each node at a time. The oldest host gives up its slots
    /// last.
    ///
    /// Not cancel-safe: if the future is dropped, the node may host the actor all the same.
    ///
    /// # Errors
    /// See [`HostError`].
    pub async fn start(self) -> Result<Hosted, HostError> {
        let Host { sharded, make, idle, version } = self;
        let (node, name) = (sharded.node(), sharded.name().to_string());
        let Some(sharding) = sharded.sharding() else {
            let is_valid = !name.is_empty() && name.len() <= MAX_NAME && !name.contains('/');
            return Err(if is_valid { HostError::OtherProtocol(name) } else { HostError::Invalid });
        };
        let definition = protocol_definition::<A::Protocol>(node).and_then(|own| own.get().ok());
        let version = hash(version.as_bytes()) ^ definition.map_or(0, |definition| definition.fingerprint);
        let service = Arc::new(HostService {
            node: node.clone(),
            sharding: Arc::clone(sharding),
            version: version.to_be_bytes().to_vec(),
            claim: Mutex::default(),
        });
        let admitted = node.services().admit(|_| {
            let mut hosting = sharding.hosting.write().unwrap_or_else(PoisonError::into_inner);
            if hosting.is_some() || sharding.has_slots() {
                return Err(HostError::AlreadyHosted(name));
            }
            *hosting = Some(Arc::new(make(idle)));
            Ok(service)
        });
        let service = admitted.unwrap_or(Err(HostError::Stopped))?;
        if let Err(error) = service.claim().await {
            Service::stop(Arc::clone(&service) as Arc<dyn Service>).await;
            return Err(error);
        }
        node.spawner().spawn(keep_claim(Arc::clone(&service)));
        node.spawner().spawn(keep_slots(Arc::clone(sharding), node.downgrade()));
        Ok(Hosted { service })
    }
}

impl Hosted {
    /// Ends to host the actor: its processes end in order, and other nodes take over its slots. Resolves after that.
    ///
    /// If the future is dropped, hosting ends all the same.
    pub fn stop(self) -> impl Future<Output = ()> + Send {
        let (stopped, result) = tokio::sync::oneshot::channel();
        let service = Arc::clone(&self.service);
        let stop = Service::stop(Arc::clone(&service) as Arc<dyn Service>);
        service.node.spawner().spawn(async move {
            stop.await;
            // Fails if the future was dropped.
            let _ = stopped.send(());
        });
        async move { result.await.unwrap_or(()) }
    }

    /// Returns the keys that have a process on this node, in no particular order.
    pub fn keys(&self) -> Vec<String> {
        let prefix = self.service.sharding.name.len() + 2;
        let keys = self.service.sharding.local_names();
        keys.iter().filter_map(|name| name.get(prefix..)).map(str::to_owned).collect()
    }
}

/// A sharded actor on a node that hosts it. The node stops it before its processes.
struct HostService {
    node: Node,
    sharding: Arc<Sharding>,
    version: Vec<u8>,
    claim: Mutex<HostClaim>,
}

/// The claim of a host.
#[derive(Default)]
struct HostClaim {
    hold: Option<Hold>,
    /// The node does not host the actor any more.
    is_stopped: bool,
}

impl HostService {
    fn key(&self) -> String {
        format!("host/{}/{}", self.sharding.name, self.node.name())
    }

    /// Lists this node as a host.
    async fn claim(&self) -> Result<(), HostError> {
        let hold = self.node.claims().hold(&self.key(), self.version.clone(), LIMIT).await?;
        let mut claim = self.lock();
        // Dropped without the lock: that has effects.
        let unused = if claim.is_stopped { Some(hold) } else { claim.hold.replace(hold) };
        drop(claim);
        drop(unused);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HostClaim> {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists the node as a host again when its claim was lost.
async fn keep_claim(service: Arc<HostService>) {
    let clock = Arc::clone(service.node.clock());
    loop {
        let lost = service.lock().hold.as_ref().map(Hold::lost_or_dropped);
        if let Some(lost) = lost {
            lost.await;
        }
        if service.lock().is_stopped {
            return;
        }
        if service.claim().await.is_err() {
            clock.sleep_until(clock.now() + PAUSE).await;
        }
    }
}

impl Service for HostService {
    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let sharding = Arc::clone(&self.sharding);
        let hosting = sharding.hosting.write().unwrap_or_else(PoisonError::into_inner).take();
        // Other nodes are the homes of the slots from now on.
        let mut claim = self.lock();
        claim.is_stopped = true;
        let hold = claim.hold.take();
        drop(claim);
        drop(hold);
        sharding.leave_all(&self.node, STOP_TIME, hosting.is_some_and(|hosting| hosting.is_portable));
        Box::pin(async move {
            let clock = Arc::clone(self.node.clock());
            while sharding.has_slots() {
                clock.within(Some(PAUSE), sharding.changed.notified()).await;
            }
            // The next owners collect the states from this node.
            let deadline = clock.now() + STOP_TIME;
            while sharding.keeps_states() && clock.now() < deadline {
                clock.sleep_until(clock.now() + LOOK).await;
            }
            self.node.services().remove(&(self.clone() as Arc<dyn Service>));
        })
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl From<HoldError> for HostError {
    fn from(error: HoldError) -> HostError {
        match error {
            HoldError::Stopped => HostError::Stopped,
            HoldError::Registry(error) => HostError::Registry(error.to_string()),
            HoldError::Taken(claim) => HostError::Registry(format!("the claim belongs to {}", claim.node)),
            HoldError::Timeout => HostError::Registry("no answer within 5 s".to_owned()),
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Invalid => {
                write!(f, "invalid name of a sharded actor: expected 1 to {MAX_NAME} bytes and no slash")
            }
            HostError::OtherProtocol(name) => {
                write!(f, "this node uses the name `{}` for an actor with another protocol", name.escape_debug())
            }
            HostError::AlreadyHosted(name) => {
                write!(f, "this node hosts the actor `{}` already", name.escape_debug())
            }
            HostError::Registry(reason) => write!(f, "the registry did not list this node as a host: {reason}"),
            HostError::Stopped => f.write_str("the node stops"),
        }
    }
}

impl error::Error for HostError {}

impl<A: Actor> fmt::Debug for Host<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("sharded", &self.sharded).field("idle", &self.idle).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted").field("name", &self.service.sharding.name).finish_non_exhaustive()
    }
}
