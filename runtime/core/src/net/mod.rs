//! Floor 9: the only place that names a socket.
//!
//! A [`Transport`] opens byte streams: [`Tcp`] between machines, and for tests a network's hosts in memory, so that
//! their clusters need no socket. [`drive`] runs a session over one stream until it is over; what the node's
//! processes want to send waits in the connection's [`Outbox`].
//!
//! Nothing here spawns or knows who a peer is: the floor above decides whom to dial, spawns the drivers, and hears of
//! each event by the function that it gives to [`drive`].
//!
//! How it fails: a stream that cannot be opened is an [`io::Error`], a connection that ends says why by [`Closed`], and
//! a frame that does not fit is a [`PushError`] at once. Strangers are bounded by [`Handshakes`].

mod driver;
mod handshakes;
// Only tests connect nodes without sockets.
#[cfg(any(test, feature = "test"))]
mod memory;
mod outbox;
mod tcp;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use driver::{Closed, drive};
pub(crate) use handshakes::{Handshakes, Handshaking};
#[cfg(feature = "test")]
pub(crate) use memory::Network;
pub(crate) use outbox::{Outbox, PushError};
pub(crate) use tcp::Tcp;

/// A future in a box, for traits that are objects.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Any byte stream.
pub(crate) type BoxedStream = Box<dyn Stream>;
/// Any listener.
pub(crate) type BoxedListener = Box<dyn Listener>;

/// Bytes in both directions, in order, until one side ends them.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// A way to other nodes.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Opens a stream to whoever listens at `address`.
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>>;

    /// Listens at `address`.
    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>>;
}

/// Where strangers arrive. Dropped, it listens no longer.
pub(crate) trait Listener: Send + 'static {
    /// The next stream and where it comes from. Dropping the future loses no stream. An error concerns
    /// the moment, not the listener: wait a little and accept again.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxedStream, String)>>;

    /// Where it listens; the port is one that was given out if port 0 was asked for.
    fn address(&self) -> String;
}
