//! The loop between a byte stream and a session.
//!
//! Each turn reads bytes, emits their events, handles a timeout, takes frames from the outbox, and writes. The loop
//! pauses when none of these makes progress. Neither direction waits for the other: a peer that does not read is still
//! read from, and one that sends without pause still gets answers.
//!
//! Frames that follow each other quickly are sent together: after a batch of several frames the loop *lingers* before it
//! takes the next one, for as long as the tasks take that are ready to run. Callers whose answers came together so send
//! their next calls together.
//!
//! The owner of the connection decides by [`Command`]s in the outbox: whether the peer is admitted, and when it is probed.
//!
//! The loop belongs to the task of its connection. If that task does not run, since user code occupies its thread, the
//! watchdog takes turns in its place: see [`late`](super::late).
//!
//! How it ends: the reason is a [`Closed`]. In any case, also when the future is dropped, the outbox is closed then,
//! and the frames that waited in it are lost.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outbox::Work;
use super::{BoxFuture, BoxedStream, Command, Outbox};
use crate::log;
use crate::observe::ConnectionMeter;
use crate::sched::Clock;
use crate::session::{Backlog, Event, Session, SessionError};

/// The most bytes that are read at a time.
const READ: usize = 64 * 1024;
/// The most turns before other tasks run: some milliseconds of encryption.
const TURNS: usize = 8;

/// The reason why a connection is over.
#[derive(Debug)]
pub(crate) enum Closed {
    /// The outbox was closed, or the sink broke. Waiting frames and a goodbye were sent, as far as the peer read them.
    ByThisNode,
    /// The peer sent a goodbye.
    ByPeer,
    /// The stream ended without a goodbye.
    Lost,
    /// The stream failed.
    Io(io::Error),
    /// The session failed.
    Session(SessionError),
    /// This node ended the connection at once, since the peer did not answer a probe or has opened another one.
    Aborted,
}

/// The reaction of the sink to an event: it breaks to close the connection in order. If that has another outbox from now on,
/// the sink returns it. The outbox that the connection had waits for the next one then.
pub(crate) type Reaction = ControlFlow<Option<Arc<Outbox>>>;

/// A session over a stream.
pub(super) struct Driver<F> {
    stream: BoxedStream,
    session: Session,
    outbox: OutboxGuard,
    sink: F,
    clock: Arc<dyn Clock>,
    meter: Arc<ConnectionMeter>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The number of bytes of `output` that are written.
    written: usize,
    unflushed: bool,
    /// The time and the future of the timer. It may fire before the session is due, and is then set again.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
    phase: Phase,
    linger: Linger,
    /// The turns are those of the watchdog.
    is_late: bool,
    /// The last poll has made progress.
    has_progressed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Up,
    /// The session sends its last frames and a goodbye.
    Closing,
}

/// The pause before frames are taken from the outbox, in which the tasks that are ready add theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linger {
    /// The last batch was one frame, so another one will hardly follow.
    Off,
    /// The next batch waits for one poll.
    On,
    /// The next batch waits until the next poll.
    Waiting,
    /// The batch has waited.
    Over,
}

/// Ends the outbox when the driver is dropped.
struct OutboxGuard(Arc<Outbox>);

impl Drop for OutboxGuard {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The result of one step: `true` if it made progress, or how the connection ended.
type Step = Result<bool, Closed>;

impl<F: FnMut(Event) -> Reaction + Send> Driver<F> {
    pub(super) fn new(
        stream: BoxedStream,
        session: Session,
        outbox: Arc<Outbox>,
        sink: F,
        clock: Arc<dyn Clock>,
        meter: Arc<ConnectionMeter>,
    ) -> Driver<F> {
        Driver {
            stream,
            session,
            outbox: OutboxGuard(outbox),
            sink,
            clock,
            meter,
            input: vec![0; READ],
            output: Vec::new(),
            written: 0,
            unflushed: false,
            timer: None,
            phase: Phase::Greeting,
            linger: Linger::Off,
            is_late: false,
            has_progressed: false,
        }
    }

