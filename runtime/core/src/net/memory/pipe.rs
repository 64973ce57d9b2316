//! One stream in memory: two pipes, each with the bytes that are on their way.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::Stream;
use super::{BoxFuture, Route, Shared};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The most bytes that are on their way in a pipe.
const CAPACITY: usize = 64 * 1024;

/// A stream between two hosts.
pub(super) struct Duplex {
    shared: Arc<Shared>,
    state: Mutex<PipeState>,
}

struct PipeState {
    /// The bytes that each side sends.
    pipes: [Pipe; 2],
    broken: bool,
}

struct Pipe {
    /// The pieces on their way, each with the time at which it arrives.
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    length: usize,
    /// The time at which the last piece arrives. Later pieces do not arrive earlier.
    last: Instant,
    /// The time from which on a throttled pipe takes the next piece.
    free: Instant,
    route: Route,
    /// The sender has closed this direction.
    ended: bool,
    /// The reader is gone.
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Duplex {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Duplex> {
        let last = shared.clock.now();
        let pipes = [(); 2].map(|()| Pipe {
            pieces: VecDeque::new(),
            length: 0,
            last,
            free: last,
            route: Route::default(),
            ended: false,
            reader_gone: false,
            reader: None,
            writer: None,
        });
        Arc::new(Duplex { shared, state: Mutex::new(PipeState { pipes, broken: false }) })
    }

    // A panic while the lock was held cannot have left a change half done.
    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the route of the bytes that one side sends.
    pub(super) fn set_route(&self, side: usize, route: &Route) {
        let mut state = self.lock();
        state.pipes[side].route = route.clone();
        // A sender notices the end of its reader by the other direction.
        let woken = [state.pipes[side].reader.take(), state.pipes[1 - side].writer.take()];
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// Ends the stream in both directions. Bytes on their way are lost.
    pub(super) fn reset(&self) {
        let mut state = self.lock();
        state.broken = true;
        let woken: Vec<_> = state.pipes.iter_mut().flat_map(|pipe| [pipe.reader.take(), pipe.writer.take()]).collect();
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

/// One end of a stream.
pub(super) struct DuplexEnd {
    duplex: Arc<Duplex>,
    side: usize,
    /// The timer of the next piece.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
}

impl DuplexEnd {
    pub(super) fn new(duplex: Arc<Duplex>, side: usize) -> DuplexEnd {
        DuplexEnd { duplex, side, timer: None }
    }
}

impl AsyncRead for DuplexEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let DuplexEnd { duplex, side, timer } = self.get_mut();
        let shared = &duplex.shared;
        loop {
            let mut state = duplex.lock();
            if state.broken {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let pipe = &mut state.pipes[1 - *side];
            let next = pipe.pieces.front().map(|(due, _)| *due).or_else(|| pipe.ended.then_some(pipe.last));
            let Some(due) = next.filter(|_| !pipe.route.held) else {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if due <= shared.clock.now() {
                let Some((_, piece)) = pipe.pieces.front_mut() else { return Poll::Ready(Ok(())) };
                let count = piece.len().min(buffer.remaining());
                let (one, two) = piece.as_slices();
                let split = count.min(one.len());
                buffer.put_slice(&one[..split]);
                buffer.put_slice(&two[..count - split]);
                piece.drain(..count);
                if piece.is_empty() {
                    pipe.pieces.pop_front();
                }
                pipe.length -= count;
                let writer = pipe.writer.take();
                drop(state);
                writer.into_iter().for_each(Waker::wake);
                return Poll::Ready(Ok(()));
            }
            pipe.reader = Some(cx.waker().clone());
            drop(state);
            let (_, timeout) = match &mut *timer {
                Some(timer) if timer.0 == due => timer,
                timer => timer.insert((due, shared.clock.sleep_until(due))),
            };
            if timeout.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *timer = None;
        }
    }
}

impl AsyncWrite for DuplexEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let DuplexEnd { duplex, side, .. } = self.get_mut();
        let shared = &duplex.shared;
        let mut state = duplex.lock();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let notified = !state.pipes[1 - *side].route.held;
        let pipe = &mut state.pipes[*side];
        if pipe.reader_gone && notified {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut count = bytes.len().min(CAPACITY - pipe.length);
        if count == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // A stream may be split anywhere.
        if shared.rng.below(8) == 0 {
            count = usize::try_from(shared.rng.below(count as u64)).unwrap_or(0) + 1;
        }
        let mut sent = shared.clock.now();
        if let Some(rate) = pipe.route.rate.map(NonZeroU32::get) {
            // A piece arrives as a whole: it takes a tenth of a second at most.
            count = count.min(rate.div_ceil(10) as usize);
            pipe.free = pipe.free.max(sent) + Duration::from_secs(count as u64) / rate;
            sent = pipe.free;
        }
        pipe.last = pipe.last.max(sent + shared.draw(pipe.route.delay.as_ref()));
        let piece = (pipe.last, bytes[..count].iter().copied().collect());
        pipe.pieces.push_back(piece);
        pipe.length += count;
        let reader = pipe.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(false);
        Poll::Ready(Ok(()))
    }
}

impl DuplexEnd {
    /// Closes the sending direction, and with `reader_gone` the other one too.
    fn end(&self, reader_gone: bool) {
        let DuplexEnd { duplex, side, .. } = self;
        let mut state = duplex.lock();
        let now = duplex.shared.clock.now();
        let pipe = &mut state.pipes[*side];
        let mut woken = Vec::new();
        // Only once: two ends that close again and again would wake each other forever.
        if !std::mem::replace(&mut pipe.ended, true) {
            pipe.last = pipe.last.max(now + duplex.shared.draw(pipe.route.delay.as_ref()));
            woken.push(pipe.reader.take());
        }
        if reader_gone {
            let pipe = &mut state.pipes[1 - *side];
            pipe.reader_gone = true;
            woken.push(pipe.writer.take());
        }
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Stream for DuplexEnd {}

impl Drop for DuplexEnd {
    fn drop(&mut self) {
        self.end(true);
    }
}
