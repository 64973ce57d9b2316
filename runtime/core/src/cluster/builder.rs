//! The configuration and the start of a node that can have peers.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "tls")]
use super::CertificateError;
use super::access::{AccessConfig, AccessError};
use super::beginning::{Begin, Beginning, listener_at};
use super::links::Connector;
use super::membership::{Dns, DynDiscovery, PolicyError};
use super::{Cluster, Cookie, CookieError, Discovery, Mesh, Policy};
use crate::base::{InvalidName, NodeId, NodeName};
use crate::log;
use crate::net::{Tcp, Transport, is_unspecified};
use crate::node::{Export, Exports, Node, Router};
use crate::sched::{NodeEnv, Thresholds};
use crate::session::{Hello, Limits, MAX_ADVERTISE, MAX_CLUSTER, MIN_TICK};
use crate::wire::membership::is_valid_metadata;

/// The configuration of a node that other nodes can reach, from [`Node::builder`].
#[must_use = "a node runs only once it is started"]
pub struct NodeBuilder {
    name: Result<NodeName, InvalidName>,
    pub(super) access: AccessConfig,
    cluster: String,
    listen: Option<String>,
    advertise: Option<String>,
    seeds: Vec<String>,
    discoveries: Vec<Arc<dyn DynDiscovery>>,
    mesh: Mesh,
    metadata: BTreeMap<String, String>,
    tick: Duration,
    thresholds: Thresholds,
    transport: Option<Arc<dyn Transport>>,
    env: Option<NodeEnv>,
    incarnation: Option<u64>,
    limits: Limits,
    exports: Exports,
    policy: Policy,
    /// Starts the parts of the node that are in layers above this one.
    parts: Option<StartParts>,
    begin: Option<Begin>,
}

type StartParts = Box<dyn FnOnce(&Node) + Send + Sync>;

/// The reason why a node did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// The name does not have the form `name@host`.
    Name(InvalidName),
    /// The node listens or dials, and was given no cookie and no certificates.
    NoCookie,
    /// The cookie cannot be loaded.
    Cookie(CookieError),
    /// The certificates cannot be loaded.
    #[cfg(feature = "tls")]
    Certificates(CertificateError),
    /// The node was given a cookie and certificates.
    #[cfg(feature = "tls")]
    CookieAndCertificates,
    /// The node cannot listen at this address.
    Listen(String, io::Error),
    /// The advertised address is empty or longer than 512 bytes.
    Advertise(String),
    /// The cluster's name is empty or longer than 255 bytes.
    Cluster(String),
    /// The tick is shorter than 10 ms, or longer than a day.
    Tick(Duration),
    /// The metadata has more than 16 values or 768 bytes, or a key or a value is too long.
    Metadata,
    /// The policy gives a peer a role with this name, which it does not define.
    Role(String),
    /// The operating system returned no random bytes.
    Random(io::Error),
}

/// The time that `start` waits for a seed that neither answers nor refuses.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);
const LONGEST_TICK: Duration = Duration::from_secs(24 * 60 * 60);

impl NodeBuilder {
    /// Configures a node that exports nothing.
    pub(crate) fn new(name: impl AsRef<str>) -> NodeBuilder {
        NodeBuilder {
            name: NodeName::new(name),
            access: AccessConfig::default(),
            cluster: "greenroom".to_owned(),
            listen: None,
            advertise: None,
            seeds: Vec::new(),
            discoveries: Vec::new(),
            mesh: Mesh::full(),
            metadata: BTreeMap::new(),
            tick: Duration::from_secs(60),
            thresholds: Thresholds::default(),
            transport: None,
            env: None,
            incarnation: None,
            limits: Limits::default(),
            exports: Exports::default(),
            policy: Policy::cookie(),
            parts: None,
            begin: None,
        }
    }
}

#[cfg(feature = "net")]
impl Node {
    /// Returns the address at which the node listens, with its actual port; `None` if it does not listen.
    pub fn address(&self) -> Option<String> {
        self.router().and_then(|router| router.listen_address())
    }