    /// Takes the turns of a task that does not run. The runtime's reactor may not run either, so the stream is read and
    /// written without it.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        self.is_late = true;
        self.has_progressed = false;
        let polled = self.poll(cx);
        self.is_late = false;
        polled
    }

    pub(super) fn tick(&self) -> Duration {
        self.session.tick()
    }

    /// Returns `true` if the last of the watchdog's polls has made progress.
    pub(super) fn has_progressed(&self) -> bool {
        self.has_progressed
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        match ready!(self.poll_turns(cx)) {
            Ok(()) => Poll::Ready(Closed::ByThisNode),
            Err(closed) => {
                self.write_rejection(cx);
                Poll::Ready(closed)
            }
        }
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        if self.linger == Linger::Waiting {
            self.linger = Linger::Over;
        }
        for _ in 0..TURNS {
            self.session.check_budget(cx.waker()).map_err(Closed::Session)?;
            let mut progress = self.read(cx)?;
            progress |= self.handle_timer(cx)?;
            progress |= self.take_work(cx)?;
            progress |= self.write(cx)?;
            if self.session.is_over() && self.output.is_empty() {
                // The peer closes the stream when it has read the goodbye. This side must wait for that: a socket that
                // is closed with unread bytes resets the connection, and bytes on their way are lost.
                let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
                if self.session.poll_timeout().is_none() {
                    return Poll::Ready(Ok(()));
                }
            }
            if !progress {
                return Poll::Pending;
            }
            self.has_progressed = true;
        }
        // Other tasks have waited long enough for this thread.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        // A connection that closes is read to the end in any case, since its frames are dropped.
        if !self.session.is_read() && self.phase != Phase::Closing {
            return Ok(false);
        }
        let length = match self.poll_read(cx) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(self.lost(Some(error))),
            Poll::Ready(Ok(length)) => length,
        };
        if length == 0 {
            return Err(self.lost(None));
        }
        self.meter.received(length);
        let done = self.session.handle_bytes(self.clock.now(), &self.input[..length]);
        self.emit_events()?;
        done.map(|()| true).map_err(Closed::Session)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(done) => Poll::Ready(done.map(|()| buffer.filled().len())),
            Poll::Pending if self.is_late => poll_of(self.stream.read_now(&mut self.input)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let rest = &self.output[self.written..];
        match Pin::new(&mut self.stream).poll_write(cx, rest) {
            Poll::Pending if self.is_late => poll_of(self.stream.write_now(rest)),
            polled => polled,
        }
    }

    /// The reason after the end of the stream. During a handshake the session determines it.
    fn lost(&mut self, error: Option<io::Error>) -> Closed {
        match (self.session.handle_end(), error) {
            _ if self.phase == Phase::Closing => Closed::ByThisNode,
            (Some(error), _) => Closed::Session(error),
            (None, Some(error)) => Closed::Io(error),
            (None, None) => Closed::Lost,
        }
    }

    /// Passes the session's events to the sink.
    fn emit_events(&mut self) -> Result<(), Closed> {
        while let Some(event) = self.session.poll_event() {
            if let Event::Up(_) = event {
                self.outbox.0.open(self.session.frame_limit());
                self.phase = Phase::Up;
            }
            let goodbye = event == Event::Goodbye;
            self.emit(event);
            if goodbye {
                return Err(if self.phase == Phase::Closing { Closed::ByThisNode } else { Closed::ByPeer });
            }
        }
        Ok(())
    }

