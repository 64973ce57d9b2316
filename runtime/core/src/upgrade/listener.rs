//! Listening sockets that outlive the process: taken over from the predecessor or from systemd, or bound anew.

use std::any::Any;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::{error, fmt, io};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream};

use super::origin::Origin;
use crate::log;
use crate::net::is_at;
use crate::node::{Node, SocketName};

/// A listening TCP socket that a successor takes over; from [`listener`] or [`Node::listener`].
///
/// At the commit of an upgrade neither process accepts for a moment. The operating system queues the connections
/// meanwhile, so none is refused. A program accepts in the same way before and after: [`accept`](Listener::accept) waits
/// while it is not the turn of this process.
///
/// The socket is closed when the last listener of its name is dropped.
pub struct Listener {
    node: Node,
    name: SocketName,
    socket: Arc<TcpListener>,
}

/// The reason why there is no listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenerError {
    /// The socket cannot be bound to this address.
    Bind(String, io::Error),
    /// The address is not a valid one, or its host has no address.
    Resolve(String, io::Error),
    /// The socket with this name that is open or was inherited has another address than the expected one.
    Address {
        /// The name.
        name: String,
        /// The address that the program expects.
        expected: String,
        /// The address of the socket.
        found: SocketAddr,
    },
    /// The inherited descriptor with this name is not a listening TCP socket.
    Inherited(String, io::Error),
}

/// Returns the listener with this name of the current node, at an address such as `0.0.0.0:8080`.
///
/// ```
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let web = greenroom::listener("web", "127.0.0.1:0").await?;
/// println!("http://{}", web.address());
/// # let client = tokio::net::TcpStream::connect(web.address());
/// # tokio::spawn(client);
/// let (stream, from) = web.accept().await?;
/// # Ok(())
/// # }
/// ```
///
/// See [`Node::listener`].
///
/// # Errors
/// See [`ListenerError`].
///
/// # Panics
/// Without a current node: see [`Node::current`].
#[track_caller]
pub fn listener(
    name: impl Into<String>,
    address: impl Into<String>,
) -> impl Future<Output = Result<Listener, ListenerError>> + Send {
    let (node, name, address) = (Node::current(), name.into(), address.into());
    async move { node.listener(name, address).await }
}

#[cfg(all(feature = "upgrade", unix))]
impl Node {
    /// Returns the listener with this name, at an address such as `0.0.0.0:8080`. The socket is the first of these:
    ///
    /// 1. That of a listener of this node with this name, which is open. Several processes can accept from one socket.
    /// 2. That of the predecessor's listener with this name, after [an upgrade](Node::upgrade).
    /// 3. That of systemd's socket activation with this name, as `FileDescriptorName=` or the name of the `.socket` unit
    ///    defines it. A socket without a name is chosen by its address.
    /// 4. A new one.
    ///
    /// An inherited socket must have the address. With port 0 it may have any port. The name of a host is resolved.
    ///
    /// A successor is ready, and the upgrade is committed, once it waits in [`Listener::accept`] at each socket of its
    /// predecessor. To close a socket in a new release, take the listener and drop it.
    ///
    /// Not cancel-safe: a socket that was inherited can be lost.
    ///
    /// # Errors
    /// See [`ListenerError`].
    pub async fn listener(
        &self,
        name: impl Into<String>,
        address: impl Into<String>,
    ) -> Result<Listener, ListenerError> {
        let (name, address) = (name.into(), address.into());
        let key = SocketName::Program(name.clone());
        let inherited =
            |socket: io::Result<TcpListener>| match socket.and_then(|socket| Ok((socket.local_addr()?, socket))) {
                Ok((address, socket)) => Ok((address, Arc::new(socket))),
                Err(error) => Err(ListenerError::Inherited(name.clone(), error)),
            };
        let open = self
            .succession()
            .open_socket(&key)
            .and_then(|socket| (socket as Arc<dyn Any + Send + Sync>).downcast().ok());
        let (found, socket): (SocketAddr, Arc<TcpListener>) = if let Some(socket) = open {
            (socket_address(&socket), socket)
        } else if let Some(socket) = Origin::get().and_then(|origin| origin.take_socket(&key)) {
            inherited(from_std(socket.into()))?
        } else if let Some(socket) = activated(&name, &address).await? {
            inherited(from_std(socket))?
        } else {
            let socket =
                TcpListener::bind(&address).await.map_err(|error| ListenerError::Bind(address.clone(), error))?;
            (socket_address(&socket), Arc::new(socket))
        };
        if !is_same(found, &address).await? {
            return Err(ListenerError::Address { name, expected: address, found });
        }
        self.succession().keep_socket(key.clone(), &socket);
        Ok(Listener { node: self.clone(), name: key, socket })
    }
}

impl Listener {
    /// Returns the next connection and the address of its client, as [`TcpListener::accept`] does.
    ///
    /// Waits while this process does not serve: in a successor until the commit of the upgrade, and in the predecessor from
    /// then on. Cancel-safe.
    ///
    /// # Errors
    /// Those of the operating system, such as too many open files. The listener stays open: wait a little and accept again.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.settle();
        loop {
            self.node.own_turn().await;
            tokio::select! {
                biased;
                () = self.node.turn_lost() => {}
                accepted = self.socket.accept() => return accepted,
            }
        }
    }

    /// Returns the address at which the socket listens, with the actual port.
    ///
    /// # Panics
    /// The operating system has no address for the socket, which does not happen for a listening one.
    pub fn address(&self) -> SocketAddr {
        socket_address(&self.socket)
    }

    fn settle(&self) {
        if let Some(origin) = Origin::get() {
            origin.settle(&self.name);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.settle();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).field("address", &self.socket.local_addr().ok()).finish()
    }
}

