//! The sources of the addresses at which a node looks for others.

use std::future::Future;
use std::io;

use crate::net::{self, BoxFuture};

/// A source of the addresses of other nodes, for [`NodeBuilder::discovery`](crate::NodeBuilder::discovery).
///
/// The node requests the addresses when it starts, and again every five seconds. It dials each address like a
/// [seed](crate::NodeBuilder::seed) as long as the source returns it. A connection outlives its address.
///
/// ```
/// # use greenroom::{Discovery, Node};
/// /// The addresses in a file, one on each line.
/// struct Inventory(std::path::PathBuf);
///
/// impl Discovery for Inventory {
///     async fn addresses(&self) -> std::io::Result<Vec<String>> {
///         let text = std::fs::read_to_string(&self.0)?;
///         Ok(text.lines().map(str::to_owned).collect())
///     }
/// }
///
/// let builder = Node::builder("web@one").discovery(Inventory("/etc/nodes".into()));
/// # drop(builder);
/// ```
pub trait Discovery: Send + Sync + 'static {
    /// Returns the addresses at which nodes of the cluster may be dialled at present, in the form `host:port`. This node
    /// may be among them.
    ///
    /// # Errors
    /// The source cannot be reached. The addresses of the last time stay valid. The first of several errors is logged.
    fn addresses(&self) -> impl Future<Output = io::Result<Vec<String>>> + Send;
}

/// [`Discovery`] for trait objects.
pub(in crate::cluster) trait DynDiscovery: Send + Sync {
    fn find(&self) -> BoxFuture<'_, io::Result<Vec<String>>>;
}

impl<D: Discovery> DynDiscovery for D {
    fn find(&self) -> BoxFuture<'_, io::Result<Vec<String>>> {
        Box::pin(self.addresses())
    }
}

/// All addresses that the domain name system has for a name. Each of them is a node.
pub(in crate::cluster) struct Dns(String);

impl Dns {
    /// Returns the discovery of a seed such as `dns:greenroom.default.svc:9100`; `None` for another seed.
    pub(in crate::cluster) fn of_seed(seed: &str) -> Option<Dns> {
        seed.strip_prefix("dns:").map(|name| Dns(name.to_owned()))
    }
}

impl Discovery for Dns {
    async fn addresses(&self) -> io::Result<Vec<String>> {
        net::resolve(&self.0).await
    }
}
