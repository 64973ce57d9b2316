//! Streams over TCP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{BoxFuture, BoxedListener, BoxedStream, Listener, Transport};
use crate::sched::Clock;

/// Streams over TCP without Nagle's delay: the session gathers small frames itself.
pub(crate) struct Tcp {
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl Tcp {
    /// Makes a transport that waits at most `timeout` for a connection.
    pub(crate) fn new(clock: Arc<dyn Clock>, timeout: Duration) -> Tcp {
        Tcp { clock, timeout }
    }
}

impl Transport for Tcp {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let address = address.to_owned();
        let timeout = self.clock.sleep_until(self.clock.now() + self.timeout);
        Box::pin(async move {
            let stream = tokio::select! {
                stream = TcpStream::connect(&address) => stream?,
                () = timeout => return Err(io::ErrorKind::TimedOut.into()),
            };
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        let address = address.to_owned();
        Box::pin(async move {
            let listener = TcpListener::bind(&address).await?;
            let address = listener.local_addr()?.to_string();
            Ok(Box::new(Bound { listener, address }) as BoxedListener)
        })
    }
}

struct Bound {
    listener: TcpListener,
    address: String,
}

impl Listener for Bound {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxedStream, String)>> {
        Box::pin(async move {
            let (stream, from) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as BoxedStream, from.to_string()))
        })
    }

    fn address(&self) -> String {
        self.address.clone()
    }
}