fn from_std(socket: StdListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

fn socket_address(socket: &TcpListener) -> SocketAddr {
    socket.local_addr().expect("a listening socket has an address")
}

/// Returns whether a socket is one for this address.
async fn is_same(socket: SocketAddr, address: &str) -> Result<bool, ListenerError> {
    is_at(socket, address).await.map_err(|error| ListenerError::Resolve(address.to_owned(), error))
}

/// The sockets of systemd's socket activation, by their names. They belong to the process of the operating system.
static ACTIVATED: OnceLock<Mutex<Vec<(String, StdListener)>>> = OnceLock::new();

/// Takes the activated socket with this name, or one without a name that has the address.
async fn activated(name: &str, address: &str) -> Result<Option<StdListener>, ListenerError> {
    let lock =
        || ACTIVATED.get_or_init(|| Mutex::new(from_environment())).lock().unwrap_or_else(PoisonError::into_inner);
    let take = |chosen: &dyn Fn(&str, &StdListener) -> bool| {
        let mut sockets = lock();
        let at = sockets.iter().position(|(name, socket)| chosen(name, socket));
        at.map(|at| sockets.swap_remove(at).1)
    };
    if let Some(socket) = take(&|other, _| other == name || other.strip_suffix(".socket") == Some(name)) {
        return Ok(Some(socket));
    }
    let unnamed = |name: &str| name.is_empty() || name == "unknown";
    let addresses: Vec<_> = lock().iter().filter(|(name, _)| unnamed(name)).flat_map(|(_, s)| s.local_addr()).collect();
    for inherited in addresses {
        if is_same(inherited, address).await? {
            let has_address = |socket: &StdListener| socket.local_addr().is_ok_and(|address| address == inherited);
            return Ok(take(&|name, socket| unnamed(name) && has_address(socket)));
        }
    }
    Ok(None)
}

/// Returns the sockets that systemd has passed to this process. Its variables have no effect in other processes.
fn from_environment() -> Vec<(String, StdListener)> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    // Also removes the variables.
    let mut sockets = ListenFd::from_env();
    let mut taken = Vec::new();
    for index in 0..sockets.len() {
        let name = names.next().unwrap_or_default().to_owned();
        match sockets.take_tcp_listener(index) {
            Ok(Some(socket)) => taken.push((name, socket)),
            Ok(None) => {}
            Err(error) => log::warn!(
                target: "greenroom", name = %log::Escaped(name), error = %log::Escaped(error),
                "a socket of systemd is not a listening TCP socket, and is ignored"
            ),
        }
    }
    taken
}

impl fmt::Display for ListenerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenerError::Bind(address, _) => write!(f, "cannot listen at {}", log::Escaped(address)),
            ListenerError::Resolve(address, _) => {
                write!(f, "`{}` is not an address such as `0.0.0.0:8080`", log::Escaped(address))
            }
            ListenerError::Address { name, expected, found } => write!(
                f,
                "the listener `{}` has the address {found}, and the program expects {}; use another name \
                 for another address",
                log::Escaped(name),
                log::Escaped(expected)
            ),
            ListenerError::Inherited(name, _) => {
                write!(f, "the inherited listener `{}` is not a listening TCP socket", log::Escaped(name))
            }
        }
    }
}

impl error::Error for ListenerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ListenerError::Bind(_, error) | ListenerError::Resolve(_, error) | ListenerError::Inherited(_, error) => {
                Some(error)
            }
            ListenerError::Address { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Connects and lets the listener accept.
    async fn connect(listener: &Listener) -> SocketAddr {
        let (client, accepted) = tokio::join!(TcpStream::connect(listener.address()), listener.accept());
        let (client, (_, from)) = (client.unwrap().local_addr().unwrap(), accepted.unwrap());
        assert_eq!(client, from);
        from
    }

    #[tokio::test]
    async fn a_socket_is_shared_by_its_name_and_closed_with_the_last_listener() {
        let node = Node::local();
        let first = node.listener("web", "127.0.0.1:0").await.unwrap();
        let address = first.address();
        let second = node.listener("web", address.to_string()).await.unwrap();
        connect(&first).await;
        drop(first);
        connect(&second).await;
        let error = node.listener("other", address.to_string()).await.unwrap_err();
        assert!(matches!(error, ListenerError::Bind(..)), "{error}");
        let error = node.listener("web", "127.0.0.1:1").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the listener `web` has the address {address}, and the program expects 127.0.0.1:1; use another name \
                 for another address"
            )
        );
        drop(second);
        TcpStream::connect(address).await.unwrap_err();
        assert_eq!(node.listener("other", address.to_string()).await.unwrap().address(), address);
        // Another node has listeners of its own.
        let error = Node::local().listener("other", "nowhere").await.unwrap_err();
        assert!(matches!(error, ListenerError::Bind(..)), "{error}");
    }

    #[tokio::test]
    async fn connections_wait_while_the_node_is_paused() {
        let node = Node::local();
        let listener = node.listener("web", "127.0.0.1:0").await.unwrap();
        let mut accepted = Box::pin(listener.accept());
        assert!(tokio::time::timeout(Duration::ZERO, accepted.as_mut()).await.is_err());
        node.succession().pause();
        // The system completes the connection.
        let client = TcpStream::connect(listener.address()).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), accepted.as_mut()).await.is_err());
        node.succession().resume();
        assert_eq!(accepted.await.unwrap().1, client.local_addr().unwrap());
        node.succession().hand_to_successor();
        let client = TcpStream::connect(listener.address()).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err());
        drop(client);
    }
}