    /// Returns the names of the connected nodes.
    pub fn peers(&self) -> Vec<NodeName> {
        self.router().map(|router| router.peers()).unwrap_or_default()
    }
}

impl NodeBuilder {
    /// Sets the secret that all nodes of the cluster share. A node that listens or dials needs one, or certificates, which
    /// are the feature `tls`.
    pub fn cookie(mut self, cookie: Cookie) -> NodeBuilder {
        self.access.cookie = Some(cookie);
        self
    }

    /// Lets other nodes start an actor or call a function on this node. Nothing else can be started or called.
    ///
    /// An actor `Render` is exported as `.export::<Render>()`, with all its constructors. A function `disk_free` with
    /// [`#[remote]`](attr.remote.html) is exported as `.export::<disk_free::Remote>()`.
    pub fn export<E: Export>(mut self) -> NodeBuilder {
        E::__export(&mut self.exports);
        self
    }

    /// Sets the rights of other nodes on this one; by default each node that has the cookie has every right.
    pub fn policy(mut self, policy: Policy) -> NodeBuilder {
        self.policy = policy;
        self
    }

    /// Sets the code that starts parts of the node, before it has connections.
    #[cfg(feature = "registry")]
    pub(crate) fn parts(mut self, start: impl FnOnce(&Node) + Send + Sync + 'static) -> NodeBuilder {
        self.parts = Some(Box::new(start));
        self
    }

    /// Sets the code that determines the beginning of the node.
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn begin_by(mut self, begin: Begin) -> NodeBuilder {
        self.begin = Some(begin);
        self
    }

