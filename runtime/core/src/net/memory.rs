//! Streams within one program: a switchboard that a test can cut.
//!
//! A [`Network`] has hosts; each [`Host`] is a [`Transport`] that knows where it is, so that the network can tell the
//! links between two of them. What can be done to the way from one host to another, and to all links on it:
//!
//! - *cut*: links break at once and new ones are refused, in both directions;
//! - *held*: what is sent this way stands, and so does what would say that a link has ended; nobody can dial,
//!   since that takes both directions. Nothing is lost in the middle: a stream carries all or nothing more;
//! - *slow*: each piece takes a time drawn from a range, and overtakes none before it;
//! - *healed*: all is well for new links, and what was held goes on.
//!
//! A host that is *unplugged* has lost its links and listens no more.

mod pipe;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::{BoxFuture, BoxedListener, BoxedStream, Listener, Transport};
use crate::sched::{Clock, NodeEnv, Rng};
use pipe::{Plug, Wire};

/// How many streams wait to be accepted.
const BACKLOG: usize = 128;
/// How long a host dials, as with TCP.
const PATIENCE: Duration = Duration::from_secs(5);

/// A network of its own, of hosts in this program. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Network {
    board: Arc<Board>,
}

/// One machine of a [`Network`].
#[derive(Clone)]
pub(crate) struct Host {
    network: Network,
    name: String,
}

struct Board {
    clock: Arc<dyn Clock>,
    rng: Arc<Rng>,
    lines: Mutex<Lines>,
    /// Told when somebody who dials may try again.
    healed: Notify,
}

#[derive(Default)]
struct Lines {
    listeners: BTreeMap<String, Listening>,
    listened: u64,
    /// What was done to the way from one host to another.
    ways: BTreeMap<(String, String), Way>,
    links: Vec<Link>,
}

struct Listening {
    id: u64,
    host: String,
    arrivals: mpsc::Sender<(BoxedStream, String)>,
}

/// The way from one host to another.
#[derive(Clone, Debug, Default)]
struct Way {
    cut: bool,
    held: bool,
    delay: Option<RangeInclusive<Duration>>,
}

/// A stream between two hosts, the dialler first.
struct Link {
    between: [String; 2],
    wire: Weak<Wire>,
}

impl Network {
    pub(crate) fn new(ground: &NodeEnv) -> Network {
        let (clock, rng) = (Arc::clone(&ground.clock), Arc::clone(&ground.rng));
        Network { board: Arc::new(Board { clock, rng, lines: Mutex::default(), healed: Notify::new() }) }
    }

    /// The machine with this name.
    pub(crate) fn host(&self, name: &str) -> Host {
        Host { network: self.clone(), name: name.to_owned() }
    }

    /// Breaks all links between two hosts, and refuses new ones until they are healed.
    pub(crate) fn cut(&self, a: &str, b: &str) {
        let mut lines = self.board.lock();
        lines.way(a, b).cut = true;
        lines.way(b, a).cut = true;
        let broken = lines.take(|link| link.is_between(a, b));
        drop(lines);
        broken.iter().for_each(|wire| wire.break_off());
        self.board.healed.notify_waiters();
    }

    /// Lets what `from` sends to `to` stand until they are healed.
    pub(crate) fn hold(&self, from: &str, to: &str) {
        self.change(from, to, |way| way.held = true);
    }

    /// Lets all links between two hosts stand and carry nothing until they are healed.
    pub(crate) fn stall(&self, a: &str, b: &str) {
        self.hold(a, b);
        self.hold(b, a);
    }

    /// Lets each piece on its way between two hosts take so long.
    pub(crate) fn slow(&self, a: &str, b: &str, delay: RangeInclusive<Duration>) {
        self.change(a, b, |way| way.delay = Some(delay.clone()));
        self.change(b, a, |way| way.delay = Some(delay.clone()));
    }

    /// Undoes all of these, in both directions.
    pub(crate) fn heal(&self, a: &str, b: &str) {
        self.change(a, b, |way| *way = Way::default());
        self.change(b, a, |way| *way = Way::default());
        self.board.healed.notify_waiters();
    }

    /// Breaks all links of a host, which listens no more.
    #[cfg(feature = "test")]
    pub(crate) fn unplug(&self, host: &str) {
        let mut lines = self.board.lock();
        lines.listeners.retain(|_, listening| listening.host != host);
        let broken = lines.take(|link| link.between.iter().any(|end| end == host));
        drop(lines);
        broken.iter().for_each(|wire| wire.break_off());
    }

