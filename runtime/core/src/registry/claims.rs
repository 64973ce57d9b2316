//! The interface to a store of claims.

use std::future::Future;
use std::time::Duration;
use std::{error, fmt};

use crate::base::NodeId;
use crate::net::BoxFuture;
use crate::node::Node;

/// A store of claims on keys. A key has at most one claim at a time: that of the node which owns it.
///
/// Global names and applications with failover are claims. [`NodeBuilder::registry`](crate::NodeBuilder::registry) gives a node
/// its registry. All nodes of a cluster use the same one. The node calls these functions; programs have no need to.
///
/// # Leases
/// Claims of a node last for [`lease`](Registry::lease) after the node's last [`renew`](Registry::renew). The node renews
/// them three times in that period. It gives its claims up on its own side before the lease ends, counted from the moment
/// at which it *began* the last renewal that succeeded. So a registry must count the lease from no earlier moment.
///
/// # Fencing
/// Each claim has a token. The token of a later claim on a key is greater than those of all earlier claims on it. A resource
/// that remembers the greatest token can refuse an owner that has lost its claim and does not know yet
/// (Kleppmann, *How to do distributed locking*, 2016).
///
/// # Cancellation
/// The node drops a future that lasts too long, for example that of a `claim`. The request may still take effect. The node
/// then repeats it, or releases the claim when [`watch`](Registry::watch) shows it.
pub trait Registry: Send + Sync + 'static {
    /// Begins to serve a node, before all other functions are called. Does nothing by default.
    fn attach(&self, node: &Node) {
        let _ = node;
    }

    /// Returns the time for which a node's claims last without renewal.
    fn lease(&self) -> Duration;

    /// Claims `key` for `node`. `value` describes the owner on the node. A node's first claim begins its lease.
    ///
    /// A repeated request is granted: if the node has a claim on the key with the same value already, this returns that
    /// claim.
    ///
    /// # Errors
    /// The registry cannot be reached, or refuses the request. The claim may exist all the same. With
    /// [`LeaseLost`](RegistryError::LeaseLost) the node has no claims any more.
    fn claim(
        &self,
        node: &NodeId,
        key: &str,
        value: &[u8],
    ) -> impl Future<Output = Result<Claimed, RegistryError>> + Send;

    /// Prolongs all claims of the node.
    ///
    /// # Errors
    /// [`LeaseLost`](RegistryError::LeaseLost) if the lease has ended: the node has no claims any more. With another error the
    /// node tries again until it gives its claims up.
    fn renew(&self, node: &NodeId) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// Ends this claim, by its token, if it exists still. A later claim on its key is not changed, so a request that is
    /// repeated or late does no harm.
    ///
    /// # Errors
    /// The registry cannot be reached. The claim may exist still.
    fn release(&self, claim: &Claim) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// Returns the claim on the key at present: not an earlier state.
    ///
    /// # Errors
    /// The registry cannot be reached.
    fn lookup(&self, key: &str) -> impl Future<Output = Result<Option<Claim>, RegistryError>> + Send;

    /// Reports all claims, and then each change of them in order, until the registry cannot be reached any more. The node
    /// then calls it again.
    ///
    /// # Errors
    /// Returns only with an error: the reason for the end.
    fn watch(&self, changes: &mut Changes<'_>) -> impl Future<Output = RegistryError> + Send;

    /// Returns the state of this registry with which the successor of the node's process continues its claims, in a live
    /// upgrade. The claims stay as they are: this process makes no request from then on, unless the upgrade fails. `None`,
    /// the default, means that the claims of the process end, and its successor claims anew.
    fn hand_over(&self) -> Option<Vec<u8>> {
        None
    }

    /// Continues with the state that [`hand_over`](Registry::hand_over) has returned in the predecessor of this process. Called
    /// at most once, after [`attach`](Registry::attach).
    ///
    /// # Errors
    /// The state cannot be used. The successor claims anew then.
    fn continue_with(&self, state: &[u8]) -> Result<(), RegistryError> {
        let _ = state;
        Err(RegistryError::Refused("the registry does not continue claims".to_owned()))
    }
}

