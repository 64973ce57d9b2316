//! The loop between a byte stream and a session.
//!
//! Each turn reads what came, tells its events, does what is due, takes what waits, and writes; it pauses when none of
//! these goes on. Neither direction waits for the other: a peer that does not read is still heard, and one that sends
//! without end is still answered.
//!
//! How it ends: [`Closed`] says why. Whatever the reason, also when the future is dropped, the outbox is closed
//! then, and what waited in it is lost.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use std::{fmt, io};

use tokio::io::ReadBuf;

use super::outbox::Work;
use super::{BoxFuture, Outbox, Stream};
use crate::observe::ConnectionMeter;
use crate::sched::Clock;
use crate::session::{Backlog, Event, SendError, Session, SessionError};

/// The most bytes that are read at a time.
const READ: usize = 64 * 1024;
/// The most turns before other tasks have theirs: some milliseconds of ciphers.
const TURNS: usize = 8;

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum Closed {
    /// The outbox was closed, or the sink asked for it; what waited was sent and goodbye said, if the peer let it.
    Here,
    /// The peer said goodbye.
    There,
    /// The stream ended without a goodbye.
    Lost,
    /// The stream failed.
    Io(io::Error),
    /// The session failed.
    Session(SessionError),
}

/// Runs `session` over `stream` until it is over, and tells each event to `sink` as it comes.
///
/// `meter` counts the bytes in either direction. What `outbox` holds is sent once the session is up. The connection is closed in good order when the outbox is, or
/// when `sink` breaks; after that `sink` is not called again.
pub(crate) async fn drive(
    stream: impl Stream,
    session: Session,
    outbox: Arc<Outbox>,
    sink: impl FnMut(Event) -> ControlFlow<()> + Send,
    clock: &dyn Clock,
    meter: &ConnectionMeter,
) -> Closed {
    let mut driver = Driver {
        stream,
        session,
        outbox: Open(outbox),
        sink,
        clock,
        meter,
        input: vec![0; READ],
        output: Vec::new(),
        written: 0,
        unflushed: false,
        timer: None,
        phase: Phase::Greeting,
    };
    poll_fn(|cx| driver.poll(cx)).await
}

struct Driver<'a, S, F> {
    stream: S,
    session: Session,
    outbox: Open,
    sink: F,
    clock: &'a dyn Clock,
    meter: &'a ConnectionMeter,
    input: Vec<u8>,
    output: Vec<u8>,
    /// How much of `output` is written.
    written: usize,
    unflushed: bool,
    /// When the timer rings, which may be before the session is due, and then it is set anew.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Up,
    /// The session says goodbye.
    Closing,
}

