//! The way into a cluster: a hidden node that only looks.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use greenroom::{Cookie, Discovery, Exit, Mesh, Node, NodeBuilder, Policy, Right};

/// The most addresses that are dialled besides the seeds.
const MAX_ADDRESSES: usize = 256;

/// The addresses of the nodes of a cluster, as its members have announced them. A clone is the same list.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Mutex<BTreeSet<String>>>);

impl Addresses {
    pub(crate) fn set(&self, addresses: impl Iterator<Item = String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses.take(MAX_ADDRESSES).collect();
    }

    /// Returns the addresses.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Discovery for Addresses {
    async fn addresses(&self) -> io::Result<Vec<String>> {
        Ok(self.all())
    }
}

/// The cluster to attach to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The addresses of nodes.
    pub seeds: Vec<String>,
    /// The name of the cluster, if it is not the usual one.
    pub cluster: Option<String>,
    /// The name of the observer's node, if it is not `observer-PID@localhost`.
    pub name: Option<String>,
    /// The cookie, if it is not that of the usual settings: see [`Cookie::load`].
    pub cookie: Option<Cookie>,
}

impl Target {
    /// Starts a node that is connected with the nodes at the seeds, and with the members that those announce. `addresses`
    /// has the latter, and takes those of later members: they are dialled within some seconds.
    ///
    /// It is hidden: no member of the cluster, and announced to none. It does not listen, exports nothing, and gives no
    /// rights to others.
    ///
    /// # Errors
    /// The cookie or a setting is not valid, or no seed has answered.
    pub async fn attach(&self, addresses: &Addresses) -> greenroom::Result<Node> {
        // A node dials its seeds when it starts. So a first one finds out what the second one has to dial.
        let scout = self.start("observer-scout", addresses).await?;
        let mut members = Vec::new();
        for peer in scout.peers() {
            // A node that cannot be inspected is shown with this error later.
            if let Ok(overview) = scout.inspect(peer.as_str()).overview().await {
                members.extend(overview.members.into_iter().filter_map(|member| member.address));
            }
        }
        let is_connected = !scout.peers().is_empty();
        scout.stop().await;
        if !is_connected {
            let seeds = self.seeds.join(", ");
            let reason = format!("no connection to {seeds}: is the address right, and the cookie that of the cluster?");
            return Err(Exit::error(reason));
        }
        addresses.set(members.into_iter());
        self.start("observer", addresses).await
    }

    /// Starts a hidden node.
    async fn start(&self, name: &str, addresses: &Addresses) -> greenroom::Result<Node> {
        let name = match &self.name {
            Some(own) if name == "observer" => own.clone(),
            _ => format!("{name}-{}@localhost", std::process::id()),
        };
        let cookie = self.cookie.clone().map_or_else(Cookie::load, Ok)?;
        let mut builder = Node::builder(name).cookie(cookie).membership(Mesh::hidden());
        builder = builder.policy(no_rights()).discovery(addresses.clone());
        builder = self.seeds.iter().fold(builder, NodeBuilder::seed);
        if let Some(cluster) = &self.cluster {
            builder = builder.cluster(cluster);
        }
        Ok(builder.start().await?)
    }
}

/// Returns the policy of a node on which others have no right.
fn no_rights() -> Policy {
    let rights = [Right::Names, Right::Spawn, Right::Call, Right::Exit, Right::Groups, Right::Inspect, Right::Claim];
    rights.into_iter().fold(Policy::cookie(), Policy::without)
}