    /// Sets the bounds of each connection.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> NodeBuilder {
        self.limits = limits;
        self
    }

    /// Accepts a second cookie from nodes that dial this one. The node itself dials with the one of
    /// [`cookie`](NodeBuilder::cookie).
    ///
    /// With it the cookie of a cluster is replaced while the cluster runs. Each node is restarted three times, one node
    /// after the other:
    ///
    /// 1. `.cookie(old).accept_cookie(new)`
    /// 2. `.cookie(new).accept_cookie(old)`, once all nodes have made the first step
    /// 3. `.cookie(new)`, once all nodes have made the second step
    ///
    /// A second call replaces the cookie of the first one.
    pub fn accept_cookie(mut self, cookie: Cookie) -> NodeBuilder {
        self.access.accepted_cookie = Some(cookie);
        self
    }

    /// Sets the cluster's name, 1 to 255 bytes, `greenroom` by default. Nodes of another cluster are refused.
    pub fn cluster(mut self, name: impl Into<String>) -> NodeBuilder {
        self.cluster = name.into();
        self
    }

    /// Listens at this address, as `0.0.0.0:9100`. Port 0 is replaced by a free port: see [`Node::address`].
    pub fn listen(mut self, address: impl Into<String>) -> NodeBuilder {
        self.listen = Some(address.into());
        self
    }

    /// Sets the address at which other nodes may dial this one; by default the address at which it listens, unless that
    /// is an unspecified one such as `0.0.0.0`.
    pub fn advertise(mut self, address: impl Into<String>) -> NodeBuilder {
        self.advertise = Some(address.into());
        self
    }

    /// Adds the address of a node that this one dials, and dials again when the connection is lost. The seeds
    /// announce the other members of the cluster to the node. It dials no address but those of seeds and members.
    ///
    /// All addresses of a host are tried, for one connection. With `dns:` in front, each address of the host is a seed of
    /// its own, as for a headless service of Kubernetes: `dns:greenroom.default.svc:9100`. The name is resolved again every
    /// five seconds.
    pub fn seed(mut self, address: impl Into<String>) -> NodeBuilder {
        let address = address.into();
        match Dns::of_seed(&address) {
            Some(dns) => self.discovery(dns),
            None => {
                self.seeds.push(address);
                self
            }
        }
    }

    /// Dials the addresses that a [`Discovery`] returns, as long as it returns them.
    pub fn discovery(mut self, discovery: impl Discovery) -> NodeBuilder {
        self.discoveries.push(Arc::new(discovery));
        self
    }

    /// Sets which other members this node connects with: all of them by default.
    pub fn membership(mut self, mesh: Mesh) -> NodeBuilder {
        self.mesh = mesh;
        self
    }

    /// Adds a value that other nodes find in [`Member::metadata`](crate::Member::metadata), such as the node's role,
    /// version or zone. At most 16 values, with keys of 1 to 64 bytes, values of at most 255, and 768 bytes together:
    /// otherwise the start fails with [`NodeError::Metadata`]. A second value for a key replaces the first one.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> NodeBuilder {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the time after which a silent peer counts as lost; 60 s by default, at least 10 ms and at most a day. A node
    /// that has sent nothing for a quarter of it sends a tick, as with Erlang's `net_ticktime`. Two nodes with different
    /// times use the shorter one.
    pub fn tick(mut self, tick: Duration) -> NodeBuilder {
        self.tick = tick;
        self
    }

    /// Sets the size in bytes of the largest message that the node sends to another node or receives from one: 64 MiB by
    /// default, at least 64 KiB and at most 4 GiB. Of two nodes the smaller size counts. A larger message fails at its sender
    /// with [`EncodeError::TooLarge`](crate::EncodeError::TooLarge).
    ///
    /// A node keeps the received part of a message in memory until the message is complete. All peers of a node together
    /// have 512 MiB for that, and at least the size of one message. Large messages do not delay small ones of other
    /// processes, and those above 256 KiB are decoded on a thread for blocking code. A `bytes::Bytes` of 64 KiB or more is
    /// encoded and decoded without a copy if it is the last field of its message.
    pub fn max_message_size(mut self, bytes: u64) -> NodeBuilder {
        self.limits.set_frame(bytes);
        self
    }

    /// Sets the number of nodes that this one may be connected to at one time; 1,024 by default. A connection to a further
    /// one is refused, counted in [`Counters::refused_connections`](crate::Counters::refused_connections) and logged, on
    /// both nodes. The refused node tries again later.
    pub fn max_peers(mut self, peers: usize) -> NodeBuilder {
        self.limits.peers = peers;
        self
    }

    /// Sets the number of messages in one mailbox that raises the alarm
    /// [`LongMailbox`](crate::Alarm::LongMailbox); 10,000 by default.
    pub fn long_mailbox(mut self, messages: u32) -> NodeBuilder {
        self.thresholds.long_mailbox = messages;
        self
    }

    #[cfg(feature = "test")]
    pub(crate) fn transport(mut self, transport: Arc<dyn Transport>) -> NodeBuilder {
        self.transport = Some(transport);
        self.thresholds.watchdog = false;
        self
    }

    #[cfg(feature = "test")]
    pub(crate) fn env(mut self, env: NodeEnv) -> NodeBuilder {
        self.env = Some(env);
        self
    }

    /// Sets the incarnation number, which must be greater than that of any earlier incarnation.
    #[cfg(feature = "test")]
    pub(crate) fn incarnation(mut self, incarnation: u64) -> NodeBuilder {
        self.incarnation = Some(incarnation);
        self
    }

    /// Returns the node that the environment defines: `GREENROOM_NODE`, `GREENROOM_LISTEN`, `GREENROOM_ADVERTISE`,
    /// `GREENROOM_COOKIE`, `GREENROOM_ACCEPT_COOKIE` and `GREENROOM_SEEDS` (separated by commas), and in place of a cookie
    /// `GREENROOM_TLS_CA`, `GREENROOM_TLS_CERT` and `GREENROOM_TLS_KEY`; `None` without `GREENROOM_NODE`.
    pub(crate) fn from_environment() -> Result<Option<NodeBuilder>, NodeError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(name) = variable("GREENROOM_NODE") else { return Ok(None) };
        let mut builder = NodeBuilder::new(name);
        builder.listen = variable("GREENROOM_LISTEN");
        builder.advertise = variable("GREENROOM_ADVERTISE");
        let seeds = variable("GREENROOM_SEEDS").unwrap_or_default();
        builder = seeds.split(',').map(str::trim).filter(|seed| !seed.is_empty()).fold(builder, NodeBuilder::seed);
        if builder.is_connecting() {
            builder.access = AccessConfig::from_environment()?;
        }
        Ok(Some(builder))
    }

    /// Returns `true` if the node listens or dials.
    fn is_connecting(&self) -> bool {
        self.listen.is_some() || !self.seeds.is_empty() || !self.discoveries.is_empty()
    }

    /// Starts the node. When this returns, the node listens, and has tried to reach each seed once, for at most 5 s. A
    /// seed that did not answer is dialled again in the background.
    ///
    /// Not cancel-safe: if the future is dropped, the node may listen already.
    ///
    /// # Errors
    /// The configuration is invalid, there is neither a cookie nor certificates, or the node cannot listen: see
    /// [`NodeError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime, which runs the node's processes.
    pub async fn start(self) -> Result<Node, NodeError> {
        let is_connecting = self.is_connecting();
        let name = self.name.map_err(NodeError::Name)?;
        if self.tick < MIN_TICK || self.tick > LONGEST_TICK {
            return Err(NodeError::Tick(self.tick));
        }
        if self.cluster.is_empty() || self.cluster.len() > MAX_CLUSTER {
            return Err(NodeError::Cluster(self.cluster.chars().take(80).collect()));
        }
        if let Some(bad) = self.advertise.as_ref().filter(|a| a.is_empty() || a.len() > MAX_ADVERTISE) {
            return Err(NodeError::Advertise(bad.chars().take(80).collect()));
        }
        if !is_valid_metadata(&self.metadata) {
            return Err(NodeError::Metadata);
        }
        let policy = self.policy.resolve().map_err(|error| match error {
            PolicyError::Role(role) => NodeError::Role(role),
            PolicyError::Name(error) => NodeError::Name(error),
        })?;
        let mut env = self.env.unwrap_or_else(NodeEnv::tokio);
        let mut random = [0; 8];
        env.rng.fill_secret(&mut random).map_err(|error| NodeError::Random(error.into()))?;
        // The time makes a later incarnation the greater one. The random instance distinguishes two of the same time.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let beginning = match self.begin {
            Some(begin) => begin(name.clone()).await,
            None => Beginning::default(),
        };
        let incarnation = self.incarnation.or(beginning.incarnation).unwrap_or(now);
        let id = NodeId { name, incarnation };
        env.thresholds = self.thresholds;
        let (clock, node) = (Arc::clone(&env.clock), Node::new(id.clone(), env));
        node.set_exports(self.exports);
        (beginning.begun)(&node);
        if let Some(start) = self.parts {
            start(&node);
        }
        if !is_connecting {
            (beginning.started)();
            return Ok(node);
        }
        let access = self.access.resolve(node.name(), &policy, &clock)?;
        let transport = self.transport.unwrap_or_else(|| Arc::new(Tcp::new(Arc::clone(&clock), FIRST_ATTEMPT)));
        let listener = match &self.listen {
            Some(address) => {
                let listening = listener_at(address, beginning.listener, &*transport).await;
                Some(listening.map_err(|error| NodeError::Listen(address.clone(), error))?)
            }
            None => None,
        };
        let listening_at = listener.as_ref().map(|listener| listener.address());
        let advertise = self.advertise.or(listening_at.filter(|address| !is_unspecified(address)));
        let (metadata, mesh, instance) = (self.metadata, self.mesh.kind(), u64::from_le_bytes(random));
        let hello = Hello { node: id, advertise, instance, metadata, mesh, reads_contexts: Hello::READS_CONTEXTS };
        let (cluster, requests) = Cluster::new(self.limits, policy, &hello);
        let cluster = Arc::new(cluster);
        node.set_router(Arc::clone(&cluster) as Arc<dyn Router>);
        node.start_watchdog();
        let connector = Connector {
            node: node.clone(),
            cluster: Arc::clone(&cluster),
            transport,
            access,
            cluster_name: self.cluster,
            hello,
            tick: self.tick,
        };
        connector.access.attend(&node, &cluster);
        #[cfg(all(feature = "upgrade", unix))]
        connector.adopt(beginning.peers);
        if let Some(listener) = listener {
            // Set once: the cluster is new.
            let _ = cluster.address.set(listener.address());
            log::info!(target: "greenroom", node = %node.name(), address = listener.address(), "listening");
            connector.keep_socket(&*listener);
            node.spawner().spawn(connector.clone().listen(listener, cluster.closing.subscribe()));
        }
        let dialled = connector.dial_all(self.seeds, self.discoveries, requests);
        if node.is_own_turn() {
            clock.within(Some(FIRST_ATTEMPT), dialled).await;
        } else {
            node.spawner().spawn(dialled);
        }
        (beginning.started)();
        Ok(node)
    }
}

