use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::connection::Links;
use super::{Cluster, Cookie, CookieError};
use crate::base::{InvalidName, NodeId, NodeName};
use crate::log;
use crate::net::{Tcp, Transport};
use crate::node::{Node, Router};
use crate::sched::{NodeEnv, Thresholds};
use crate::session::{Hello, Limits};

/// A node that others can reach, in the making; from [`Node::builder`].
#[must_use = "a node runs only once it is started"]
pub struct NodeBuilder {
    name: Result<NodeName, InvalidName>,
    cookie: Option<Cookie>,
    cluster: String,
    listen: Option<String>,
    advertise: Option<String>,
    seeds: Vec<String>,
    tick: Duration,
    thresholds: Thresholds,
    transport: Option<Arc<dyn Transport>>,
    ground: Option<NodeEnv>,
    incarnation: Option<u64>,
}

/// Why a node did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// The name is not `name@host`.
    Name(InvalidName),
    /// It is to listen or to dial, and has no cookie to tell friends by.
    NoCookie,
    /// The cookie cannot be had.
    Cookie(CookieError),
    /// It cannot listen at this address.
    Listen(String, io::Error),
    /// An advertised address that is empty or longer than 512 bytes.
    Advertise(String),
    /// The tick is zero, or longer than a day.
    Tick(Duration),
    /// The operating system gives no random bytes.
    Random,
}

/// How long `start` waits for a seed that neither answers nor refuses.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);
const LONGEST_TICK: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_ADDRESS: usize = 512;

impl Node {
    /// Begins a node that others can reach, by name as `pong@gollum`.
    ///
    /// ```no_run
    /// # use greenroom::{Cookie, Node};
    /// # async fn run() -> greenroom::Result {
    /// let node = Node::builder("pong@gollum")
    ///     .cookie(Cookie::load()?)
    ///     .listen("0.0.0.0:9100")
    ///     .advertise("gollum:9100")
    ///     .seed("kosken:9100")
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(name: impl AsRef<str>) -> NodeBuilder {
        NodeBuilder {
            name: NodeName::new(name),
            cookie: None,
            cluster: "greenroom".to_owned(),
            listen: None,
            advertise: None,
            seeds: Vec::new(),
            tick: Duration::from_secs(60),
            thresholds: Thresholds::default(),
            transport: None,
            ground: None,
            incarnation: None,
        }
    }

    /// Where the node listens, with the port that it was given if it asked for a free one; `None` if nowhere.
    pub fn address(&self) -> Option<String> {
        self.router().and_then(|router| router.listen_address())
    }

    /// The nodes that are connected with this one.
    pub fn peers(&self) -> Vec<NodeName> {
        self.router().map(|router| router.peers()).unwrap_or_default()
    }
}

impl NodeBuilder {
    /// The secret that all nodes of the cluster share. A node that listens or dials needs one.
    pub fn cookie(mut self, cookie: Cookie) -> NodeBuilder {
        self.cookie = Some(cookie);
        self
    }

    /// The cluster's name, `greenroom` unless said otherwise: nodes of another one are refused.
    pub fn cluster(mut self, name: impl Into<String>) -> NodeBuilder {
        self.cluster = name.into();
        self
    }

    /// Listens at this address, as `0.0.0.0:9100`; port 0 is a free one.
    pub fn listen(mut self, address: impl Into<String>) -> NodeBuilder {
        self.listen = Some(address.into());
        self
    }

    /// Where others may dial this node, if that is not where it listens: a name is not an address.
    pub fn advertise(mut self, address: impl Into<String>) -> NodeBuilder {
        self.advertise = Some(address.into());
        self
    }

    /// A node that this one dials, and dials again when the connection is lost. Only seeds are ever dialled.
    pub fn seed(mut self, address: impl Into<String>) -> NodeBuilder {
        self.seeds.push(address.into());
        self
    }

    /// How long a peer may be silent until it counts as lost; 60 s unless said otherwise. A tick goes out after a
    /// quarter of it, as with Erlang's `net_ticktime`. All nodes should have the same.
    pub fn tick(mut self, tick: Duration) -> NodeBuilder {
        self.tick = tick;
        self
    }

    /// How many messages that wait for one process raise the alarm
    /// [`LongMailbox`](crate::Alarm::LongMailbox); 10,000 unless said otherwise.
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
    pub(crate) fn ground(mut self, ground: NodeEnv) -> NodeBuilder {
        self.ground = Some(ground);
        self
    }

    /// Greater than that of any life before.
    #[cfg(feature = "test")]
    pub(crate) fn incarnation(mut self, incarnation: u64) -> NodeBuilder {
        self.incarnation = Some(incarnation);
        self
    }

