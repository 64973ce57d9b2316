//! Streams over TCP.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, lookup_host};

use super::{BoxFuture, BoxedListener, BoxedStream, Listener, Stream, Transport};
use crate::sched::Clock;

/// Streams over TCP without Nagle's delay: the session gathers small frames itself.
pub(crate) struct Tcp {
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

/// The time after which the next address of a host is tried beside the earlier ones.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

impl Tcp {
    /// Makes a transport that waits at most `timeout` for a connection.
    pub(crate) fn new(clock: Arc<dyn Clock>, timeout: Duration) -> Tcp {
        Tcp { clock, timeout }
    }
}

/// Returns the addresses of a host, each with the port: `host:9100` becomes `10.0.0.1:9100` and `10.0.0.2:9100`.
pub(crate) async fn resolve(address: &str) -> io::Result<Vec<String>> {
    Ok(lookup_host(address).await?.map(|address| address.to_string()).collect())
}

impl Transport for Tcp {
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedStream>> {
        let (address, clock) = (address.to_owned(), Arc::clone(&self.clock));
        let (deadline, timeout) = (clock.now() + self.timeout, self.timeout);
        Box::pin(async move {
            let resolved = clock.within(Some(timeout), lookup_host(&address)).await;
            let late = || io::Error::new(io::ErrorKind::TimedOut, "the name was not resolved in time");
            let addresses = by_turns(resolved.ok_or_else(late)??);
            let stream = connect_first(&*clock, deadline, addresses, TcpStream::connect).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }

    fn listen(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedListener>> {
        let address = address.to_owned();
        Box::pin(async move { bound(TcpListener::bind(&address).await?) })
    }
}

/// Returns the listener of a socket that is from another process.
#[cfg(all(feature = "upgrade", unix))]
pub(crate) fn inherited(socket: std::os::fd::OwnedFd) -> io::Result<BoxedListener> {
    let socket = std::net::TcpListener::from(socket);
    socket.set_nonblocking(true)?;
    bound(TcpListener::from_std(socket)?)
}

fn bound(listener: TcpListener) -> io::Result<BoxedListener> {
    let address = listener.local_addr()?.to_string();
    Ok(Box::new(Bound { listener: Arc::new(listener), address }))
}

/// Returns whether a socket at `socket` is one for `address`, whose port can be 0 for any port.
///
/// # Errors
/// The address is not a valid one, or its host has no address.
pub(crate) async fn is_at(socket: SocketAddr, address: &str) -> io::Result<bool> {
    let mut resolved = lookup_host(address).await?;
    Ok(resolved.any(|address| address.ip() == socket.ip() && [0, socket.port()].contains(&address.port())))
}

impl Stream for TcpStream {
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*SockRef::from(self)).read(buffer)
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        (&*SockRef::from(self)).write(bytes)
    }
}

/// Orders the addresses of a host so that IPv6 and IPv4 take turns, as RFC 8305 has it. The first address stays the
/// first, and so does the order within each family.
fn by_turns(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let all: Vec<SocketAddr> = addresses.collect();
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (mut preferred, mut others): (VecDeque<_>, VecDeque<_>) =
        all.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = VecDeque::new();
    while let Some(address) = preferred.pop_front() {
        ordered.push_back(address);
        ordered.extend(others.pop_front());
    }
    ordered.extend(others);
    ordered
}

/// Connects to the first of these addresses that accepts, and drops the attempts at the others.
///
/// The next address is tried when an attempt has failed, and at the latest [`NEXT_ADDRESS`] after the previous one.
///
/// # Errors
/// All attempts failed, or none succeeded before `deadline`. The text names each address that was tried.
async fn connect_first<T, C>(
    clock: &dyn Clock,
    deadline: Instant,
    mut addresses: VecDeque<SocketAddr>,
    connect: impl Fn(SocketAddr) -> C,
) -> io::Result<T>
where
    C: Future<Output = io::Result<T>> + Send,
{
    let mut running = Vec::new();
    let mut failed = Vec::new();
    let mut expired = clock.sleep_until(deadline);
    loop {
        match addresses.pop_front() {
            Some(address) => running.push((address, Box::pin(connect(address)))),
            None if running.is_empty() => return Err(no_connection(&failed, None)),
            None => {}
        }
        let next_due = clock.now() + NEXT_ADDRESS;
        tokio::select! {
            biased;
            (address, outcome) = first_done(&mut running) => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => failed.push((address, error)),
            },
            () = &mut expired => {
                let unanswered = running.into_iter().map(|(address, _)| address).collect();
                return Err(no_connection(&failed, Some(unanswered)));
            }
            () = clock.sleep_until(next_due), if !addresses.is_empty() => {}
        }
    }
}

/// Waits for the first of these futures that is ready, and removes it.
async fn first_done<C: Future + Unpin>(running: &mut Vec<(SocketAddr, C)>) -> (SocketAddr, C::Output) {
    poll_fn(|cx| {
        for index in 0..running.len() {
            let (address, attempt) = &mut running[index];
            if let Poll::Ready(outcome) = std::pin::Pin::new(attempt).poll(cx) {
                let address = *address;
                running.remove(index);
                return Poll::Ready((address, outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// Returns the error of all attempts at a host. `unanswered` has the addresses that were tried when the time was up.
fn no_connection(failed: &[(SocketAddr, io::Error)], unanswered: Option<Vec<SocketAddr>>) -> io::Error {
    let kind = match (&unanswered, failed.last()) {
        (Some(_), _) => io::ErrorKind::TimedOut,
        (None, Some((_, error))) => error.kind(),
        (None, None) => return io::Error::new(io::ErrorKind::NotFound, "the name has no address"),
    };
    let mut text = String::new();
    let mut add = |address: SocketAddr, reason: &dyn std::fmt::Display| {
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{address}: {reason}");
    };
    for (address, error) in failed {
        add(*address, error);
    }
    for address in unanswered.unwrap_or_default() {
        add(address, &"no answer");
    }
    io::Error::new(kind, text)
}

struct Bound {
    listener: Arc<TcpListener>,
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

    #[cfg(all(feature = "upgrade", unix))]
    fn socket(&self) -> Option<Arc<TcpListener>> {
        Some(Arc::clone(&self.listener))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::sched::TokioClock;

    /// The answer of one address: after so many milliseconds, or never; accepted or refused.
    #[derive(Clone, Copy)]
    enum Answer {
        Accepted(u64),
        Refused(u64),
        Never,
    }

    use Answer::{Accepted, Never, Refused};

    /// The course of the attempts at a host: the outcome and its time, and the time at which each address was tried.
    struct Attempts {
        outcome: io::Result<u16>,
        took: u128,
        started: Vec<(u16, u128)>,
        dropped: Vec<u16>,
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    /// Connects to addresses with these answers. Their ports are 1, 2, ...; the time limit is five seconds.
    async fn attempts(answers: &[Answer]) -> Attempts {
        struct DropList<'a>(u16, &'a Mutex<Vec<u16>>);
        impl Drop for DropList<'_> {
            fn drop(&mut self) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let begin = tokio::time::Instant::now();
        let (started, dropped) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let connect = |address: SocketAddr| {
            let port = address.port();
            started.lock().unwrap().push((port, begin.elapsed().as_millis()));
            let answer = answers[usize::from(port) - 1];
            let guard = DropList(port, &dropped);
            async move {
                let _guard = guard;
                let after = match answer {
                    Accepted(after) | Refused(after) => Duration::from_millis(after),
                    Never => return std::future::pending().await,
                };
                tokio::time::sleep(after).await;
                if matches!(answer, Accepted(_)) { Ok(port) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
            }
        };
        let addresses = (1..=u16::try_from(answers.len()).unwrap()).map(address).collect();
        let deadline = TokioClock.now() + Duration::from_secs(5);
        let outcome = connect_first(&TokioClock, deadline, addresses, connect).await;
        let took = begin.elapsed().as_millis();
        Attempts { outcome, took, started: started.into_inner().unwrap(), dropped: dropped.into_inner().unwrap() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_after_250_ms_or_a_failure() {
        for (answers, winner, took, expected) in [
            (&[Accepted(10), Accepted(0)][..], 1, 10, &[(1, 0)][..]),
            (&[Never, Accepted(3)], 2, 253, &[(1, 0), (2, 250)]),
            (&[Never, Never, Never, Accepted(0)], 4, 750, &[(1, 0), (2, 250), (3, 500), (4, 750)]),
            (&[Refused(0), Refused(0), Accepted(5)], 3, 5, &[(1, 0), (2, 0), (3, 0)]),
            (&[Refused(40), Accepted(5)], 2, 45, &[(1, 0), (2, 40)]),
            // A slow address may still be the first.
            (&[Accepted(300), Never], 1, 300, &[(1, 0), (2, 250)]),
            (&[Never, Refused(10), Accepted(1)], 3, 261, &[(1, 0), (2, 250), (3, 260)]),
        ] {
            let attempts = attempts(answers).await;
            assert_eq!((attempts.outcome.unwrap(), attempts.took), (winner, took));
            assert_eq!(attempts.started, expected);
            // The other attempts are over as well.
            assert_eq!(attempts.dropped.len(), expected.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_names_each_address_that_was_tried() {
        let failed = attempts(&[Refused(0), Refused(20)]).await;
        let error = failed.outcome.unwrap_err();
        assert_eq!(error.to_string(), "10.0.0.1:1: connection refused; 10.0.0.1:2: connection refused");
        assert_eq!((error.kind(), failed.took), (io::ErrorKind::ConnectionRefused, 20));
        // One time limit for all addresses. The last ones are never tried.
        let mut answers = vec![Never; 30];
        answers[1] = Refused(10);
        let failed = attempts(&answers).await;
        let error = failed.outcome.unwrap_err();
        assert_eq!((error.kind(), failed.took), (io::ErrorKind::TimedOut, 5000));
        let text = error.to_string();
        assert!(text.starts_with("10.0.0.1:2: connection refused; 10.0.0.1:1: no answer; 10.0.0.1:3"), "{text}");
        assert_eq!(text.matches("10.0.0.1:").count(), failed.started.len());
        let none = attempts(&[]).await.outcome.unwrap_err();
        assert_eq!(none.to_string(), "the name has no address");
    }

    #[test]
    fn ipv6_and_ipv4_take_turns() {
        let order = |text: &str| {
            let of = |family: char| -> SocketAddr {
                if family < 'a' { ([10, 0, 0, 1], family as u16).into() } else { ([0; 8], family as u16).into() }
            };
            let ordered = by_turns(text.chars().map(of));
            ordered.iter().map(|address| char::from(address.port() as u8)).collect::<String>()
        };
        for (addresses, expected) in [("abcAB", "aAbBc"), ("ABab", "AaBb"), ("abc", "abc"), ("Aabc", "Aabc"), ("", "")]
        {
            assert_eq!(order(addresses), expected);
        }
    }
}
