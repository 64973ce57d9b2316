//! Byte streams between nodes, over TCP or in memory, and the loop that runs a session over one. The only module that
//! names a socket.
//!
//! A [`Transport`] opens byte streams: [`Tcp`] between machines, and for tests the hosts of a network in memory, so
//! that their clusters need no socket. [`drive`] runs a session over one stream until it is over. Frames of the node's
//! processes wait in the connection's [`Outbox`].
//!
//! This module spawns nothing and has no list of peers. The module `cluster` decides which nodes to dial, spawns the
//! drivers, and receives each event by the function that it passes to [`drive`].
//!
//! How it fails: a stream that cannot be opened is an [`io::Error`], a connection that ends returns the reason,
//! [`Closed`], and a frame that does not fit is a [`PushError`] at once. [`Handshakes`] bounds the connections that are
//! not authenticated yet.

mod driver;
mod handshakes;
mod late;
// Only tests connect nodes without sockets.
#[cfg(any(test, feature = "test"))]
mod memory;
mod outbox;
mod tcp;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use driver::Closed;
pub(crate) use handshakes::{HandshakePermit, Handshakes, source_of};
pub(crate) use late::{LateDriver, drive};
#[cfg(feature = "test")]
pub(crate) use memory::Network;
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use outbox::KeptFrames;
pub(crate) use outbox::{Command, Outbox, PushError, Pushed};
#[cfg(all(feature = "upgrade", unix))]
pub(crate) use tcp::inherited;
pub(crate) use tcp::{Tcp, is_at, resolve};

/// A boxed future, for the methods of trait objects.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Any byte stream.
pub(crate) type BoxedStream = Box<dyn Stream>;
/// Any listener.
pub(crate) type BoxedListener = Box<dyn Listener>;

/// Bytes in both directions, in order, until one side closes the stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Reads the bytes that have arrived, without the runtime's reactor. Does not wait.
    fn read_now(&self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Writes as many bytes as the stream takes at present, without the runtime's reactor. Does not wait.
    fn write_now(&self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A factory of streams to other nodes.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Opens a stream to the listener at `address`.
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>>;

    /// Listens at `address`.
    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>>;
}

/// A listening address. It stops listening when it is dropped.
pub(crate) trait Listener: Send + 'static {
    /// Returns the next stream and the address that it comes from.
    ///
    /// Cancel-safe. An error does not end the listener: wait a little and accept again.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxedStream, String)>>;

    /// Returns the address. The port is the actual one if port 0 was requested.
    fn address(&self) -> String;

    /// Returns the socket that a successor of the node can take over, if the listener is one of the operating system.
    #[cfg(all(feature = "upgrade", unix))]
    fn socket(&self) -> Option<std::sync::Arc<tokio::net::TcpListener>> {
        None
    }
}

/// Returns `true` for the address of all interfaces of a machine, which means another machine to each peer.
pub(crate) fn is_unspecified(address: &str) -> bool {
    address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_unspecified())
}
