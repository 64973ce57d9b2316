//! The leases of the nodes that use this registry: one for each, from its first claim on.

use std::collections::HashMap;
use std::time::Duration;

use greenroom::registry::RegistryError;
use greenroom::{NodeId, NodeName};
use serde_json::json;
use tokio::sync::Mutex;

use crate::answer::{Grant, KeepAlive, Range};
use crate::client::Client;
use crate::error::Failure;

/// The leases by node. The lock is held while a lease begins, so that each node has one.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<NodeName, Lease>>);

struct Lease {
    incarnation: u64,
    id: u64,
    /// The node counts the lease: from a claim or renewal that has succeeded. Before, a request may have begun the lease
    /// whose answer the node did not receive. The node would count from its next request, later than etcd.
    is_counted: bool,
}

impl Leases {
    /// Returns the lease of the node. Begins one if it has none. etcd counts the lease from no earlier moment than the node.
    pub(crate) async fn begin(&self, client: &Client, node: &NodeId, period: Duration) -> Result<u64, RegistryError> {
        let mut leases = self.0.lock().await;
        if let Some(lease) = leases.get(&node.name).filter(|lease| lease.incarnation == node.incarnation) {
            let id = lease.id;
            if lease.is_counted || keep_alive(client, id).await? {
                return Ok(id);
            }
        }
        let seconds = period.as_secs() + u64::from(period.subsec_nanos() > 0);
        let granted: Grant = client.call("lease/grant", &json!({ "TTL": seconds })).await?;
        if granted.id == 0 || granted.ttl < seconds {
            return Err(RegistryError::Refused(format!("a lease of {} s in place of {seconds} s", granted.ttl)));
        }
        let lease = Lease { incarnation: node.incarnation, id: granted.id, is_counted: false };
        leases.insert(node.name.clone(), lease);
        Ok(granted.id)
    }

    /// Notes that a request of the node with this lease succeeds.
    pub(crate) async fn count(&self, node: &NodeId, id: u64) {
        if let Some(lease) = self.0.lock().await.get_mut(&node.name).filter(|lease| lease.id == id) {
            lease.is_counted = true;
        }
    }

    /// Removes the lease, which has ended.
    pub(crate) async fn forget(&self, node: &NodeId, id: u64) {
        let mut leases = self.0.lock().await;
        if leases.get(&node.name).is_some_and(|lease| lease.id == id) {
            leases.remove(&node.name);
        }
    }

    /// Returns the leases, for the successor of this process.
    ///
    /// `None` while a lease begins.
    pub(crate) fn record(&self) -> Option<Vec<(NodeId, u64)>> {
        let leases = self.0.try_lock().ok()?;
        let lease = |(name, lease): (&NodeName, &Lease)| {
            (NodeId { name: name.clone(), incarnation: lease.incarnation }, lease.id)
        };
        Some(leases.iter().map(lease).collect())
    }

    /// Continues the leases of the predecessor of this process. A renewal finds out whether they have ended.
    pub(crate) fn continue_with(&self, leases: Vec<(NodeId, u64)>) {
        // No request has begun yet, so the lock is free.
        if let Ok(mut all) = self.0.try_lock() {
            let lease =
                |(node, id): (NodeId, u64)| (node.name, Lease { incarnation: node.incarnation, id, is_counted: false });
            all.extend(leases.into_iter().map(lease));
        }
    }

    /// Prolongs the lease of the node.
    pub(crate) async fn renew(&self, client: &Client, node: &NodeId) -> Result<(), RegistryError> {
        let lease = self.0.lock().await.get(&node.name).map(|lease| (lease.incarnation, lease.id));
        let Some((_, id)) = lease.filter(|(incarnation, _)| *incarnation == node.incarnation) else {
            return Err(RegistryError::LeaseLost);
        };
        if keep_alive(client, id).await? {
            self.count(node, id).await;
            Ok(())
        } else {
            self.forget(node, id).await;
            Err(RegistryError::LeaseLost)
        }
    }
}

/// Prolongs a lease. Returns whether it exists.
///
/// The leader of etcd prolongs a lease without its followers. A leader that is cut off from them does so until it notices,
/// while the next leader counts the lease already: the node would count from a later moment than etcd. So a read through the
/// leader follows. If its term is the term of before, the leader of that term still led after it had prolonged the lease.
async fn keep_alive(client: &Client, id: u64) -> Result<bool, Failure> {
    let renewed: KeepAlive = client.call_stream("lease/keepalive", &json!({ "ID": id.to_string() })).await?;
    if renewed.ttl == 0 {
        return Ok(false);
    }
    // No such key is needed.
    let read: Range = client.call("kv/range", &json!({ "key": "AA==", "count_only": true })).await?;
    if read.header.raft_term != renewed.header.raft_term {
        return Err(Failure::NoAnswer("the leader of etcd changes".into()));
    }
    Ok(true)
}