impl From<AccessError> for NodeError {
    fn from(error: AccessError) -> NodeError {
        match error {
            AccessError::Missing => NodeError::NoCookie,
            AccessError::Cookie(error) => NodeError::Cookie(error),
            #[cfg(feature = "tls")]
            AccessError::Certificates(error) => NodeError::Certificates(error),
            #[cfg(feature = "tls")]
            AccessError::Both => NodeError::CookieAndCertificates,
        }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Name(error) => write!(f, "{error}"),
            NodeError::NoCookie => write!(
                f,
                "a node that listens or dials needs a cookie: add `.cookie(Cookie::load()?)`, which creates one on first \
                 use; to create one by hand, run `{}`",
                Cookie::CREATE
            ),
            NodeError::Cookie(error) => write!(f, "{error}"),
            #[cfg(feature = "tls")]
            NodeError::Certificates(error) => write!(f, "{error}"),
            #[cfg(feature = "tls")]
            NodeError::CookieAndCertificates => f.write_str(
                "a node has a cookie or certificates, and this one was given both: with both, a node without a \
                 certificate could connect",
            ),
            NodeError::Listen(address, error) => {
                write!(f, "cannot listen at {address}")?;
                f.write_str(match error.kind() {
                    io::ErrorKind::AddrInUse => {
                        ", where another program or node listens already; use another port, or port 0 for a free one"
                    }
                    io::ErrorKind::AddrNotAvailable => ", which is not an address of this machine",
                    io::ErrorKind::PermissionDenied => "; use a port from 1024 on, which needs no privilege",
                    _ => "",
                })
            }
            NodeError::Advertise(address) => {
                write!(f, "cannot advertise `{}`: expected 1 to {MAX_ADVERTISE} bytes", address.escape_debug())
            }
            NodeError::Cluster(name) => {
                write!(f, "cannot use the cluster name `{}`: expected 1 to {MAX_CLUSTER} bytes", name.escape_debug())
            }
            NodeError::Tick(tick) => {
                write!(f, "the tick {tick:?} is out of range: expected 10 ms to a day")
            }
            NodeError::Metadata => f.write_str(
                "the metadata is too large: expected at most 16 values, 64 bytes a key, 255 bytes a value and 768 bytes in all",
            ),
            NodeError::Role(role) => write!(f, "the policy does not define the role `{}`", role.escape_debug()),
            NodeError::Random(_) => f.write_str("the operating system returned no random bytes"),
        }
    }
}

impl std::error::Error for NodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The text is that of the inner error, and so is its cause.
            NodeError::Name(error) => error.source(),
            NodeError::Cookie(error) => error.source(),
            #[cfg(feature = "tls")]
            NodeError::Certificates(error) => error.source(),
            #[cfg(feature = "tls")]
            NodeError::CookieAndCertificates => None,
            NodeError::Listen(_, error) | NodeError::Random(error) => Some(error),
            NodeError::NoCookie
            | NodeError::Advertise(_)
            | NodeError::Cluster(_)
            | NodeError::Tick(_)
            | NodeError::Metadata
            | NodeError::Role(_) => None,
        }
    }
}