    fn change(&self, from: &str, to: &str, change: impl FnOnce(&mut Way)) {
        let mut lines = self.board.lock();
        let way = lines.way(from, to);
        change(way);
        let way = way.clone();
        let links = lines.links.iter().filter(|link| link.is_between(from, to));
        let wires: Vec<_> = links.filter_map(|link| Some((link.side(from), link.wire.upgrade()?))).collect();
        drop(lines);
        for (side, wire) in wires {
            wire.set_way(side, way.held, way.delay.clone());
        }
    }
}

impl Board {
    /// A panic elsewhere while the lock was held left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a piece is on its way.
    fn draw(&self, delay: Option<&RangeInclusive<Duration>>) -> Duration {
        let Some(delay) = delay else { return Duration::ZERO };
        let spread = delay.end().saturating_sub(*delay.start());
        let spread = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
        *delay.start() + Duration::from_nanos(self.rng.below(spread.saturating_add(1).max(1)))
    }

    /// A new link, if nothing is in the way; `None` if the dialler's words do not arrive, or no answer does.
    fn connect(self: &Arc<Self>, from: &str, address: &str) -> io::Result<Option<(BoxedStream, Duration)>> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let mut lines = self.lock();
        // Who listens nowhere is a host that says so, if it can be reached: where nobody listens, it is called as the
        // address is.
        let to = lines.listeners.get(address).map_or(address, |listening| &listening.host).to_owned();
        let (there, back) = (lines.way(from, &to).clone(), lines.way(&to, from).clone());
        if there.cut {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        if there.held || back.held {
            return Ok(None);
        }
        let listening = lines.listeners.get(address).ok_or_else(refused)?;
        let wire = Wire::new(Arc::clone(self));
        wire.set_way(0, false, there.delay.clone());
        wire.set_way(1, false, back.delay.clone());
        let [near, far] = [0, 1].map(|side| Plug::new(Arc::clone(&wire), side));
        listening.arrivals.try_send((Box::new(far), from.to_owned())).map_err(|_| refused())?;
        lines.links.retain(|link| link.wire.strong_count() > 0);
        lines.links.push(Link { between: [from.to_owned(), to], wire: Arc::downgrade(&wire) });
        let trip = self.draw(there.delay.as_ref()) + self.draw(back.delay.as_ref());
        Ok(Some((Box::new(near), trip)))
    }
}

impl Lines {
    fn way(&mut self, from: &str, to: &str) -> &mut Way {
        self.ways.entry((from.to_owned(), to.to_owned())).or_default()
    }

    /// Takes out the links that `which` says, and returns what is left of them.
    fn take(&mut self, which: impl Fn(&Link) -> bool) -> Vec<Arc<Wire>> {
        let taken: Vec<_> = self.links.extract_if(.., |link| which(link)).collect();
        taken.iter().filter_map(|link| link.wire.upgrade()).collect()
    }
}

impl Link {
    fn is_between(&self, a: &str, b: &str) -> bool {
        let [dialler, listener] = &self.between;
        (dialler == a && listener == b) || (dialler == b && listener == a)
    }

    /// Which end is this host's.
    fn side(&self, host: &str) -> usize {
        usize::from(self.between[0] != host)
    }
}

impl Transport for Host {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let Host { network: Network { board }, name } = self.clone();
        let address = address.to_owned();
        Box::pin(async move {
            let late = board.clock.now() + PATIENCE;
            loop {
                let healed = board.healed.notified();
                if let Some((stream, trip)) = board.connect(&name, &address)? {
                    if !trip.is_zero() {
                        board.clock.sleep_until(board.clock.now() + trip).await;
                    }
                    return Ok(stream);
                }
                tokio::select! {
                    biased;
                    () = healed => {}
                    () = board.clock.sleep_until(late) => return Err(io::ErrorKind::TimedOut.into()),
                }
            }
        })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        let Host { network: Network { board }, name: host } = self.clone();
        let address = address.to_owned();
        Box::pin(async move {
            let mut lines = board.lock();
            if lines.listeners.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (arrivals, arriving) = mpsc::channel(BACKLOG);
            lines.listened += 1;
            let id = lines.listened;
            lines.listeners.insert(address.clone(), Listening { id, host, arrivals });
            drop(lines);
            Ok(Box::new(Bound { board, id, address, arriving }) as BoxedListener)
        })
    }
}

struct Bound {
    board: Arc<Board>,
    id: u64,
    address: String,
    arriving: mpsc::Receiver<(BoxedStream, String)>,
}

impl Listener for Bound {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxedStream, String)>> {
        Box::pin(async move { self.arriving.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into()) })
    }

    fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let mut lines = self.board.lock();
        // Another life of the host may listen here by now.
        let own = |listening: &mut Listening| listening.id == self.id;
        let gone =
            lines.listeners.get_mut(&self.address).is_some_and(own).then(|| lines.listeners.remove(&self.address));
        drop(lines);
        drop(gone);
    }
}
