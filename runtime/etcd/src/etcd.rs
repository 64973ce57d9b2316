//! The registry on etcd.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use greenroom::NodeId;
use greenroom::registry::{Changes, Claim, Claimed, Registry, RegistryError};
use serde_json::json;

use crate::answer::{KeyValue, Range, Transaction};
use crate::builder::EtcdBuilder;
use crate::client::Client;
use crate::entry;
use crate::error::Failure;
use crate::lease::Leases;
use crate::watch;

/// A registry on etcd. See the [documentation of the crate](crate). Clones share their connections and leases.
///
/// All requests are cancel-safe in the sense of [`Registry`]: what has been sent may still take effect.
#[derive(Clone)]
pub struct Etcd(Arc<Inner>);

struct Inner {
    client: Client,
    prefix: String,
    lease: Duration,
    leases: Leases,
}

impl Etcd {
    /// Returns the configuration of a registry on the etcd that has these members, such as `http://10.0.0.1:2379`.
    pub fn builder<A: Into<String>>(members: impl IntoIterator<Item = A>) -> EtcdBuilder {
        EtcdBuilder::new(members.into_iter().map(Into::into).collect())
    }

    pub(crate) fn new(client: Client, prefix: String, lease: Duration) -> Etcd {
        Etcd(Arc::new(Inner { client, prefix, lease, leases: Leases::default() }))
    }

    /// Reads the key of a claim in etcd.
    async fn read(&self, key: &str) -> Result<Option<KeyValue>, Failure> {
        let request = json!({ "key": entry::encode_key(&self.0.prefix, key) });
        let range: Range = self.0.client.call("kv/range", &request).await?;
        Ok(range.kvs.into_iter().next())
    }

    /// Returns the claim that a key of etcd is.
    fn claim_of(&self, key: &str, found: &KeyValue) -> Result<Claim, RegistryError> {
        entry::decode(&self.0.prefix, found).filter(|claim| claim.key == key).ok_or_else(|| {
            let key = [&self.0.prefix, key].concat();
            RegistryError::Refused(format!("the key `{}` of etcd is not a claim", key.escape_debug()))
        })
    }
}

impl Registry for Etcd {
    fn lease(&self) -> Duration {
        self.0.lease
    }

    async fn claim(&self, node: &NodeId, key: &str, value: &[u8]) -> Result<Claimed, RegistryError> {
        let Inner { client, prefix, lease, leases } = &*self.0;
        let (key_in_etcd, entry) = entry::encode(prefix, node, key, value)?;
        let id = leases.begin(client, node, *lease).await?;
        let request = json!({
            "compare": [{ "key": key_in_etcd, "target": "CREATE", "result": "EQUAL", "create_revision": "0" }],
            "success": [{ "request_put": { "key": key_in_etcd, "value": entry, "lease": id.to_string() } }],
            "failure": [{ "request_range": { "key": key_in_etcd } }],
        });
        let transaction: Transaction = match client.call("kv/txn", &request).await {
            Err(failure) if failure.is_lost_lease() => {
                leases.forget(node, id).await;
                return Err(RegistryError::LeaseLost);
            }
            result => result?,
        };
        let claimed = if transaction.succeeded {
            let token = transaction.header.revision;
            Claimed::Granted(Claim { key: key.into(), node: node.clone(), token, value: value.into() })
        } else {
            let found =
                transaction.responses.iter().find_map(|operation| operation.response_range.as_ref()?.kvs.first());
            let found = found.ok_or_else(|| Failure::unexpected("a transaction without its key"))?;
            let claim = self.claim_of(key, found)?;
            // A claim under an earlier lease of the node ends with that lease.
            if claim.node == *node && claim.value == value && found.lease == id {
                Claimed::Granted(claim)
            } else {
                Claimed::Taken(claim)
            }
        };
        leases.count(node, id).await;
        Ok(claimed)
    }

    async fn renew(&self, node: &NodeId) -> Result<(), RegistryError> {
        self.0.leases.renew(&self.0.client, node).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), RegistryError> {
        let key = entry::encode_key(&self.0.prefix, &claim.key);
        let request = json!({
            "compare": [{ "key": key, "target": "MOD", "result": "EQUAL", "mod_revision": claim.token.to_string() }],
            "success": [{ "request_delete_range": { "key": key } }],
        });
        let _: Transaction = self.0.client.call("kv/txn", &request).await?;
        Ok(())
    }

    async fn lookup(&self, key: &str) -> Result<Option<Claim>, RegistryError> {
        self.read(key).await?.map(|found| self.claim_of(key, &found)).transpose()
    }

    fn hand_over(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.0.leases.record()?).ok()
    }

    fn continue_with(&self, state: &[u8]) -> Result<(), RegistryError> {
        let leases = serde_json::from_slice(state).map_err(|error| RegistryError::Refused(error.to_string()))?;
        self.0.leases.continue_with(leases);
        Ok(())
    }

    async fn watch(&self, changes: &mut Changes<'_>) -> RegistryError {
        watch::watch(&self.0.client, &self.0.prefix, self.0.lease, changes).await
    }
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { client, prefix, lease, .. } = &*self.0;
        let members = client.members();
        f.debug_struct("Etcd").field("members", &members).field("prefix", prefix).field("lease", lease).finish()
    }
}