    fn emit(&mut self, event: Event) {
        if self.phase == Phase::Closing {
            return;
        }
        if let ControlFlow::Break(outbox) = (self.sink)(event) {
            if let Some(outbox) = outbox {
                self.outbox = OutboxGuard(outbox);
            } else {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closing;
        self.outbox.0.close();
        self.session.close(self.clock.now());
    }

    fn handle_timer(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(due) = self.session.poll_timeout() else { return Ok(false) };
        loop {
            let now = self.clock.now();
            if due <= now {
                self.session.handle_timeout(now).map_err(|error| match (self.phase, error) {
                    (Phase::Closing, _) => Closed::ByThisNode,
                    (_, error) => Closed::Session(error),
                })?;
                self.emit_events()?;
                return Ok(true);
            }
            // A session that sends is due later and later. The timer stays as it is until it fires, and is set again
            // then.
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

    /// Moves the frames of the outbox into the session, where lanes take turns.
    fn take_work(&mut self, cx: &mut Context<'_>) -> Step {
        // A paused connection takes no frames, and its commands are executed.
        let up = self.phase == Phase::Up && self.session.is_flowing();
        let closing = self.phase == Phase::Closing;
        // The watchdog does not linger: no other task may be able to run.
        if up && !self.is_late {
            if self.linger == Linger::On && self.outbox.0.has_frames() {
                self.linger = Linger::Waiting;
                cx.waker().wake_by_ref();
            }
            if self.linger == Linger::Waiting {
                return Ok(false);
            }
        }
        match self.outbox.0.poll_work(cx, up, closing) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Work::Execute(command)) => self.execute(command)?,
            Poll::Ready(Work::Close) => self.close(),
            Poll::Ready(Work::Replace(outbox)) => {
                let lost = outbox.open(self.session.frame_limit());
                if lost > 0 {
                    log::warn!(target: "greenroom", lost, "messages are larger than the peer accepts: they are lost");
                }
                self.outbox = OutboxGuard(outbox);
            }
            Poll::Ready(Work::Send(mut batch)) => {
                for definition in batch.take_definitions() {
                    self.session.define(definition);
                }
                self.linger = if batch.len() > 1 { Linger::On } else { Linger::Off };
                for (lane, frame) in batch.into_frames() {
                    let size = frame.len();
                    // Fails if the session has ended meanwhile.
                    if self.session.send(lane, frame).is_err() {
                        let mut lost = Backlog::default();
                        lost.grow(size);
                        self.outbox.0.transmitted(lost);
                    }
                }
            }
        }
        Ok(true)
    }

    fn execute(&mut self, command: Command) -> Result<(), Closed> {
        let now = self.clock.now();
        match command {
            Command::Admit(tokens) => self.session.admit(now, tokens).map_err(Closed::Session)?,
            Command::Refuse(refusal) => self.session.refuse(now, refusal).map_err(Closed::Session)?,
            Command::Probe => self.session.probe(now),
            Command::Accept(intake) => self.session.set_intake(now, intake),
            Command::Pause(token) => self.session.pause(token),
            Command::Resume => self.session.resume(),
            Command::Abort => return Err(Closed::Aborted),
        }
        self.emit_events()
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Step {
        let mut progress = false;
        if self.output.is_empty() {
            let before = self.session.backlog();
            self.session.poll_transmit(self.clock.now(), &mut self.output);
            let sent = self.session.backlog().since(before);
            if sent.bytes > 0 {
                self.outbox.0.transmitted(sent);
            }
            // A pause can have come to its next state.
            self.emit_events()?;
        }
        while self.written < self.output.len() {
            match self.poll_write(cx) {
                Poll::Pending => return Ok(progress),
                Poll::Ready(Ok(0)) => return Err(self.lost(Some(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(count)) => {
                    self.meter.sent(count);
                    self.written += count;
                }
                Poll::Ready(Err(error)) => return Err(self.lost(Some(error))),
            }
            progress = true;
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
        Ok(progress)
    }

    /// Writes the last bytes of a failed handshake, as far as the stream takes them now.
    fn write_rejection(&mut self, cx: &mut Context<'_>) {
        if self.phase == Phase::Greeting {
            self.session.poll_transmit(self.clock.now(), &mut self.output);
            let _ = Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]);
        }
        let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
    }
}

/// Returns the outcome of an attempt that does not wait.
fn poll_of(done: io::Result<usize>) -> Poll<io::Result<usize>> {
    match done {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::ByThisNode => f.write_str("closed by this node"),
            Closed::ByPeer => f.write_str("closed by the peer"),
            Closed::Lost => f.write_str("the connection broke without a goodbye"),
            Closed::Io(error) => write!(f, "the connection failed: {error}"),
            Closed::Session(error) => write!(f, "{error}"),
            Closed::Aborted => f.write_str("the peer did not answer on this connection"),
        }
    }
}
