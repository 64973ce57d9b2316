//! Streams within one program: a switchboard that a test can cut.
//!
//! A [`Network`] has hosts; each [`Host`] is a [`Transport`] that knows where it is, so that the network can tell the links
//! between two of them. *Cut*, links break at once and new ones are refused; *stalled*, they stand and carry nothing
//! (a stopped machine); *healed*, all is well for new links, and a stalled one goes on where it was.

use std::collections::{HashMap, HashSet};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

use super::{BoxFuture, BoxedListener, BoxedStream, Listener, Transport};

/// What a link holds on its way, and how many streams wait to be accepted.
const PIPE: usize = 64 * 1024;
const BACKLOG: usize = 128;

/// A network of its own, of hosts in this program. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Network {
    board: Arc<Mutex<Board>>,
}

/// One machine of a [`Network`].
#[derive(Clone)]
pub(crate) struct Host {
    network: Network,
    name: String,
}

#[derive(Default)]
struct Board {
    listeners: HashMap<String, Listening>,
    cut: HashSet<(String, String)>,
    links: Vec<Link>,
}

struct Listening {
    host: String,
    arrivals: mpsc::Sender<(BoxedStream, String)>,
}

/// A stream between two hosts, as the network remembers it.
struct Link {
    between: (String, String),
    ends: [Weak<Mutex<End>>; 2],
}

/// One side of a stream; nothing in it once it is cut.
struct End {
    stream: Option<DuplexStream>,
    stalled: bool,
    waiting: Vec<Waker>,
}

impl Network {
    pub(crate) fn new() -> Network {
        Network::default()
    }

    /// The machine with this name.
    pub(crate) fn host(&self, name: &str) -> Host {
        Host { network: self.clone(), name: name.to_owned() }
    }

    /// Breaks all links between two hosts, and refuses new ones until they are healed.
    pub(crate) fn cut(&self, a: &str, b: &str) {
        let mut board = lock(&self.board);
        board.cut.insert(pair(a, b));
        let broken = board.between(a, b);
        board.links.retain(|link| link.between != pair(a, b));
        drop(board);
        for end in broken {
            let mut end = lock(&end);
            // A stream that is dropped wakes whoever waits on its other side.
            let stream = end.stream.take();
            let waiting = std::mem::take(&mut end.waiting);
            drop(end);
            drop(stream);
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Lets all links between two hosts stand and carry nothing until they are healed.
    pub(crate) fn stall(&self, a: &str, b: &str) {
        for end in lock(&self.board).between(a, b) {
            lock(&end).stalled = true;
        }
    }

    /// Undoes [`cut`](Self::cut) for new links and [`stall`](Self::stall).
    pub(crate) fn heal(&self, a: &str, b: &str) {
        let mut board = lock(&self.board);
        board.cut.remove(&pair(a, b));
        let ends = board.between(a, b);
        drop(board);
        for end in ends {
            let mut end = lock(&end);
            end.stalled = false;
            let waiting = std::mem::take(&mut end.waiting);
            drop(end);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl Board {
    /// The ends that still stand of all links between two hosts.
    fn between(&mut self, a: &str, b: &str) -> Vec<Arc<Mutex<End>>> {
        let between = pair(a, b);
        let links = self.links.iter().filter(|link| link.between == between);
        links.flat_map(|link| &link.ends).filter_map(Weak::upgrade).collect()
    }

    fn connect(&mut self, from: &str, address: &str) -> io::Result<BoxedStream> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let listening = self.listeners.get(address).ok_or_else(refused)?;
        let between = pair(from, &listening.host);
        if self.cut.contains(&between) {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        let (near, far) = tokio::io::duplex(PIPE);
        let [near, far] = [near, far].map(|stream| {
            let end = End { stream: Some(stream), stalled: false, waiting: Vec::new() };
            Plug { end: Arc::new(Mutex::new(end)) }
        });
        let ends = [&near, &far].map(|plug| Arc::downgrade(&plug.end));
        listening.arrivals.try_send((Box::new(far), from.to_owned())).map_err(|_| refused())?;
        self.links.retain(|link| link.ends.iter().any(|end| end.strong_count() > 0));
        self.links.push(Link { between, ends });
        Ok(Box::new(near))
    }
}

impl Transport for Host {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let host = self.clone();
        let address = address.to_owned();
        Box::pin(async move { lock(&host.network.board).connect(&host.name, &address) })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        let Host { network, name: host } = self.clone();
        let address = address.to_owned();
        Box::pin(async move {
            let mut board = lock(&network.board);
            if board.listeners.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (arrivals, arriving) = mpsc::channel(BACKLOG);
            board.listeners.insert(address.clone(), Listening { host, arrivals });
            drop(board);
            Ok(Box::new(Bound { network, address, arriving }) as BoxedListener)
        })
    }
}

struct Bound {
    network: Network,
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
        lock(&self.network.board).listeners.remove(&self.address);
    }
}

/// A stream's side in the hands of its user.
struct Plug {
    end: Arc<Mutex<End>>,
}

impl Plug {
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut DuplexStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut end = lock(&self.end);
        if end.stalled {
            end.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        match &mut end.stream {
            Some(stream) => poll(Pin::new(stream), cx),
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncRead for Plug {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Plug {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_shutdown)
    }
}

/// Two hosts, whichever is named first.
fn pair(a: &str, b: &str) -> (String, String) {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    (a.to_owned(), b.to_owned())
}

/// A panic elsewhere while the lock was held left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