/// A claim on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key: 1 to 255 bytes.
    pub key: String,
    /// The node that owns the key.
    pub node: NodeId,
    /// The fencing token. See [`Registry`].
    pub token: u64,
    /// The description of the owner on the node: at most 1,024 bytes.
    pub value: Vec<u8>,
}

/// The result of [`Registry::claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The node owns the key.
    Granted(Claim),
    /// The key has another claim.
    Taken(Claim),
}

/// A change of the claims. See [`Registry::watch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These claims exist, and no others.
    All(Vec<Claim>),
    /// A key has a new claim.
    Claimed(Claim),
    /// The claim on this key has ended.
    Ended(String),
}

/// The receiver of the changes that [`Registry::watch`] reports.
pub struct Changes<'a>(&'a mut (dyn FnMut(Change) + Send));

impl<'a> Changes<'a> {
    /// Returns a receiver that calls this function with each change: for the tests of a registry.
    pub fn new(receive: &'a mut (dyn FnMut(Change) + Send)) -> Changes<'a> {
        Changes(receive)
    }

    /// Reports a change.
    pub fn report(&mut self, change: Change) {
        (self.0)(change);
    }
}

/// The reason why a registry did not do as requested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry cannot be reached, or did not answer in time.
    Unreachable(String),
    /// The lease of the node's claims has ended. The claims are gone.
    LeaseLost,
    /// The registry does not accept the request: it requires other credentials, for example, or is full.
    Refused(String),
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryError::Unreachable(reason) => write!(f, "the registry cannot be reached: {reason}"),
            RegistryError::LeaseLost => f.write_str("the lease of the node's claims has ended"),
            RegistryError::Refused(reason) => write!(f, "the registry refused the request: {reason}"),
        }
    }
}

impl error::Error for RegistryError {}

/// [`Registry`] for trait objects.
pub(crate) trait DynRegistry: Send + Sync {
    fn lease(&self) -> Duration;
    fn claim<'a>(
        &'a self,
        node: &'a NodeId,
        key: &'a str,
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Claimed, RegistryError>>;
    fn renew<'a>(&'a self, node: &'a NodeId) -> BoxFuture<'a, Result<(), RegistryError>>;
    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<(), RegistryError>>;
    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Claim>, RegistryError>>;
    fn watch<'a>(&'a self, changes: &'a mut Changes<'_>) -> BoxFuture<'a, RegistryError>;
    #[cfg(feature = "upgrade")]
    fn hand_over(&self) -> Option<Vec<u8>>;
    #[cfg(feature = "upgrade")]
    fn continue_with(&self, state: &[u8]) -> Result<(), RegistryError>;
}

impl<R: Registry> DynRegistry for R {
    fn lease(&self) -> Duration {
        Registry::lease(self)
    }

    fn claim<'a>(
        &'a self,
        node: &'a NodeId,
        key: &'a str,
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Claimed, RegistryError>> {
        Box::pin(Registry::claim(self, node, key, value))
    }

    fn renew<'a>(&'a self, node: &'a NodeId) -> BoxFuture<'a, Result<(), RegistryError>> {
        Box::pin(Registry::renew(self, node))
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<(), RegistryError>> {
        Box::pin(Registry::release(self, claim))
    }

    fn lookup<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Claim>, RegistryError>> {
        Box::pin(Registry::lookup(self, key))
    }

    fn watch<'a>(&'a self, changes: &'a mut Changes<'_>) -> BoxFuture<'a, RegistryError> {
        Box::pin(Registry::watch(self, changes))
    }

    #[cfg(feature = "upgrade")]
    fn hand_over(&self) -> Option<Vec<u8>> {
        Registry::hand_over(self)
    }

    #[cfg(feature = "upgrade")]
    fn continue_with(&self, state: &[u8]) -> Result<(), RegistryError> {
        Registry::continue_with(self, state)
    }
}
