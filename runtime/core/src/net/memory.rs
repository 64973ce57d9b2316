//! A network within one program, whose links a test can cut, hold and slow.
//!
//! A [`Network`] has hosts. Each [`Host`] is a [`Transport`] with a name, so the network can find the links between two
//! hosts. The route from one host to another, with all links on it, can be
//!
//! - *cut*: links break at once and new ones are refused, in both directions;
//! - *held*: bytes, and the end of a stream, are kept back. New links are not established, since that takes both
//!   directions. No byte is missing in the middle: a stream carries all bytes or none after some point;
//! - *slow*: each piece takes a time that is drawn from a range, and does not overtake an earlier one;
//! - *throttled*: only so many bytes arrive in a second, so a sender of more has to wait;
//! - *healed*: new links are established, and held bytes go on.
//!
//! A host that is *unplugged* has lost its links and does not listen any more.

mod pipe;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::{BoxFuture, BoxedListener, BoxedStream, Listener, Transport};
use crate::sched::{Clock, NodeEnv, Rng};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use pipe::{Duplex, DuplexEnd};

/// The number of streams that may wait to be accepted.
const BACKLOG: usize = 128;
/// The time that a host dials, as with TCP.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A network of hosts in this program. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Network {
    shared: Arc<Shared>,
}

/// One machine of a [`Network`].
#[derive(Clone)]
pub(crate) struct Host {
    network: Network,
    name: String,
}

struct Shared {
    clock: Arc<dyn Clock>,
    rng: Arc<Rng>,
    state: Mutex<State>,
    /// Notified when a host that dials may try again.
    healed: Notify,
}

#[derive(Default)]
struct State {
    listeners: BTreeMap<String, Listening>,
    listened: u64,
    /// The routes that were changed, from one host to another.
    routes: BTreeMap<(String, String), Route>,
    links: Vec<Link>,
}

struct Listening {
    id: u64,
    host: String,
    arrivals: mpsc::Sender<(BoxedStream, String)>,
    #[cfg(all(test, feature = "upgrade", unix))]
    open: Weak<OpenListener>,
}

/// The state of the route from one host to another.
#[derive(Clone, Debug, Default)]
struct Route {
    cut: bool,
    held: bool,
    delay: Option<RangeInclusive<Duration>>,
    /// The bytes that arrive in a second.
    rate: Option<NonZeroU32>,
}

/// A stream between two hosts, the dialler first.
struct Link {
    between: [String; 2],
    duplex: Weak<Duplex>,
}

impl Network {
    pub(crate) fn new(env: &NodeEnv) -> Network {
        let (clock, rng) = (Arc::clone(&env.clock), Arc::clone(&env.rng));
        Network { shared: Arc::new(Shared { clock, rng, state: Mutex::default(), healed: Notify::new() }) }
    }

    /// Returns the host with this name.
    pub(crate) fn host(&self, name: &str) -> Host {
        Host { network: self.clone(), name: name.to_owned() }
    }

    /// Breaks all links between two hosts, and refuses new ones until they are healed.
    pub(crate) fn cut(&self, a: &str, b: &str) {
        let mut state = self.shared.lock();
        state.route(a, b).cut = true;
        state.route(b, a).cut = true;
        let broken = state.take(|link| link.is_between(a, b));
        drop(state);
        broken.iter().for_each(|duplex| duplex.reset());
        self.shared.healed.notify_waiters();
    }

    /// Keeps back the bytes that `from` sends to `to` until they are healed.
    pub(crate) fn hold(&self, from: &str, to: &str) {
        self.change(from, to, |route| route.held = true);
    }

    /// Keeps back all bytes between two hosts until they are healed.
    pub(crate) fn stall(&self, a: &str, b: &str) {
        self.hold(a, b);
        self.hold(b, a);
    }

    /// Delays each piece between two hosts by a time drawn from `delay`.
    pub(crate) fn slow(&self, a: &str, b: &str, delay: RangeInclusive<Duration>) {
        self.change(a, b, |route| route.delay = Some(delay.clone()));
        self.change(b, a, |route| route.delay = Some(delay.clone()));
    }

    /// Limits the bytes from `from` that arrive at `to` in a second.
    #[cfg(feature = "test")]
    pub(crate) fn throttle(&self, from: &str, to: &str, rate: NonZeroU32) {
        self.change(from, to, |route| route.rate = Some(rate));
    }

    /// Undoes all changes, in both directions.
    pub(crate) fn heal(&self, a: &str, b: &str) {
        self.change(a, b, |route| *route = Route::default());
        self.change(b, a, |route| *route = Route::default());
        self.shared.healed.notify_waiters();
    }

    /// Breaks all links of a host and ends its listeners.
    #[cfg(feature = "test")]
    pub(crate) fn unplug(&self, host: &str) {
        let mut state = self.shared.lock();
        state.listeners.retain(|_, listening| listening.host != host);
        let broken = state.take(|link| link.between.iter().any(|end| end == host));
        drop(state);
        broken.iter().for_each(|duplex| duplex.reset());
    }

    /// Returns the open listener at this address once more, for a successor.
    #[cfg(all(test, feature = "upgrade", unix))]
    pub(crate) fn inherited(&self, address: &str) -> Option<BoxedListener> {
        let open = self.shared.lock().listeners.get(address)?.open.upgrade()?;
        Some(Box::new(Bound(open)))
    }