/// An outbox that ends with its driver.
struct Open(Arc<Outbox>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What one step did: whether it went on at all, or how the connection ended.
type Step = Result<bool, Closed>;

impl<S: Stream, F: FnMut(Event) -> ControlFlow<()> + Send> Driver<'_, S, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        match ready!(self.poll_end(cx)) {
            Ok(()) => Poll::Ready(Closed::Here),
            Err(closed) => {
                self.say_last(cx);
                Poll::Ready(closed)
            }
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        for _ in 0..TURNS {
            let mut went_on = self.read(cx)?;
            went_on |= self.time(cx)?;
            went_on |= self.work(cx);
            went_on |= self.write(cx)?;
            if self.session.is_over() && self.output.is_empty() {
                // The peer hangs up when it has read the goodbye. Not before that: a socket that is closed with
                // something unread resets the connection, and what is under way is lost.
                let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
                if self.session.poll_timeout().is_none() {
                    return Poll::Ready(Ok(()));
                }
            }
            if !went_on {
                return Poll::Pending;
            }
        }
        // Others have waited long enough for this thread.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(self.lost(Some(error))),
            Poll::Ready(Ok(())) => {}
        }
        let length = buffer.filled().len();
        if length == 0 {
            return Err(self.lost(None));
        }
        self.meter.received(length);
        let done = self.session.handle_bytes(self.clock.now(), &self.input[..length]);
        self.tell()?;
        done.map(|()| true).map_err(Closed::Session)
    }

    /// The stream is gone: in a handshake that is the session's to explain.
    fn lost(&mut self, error: Option<io::Error>) -> Closed {
        match (self.session.handle_end(), error) {
            _ if self.phase == Phase::Closing => Closed::Here,
            (Some(error), _) => Closed::Session(error),
            (None, Some(error)) => Closed::Io(error),
            (None, None) => Closed::Lost,
        }
    }

    /// Tells what the session has to tell.
    fn tell(&mut self) -> Result<(), Closed> {
        while let Some(event) = self.session.poll_event() {
            if let Event::Up(_) = event {
                self.outbox.0.set_frame_limit(self.session.frame_limit());
                self.phase = Phase::Up;
            }
            let goodbye = event == Event::Goodbye;
            self.tell_one(event);
            if goodbye {
                return Err(if self.phase == Phase::Closing { Closed::Here } else { Closed::There });
            }
        }
        Ok(())
    }

    fn tell_one(&mut self, event: Event) {
        if self.phase != Phase::Closing && (self.sink)(event).is_break() {
            self.close();
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closing;
        self.outbox.0.close();
        self.session.close(self.clock.now());
    }

    fn time(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(due) = self.session.poll_timeout() else { return Ok(false) };
        loop {
            let now = self.clock.now();
            if due <= now {
                self.session.handle_timeout(now).map_err(|error| match (self.phase, error) {
                    (Phase::Closing, _) => Closed::Here,
                    (_, error) => Closed::Session(error),
                })?;
                return Ok(true);
            }
            // Most sessions are due later and later, since something was sent: the timer is set anew when it rings.
            let (_, timer) = match &mut self.timer {
                Some(timer) if timer.0 <= due => timer,
                timer => timer.insert((due, self.clock.sleep_until(due))),
            };
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(()) => self.timer = None,
            }
        }
    }

    /// Moves what waits in the outbox into the session, where lanes take turns.
    fn work(&mut self, cx: &mut Context<'_>) -> bool {
        if self.phase == Phase::Closing {
            return false;
        }
        match self.outbox.0.poll_work(cx, self.phase == Phase::Up) {
            Poll::Pending => return false,
            Poll::Ready(Work::Close) => self.close(),
            Poll::Ready(Work::Send(batch)) => {
                for (lane, frame) in batch.into_frames() {
                    if let Err(error) = self.session.send(lane, frame.clone()) {
                        let mut lost = Backlog::default();
                        lost.grow(frame.len());
                        self.outbox.0.transmitted(lost);
                        // Pushed before the peer said what it takes.
                        if let (SendError::TooLarge { limit }, Ok(frame)) = (error, frame.decode()) {
                            self.tell_one(Event::Refused { frame, limit });
                        }
                    }
                }
            }
        }
        true
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Step {
        let mut went_on = false;
        if self.output.is_empty() {
            let before = self.session.backlog();
            self.session.poll_transmit(self.clock.now(), &mut self.output);
            let sent = self.session.backlog().since(before);
            if sent.bytes > 0 {
                self.outbox.0.transmitted(sent);
            }
        }
        while self.written < self.output.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]) {
                Poll::Pending => return Ok(went_on),
                Poll::Ready(Ok(0)) => return Err(self.lost(Some(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(count)) => {
                    self.meter.sent(count);
                    self.written += count;
                }
                Poll::Ready(Err(error)) => return Err(self.lost(Some(error))),
            }
            went_on = true;
            self.unflushed = true;
        }
        self.output.clear();
        self.written = 0;
        if self.unflushed {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Err(self.lost(Some(error))),
            }
        }
        Ok(went_on)
    }

    /// Writes what a failed handshake owes the peer, as far as the stream takes it now.
    fn say_last(&mut self, cx: &mut Context<'_>) {
        if self.phase == Phase::Greeting {
            self.session.poll_transmit(self.clock.now(), &mut self.output);
            let _ = Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]);
        }
        let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::Here => f.write_str("closed by this node"),
            Closed::There => f.write_str("closed by the peer"),
            Closed::Lost => f.write_str("the peer is gone without a goodbye"),
            Closed::Io(error) => write!(f, "the stream failed: {error}"),
            Closed::Session(error) => write!(f, "{error}"),
        }
    }
}