    /// A node from `GREENROOM_NODE`, `GREENROOM_LISTEN`, `GREENROOM_ADVERTISE`, `GREENROOM_COOKIE` and
    /// `GREENROOM_SEEDS` (separated by commas); `None` without `GREENROOM_NODE`.
    pub(crate) fn from_environment() -> Result<Option<NodeBuilder>, NodeError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(name) = variable("GREENROOM_NODE") else { return Ok(None) };
        let mut builder = Node::builder(name);
        builder.listen = variable("GREENROOM_LISTEN");
        builder.advertise = variable("GREENROOM_ADVERTISE");
        let seeds = variable("GREENROOM_SEEDS").unwrap_or_default();
        builder.seeds = seeds.split(',').map(str::trim).filter(|seed| !seed.is_empty()).map(str::to_owned).collect();
        if builder.listen.is_some() || !builder.seeds.is_empty() {
            builder.cookie = Some(Cookie::load().map_err(NodeError::Cookie)?);
        }
        Ok(Some(builder))
    }

    /// Starts the node: it listens when this returns, and has tried each seed once (for 5 s at most); a seed that
    /// was not there is dialled again in the background.
    ///
    /// Not cancel-safe: dropped midway, it may listen already.
    ///
    /// # Errors
    /// What was asked for is not possible: see [`NodeError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime, whose threads its processes run on.
    pub async fn start(self) -> Result<Node, NodeError> {
        let name = self.name.map_err(NodeError::Name)?;
        if self.tick.is_zero() || self.tick > LONGEST_TICK {
            return Err(NodeError::Tick(self.tick));
        }
        if let Some(bad) = self.advertise.as_ref().filter(|a| a.is_empty() || a.len() > LONGEST_ADDRESS) {
            return Err(NodeError::Advertise(bad.chars().take(80).collect()));
        }
        let mut ground = self.ground.unwrap_or_else(NodeEnv::tokio);
        let mut random = [0; 8];
        ground.rng.fill_secret(&mut random).map_err(|_| NodeError::Random)?;
        // The time makes a later life the greater one; what is left of a tie is the instance's.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let incarnation = self.incarnation.unwrap_or(now);
        let id = NodeId { name: name.clone(), incarnation };
        ground.thresholds = self.thresholds;
        let clock = Arc::clone(&ground.clock);
        let node = Node::new(id.clone(), ground);
        if self.listen.is_none() && self.seeds.is_empty() {
            return Ok(node);
        }

        let cookie = self.cookie.ok_or(NodeError::NoCookie)?;
        let transport = self.transport.unwrap_or_else(|| Arc::new(Tcp::new(Arc::clone(&clock), FIRST_ATTEMPT)));
        let cluster = Arc::new(Cluster::new(name, Limits::default()));
        node.set_router(Arc::clone(&cluster) as Arc<dyn Router>);
        let listener = match &self.listen {
            Some(address) => {
                let listening = transport.listen(address).await;
                Some(listening.map_err(|error| NodeError::Listen(address.clone(), error))?)
            }
            None => None,
        };
        let advertise = self.advertise.or_else(|| listener.as_ref().map(|listener| listener.address()));
        let hello = Hello { node: id, advertise, instance: u64::from_le_bytes(random) };
        let links = Links {
            node: node.clone(),
            cluster: Arc::clone(&cluster),
            transport,
            key: cookie.key(),
            cluster_name: self.cluster,
            hello,
            tick: self.tick,
        };
        if let Some(listener) = listener {
            // Set once: the cluster is new.
            let _ = cluster.address.set(listener.address());
            log::info!(target: "greenroom", node = %node.name(), address = listener.address(), "listening");
            node.spawner().spawn(links.clone().listen(listener, cluster.closing.subscribe()));
        }
        let mut attempts = Vec::new();
        for seed in self.seeds {
            let (tried, attempt) = oneshot::channel();
            attempts.push(attempt);
            node.spawner().spawn(links.clone().seed(seed, tried, cluster.closing.subscribe()));
        }
        let all = async {
            for attempt in attempts {
                // A sender that is dropped has been decided too.
                let _ = attempt.await;
            }
        };
        clock.within(Some(FIRST_ATTEMPT), all).await;
        Ok(node)
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Name(error) => write!(f, "{error}"),
            NodeError::NoCookie => {
                f.write_str("a node that listens or dials needs a cookie: `.cookie(Cookie::load()?)`")
            }
            NodeError::Cookie(error) => write!(f, "{error}"),
            NodeError::Listen(address, error) => write!(f, "cannot listen at {address}: {error}"),
            NodeError::Advertise(address) => {
                write!(f, "`{}` cannot be advertised: expected 1 to {LONGEST_ADDRESS} bytes", address.escape_debug())
            }
            NodeError::Tick(tick) => write!(f, "a tick of {tick:?} is out of range: more than 0, at most a day"),
            NodeError::Random => f.write_str("the operating system gives no random bytes"),
        }
    }
}

impl std::error::Error for NodeError {}