    fn change(&self, from: &str, to: &str, change: impl FnOnce(&mut Route)) {
        let mut state = self.shared.lock();
        let route = state.route(from, to);
        change(route);
        let route = route.clone();
        let links = state.links.iter().filter(|link| link.is_between(from, to));
        let duplexes: Vec<_> = links.filter_map(|link| Some((link.side(from), link.duplex.upgrade()?))).collect();
        drop(state);
        for (side, duplex) in duplexes {
            duplex.set_route(side, &route);
        }
    }
}

impl Shared {
    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the delay of one piece.
    fn draw(&self, delay: Option<&RangeInclusive<Duration>>) -> Duration {
        let Some(delay) = delay else { return Duration::ZERO };
        let spread = delay.end().saturating_sub(*delay.start());
        let spread = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
        *delay.start() + Duration::from_nanos(self.rng.below(spread.saturating_add(1).max(1)))
    }

    /// Establishes a link; `None` if one of the two directions is held.
    fn connect(self: &Arc<Self>, from: &str, address: &str) -> io::Result<Option<(BoxedStream, Duration)>> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let mut state = self.lock();
        // An address without a listener counts as a host of that name, which refuses the connection if it can be
        // reached.
        let to = state.listeners.get(address).map_or(address, |listening| &listening.host).to_owned();
        let (there, back) = (state.route(from, &to).clone(), state.route(&to, from).clone());
        if there.cut {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        if there.held || back.held {
            return Ok(None);
        }
        let listening = state.listeners.get(address).ok_or_else(refused)?;
        let duplex = Duplex::new(Arc::clone(self));
        duplex.set_route(0, &there);
        duplex.set_route(1, &back);
        let [near, far] = [0, 1].map(|side| DuplexEnd::new(Arc::clone(&duplex), side));
        listening.arrivals.try_send((Box::new(far), from.to_owned())).map_err(|_| refused())?;
        state.links.retain(|link| link.duplex.strong_count() > 0);
        state.links.push(Link { between: [from.to_owned(), to], duplex: Arc::downgrade(&duplex) });
        let trip = self.draw(there.delay.as_ref()) + self.draw(back.delay.as_ref());
        Ok(Some((Box::new(near), trip)))
    }
}

impl State {
    fn route(&mut self, from: &str, to: &str) -> &mut Route {
        self.routes.entry((from.to_owned(), to.to_owned())).or_default()
    }

    /// Removes the links for which `which` is true, and returns those that are still open.
    fn take(&mut self, which: impl Fn(&Link) -> bool) -> Vec<Arc<Duplex>> {
        let taken: Vec<_> = self.links.extract_if(.., |link| which(link)).collect();
        taken.iter().filter_map(|link| link.duplex.upgrade()).collect()
    }
}

impl Link {
    fn is_between(&self, a: &str, b: &str) -> bool {
        let [dialler, listener] = &self.between;
        (dialler == a && listener == b) || (dialler == b && listener == a)
    }

    /// Returns the index of this host's end.
    fn side(&self, host: &str) -> usize {
        usize::from(self.between[0] != host)
    }
}

impl Transport for Host {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let Host { network: Network { shared }, name } = self.clone();
        let address = address.to_owned();
        Box::pin(async move {
            let deadline = shared.clock.now() + TIMEOUT;
            loop {
                let healed = shared.healed.notified();
                if let Some((stream, trip)) = shared.connect(&name, &address)? {
                    if !trip.is_zero() {
                        shared.clock.sleep_until(shared.clock.now() + trip).await;
                    }
                    return Ok(stream);
                }
                tokio::select! {
                    biased;
                    () = healed => {}
                    () = shared.clock.sleep_until(deadline) => return Err(io::ErrorKind::TimedOut.into()),
                }
            }
        })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        let Host { network: Network { shared }, name: host } = self.clone();
        let address = address.to_owned();
        Box::pin(async move {
            let mut state = shared.lock();
            if state.listeners.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (arrivals, arriving) = mpsc::channel(BACKLOG);
            state.listened += 1;
            let id = state.listened;
            let arriving = tokio::sync::Mutex::new(arriving);
            let open = Arc::new(OpenListener { shared: Arc::clone(&shared), id, address: address.clone(), arriving });
            let listening = Listening {
                id,
                host,
                arrivals,
                #[cfg(all(test, feature = "upgrade", unix))]
                open: Arc::downgrade(&open),
            };
            state.listeners.insert(address, listening);
            drop(state);
            Ok(Box::new(Bound(open)) as BoxedListener)
        })
    }
}

/// A listener, which two processes can share as they share a socket.
struct Bound(Arc<OpenListener>);

struct OpenListener {
    shared: Arc<Shared>,
    id: u64,
    address: String,
    arriving: tokio::sync::Mutex<mpsc::Receiver<(BoxedStream, String)>>,
}

impl Listener for Bound {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxedStream, String)>> {
        Box::pin(async move {
            let arrived = self.0.arriving.lock().await.recv().await;
            arrived.ok_or_else(|| io::ErrorKind::NotConnected.into())
        })
    }

    fn address(&self) -> String {
        self.0.address.clone()
    }
}

impl Drop for OpenListener {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // Another incarnation of the host may listen here by now.
        let own = |listening: &mut Listening| listening.id == self.id;
        let gone =
            state.listeners.get_mut(&self.address).is_some_and(own).then(|| state.listeners.remove(&self.address));
        drop(state);
        drop(gone);
    }
}
