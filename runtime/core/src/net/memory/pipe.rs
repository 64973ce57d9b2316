//! One stream: two pipes, each with what is on its way.

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Board, BoxFuture};

/// What a pipe holds on its way, in bytes.
const ROOM: usize = 64 * 1024;

/// A stream between two hosts.
pub(super) struct Wire {
    board: Arc<Board>,
    state: Mutex<State>,
}

struct State {
    /// What each side sends.
    pipes: [Pipe; 2],
    broken: bool,
}

struct Pipe {
    /// What is on its way, and when it arrives.
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    length: usize,
    /// When the last piece arrives: what follows is not earlier.
    last: Instant,
    held: bool,
    delay: Option<RangeInclusive<Duration>>,
    /// The sender has said that it is done.
    ended: bool,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    pub(super) fn new(board: Arc<Board>) -> Arc<Wire> {
        let last = board.clock.now();
        let pipes = [(); 2].map(|()| Pipe {
            pieces: VecDeque::new(),
            length: 0,
            last,
            held: false,
            delay: None,
            ended: false,
            deaf: false,
            reader: None,
            writer: None,
        });
        Arc::new(Wire { board, state: Mutex::new(State { pipes, broken: false }) })
    }

    /// A panic elsewhere while the lock was held left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how it goes for what one side sends.
    pub(super) fn set_way(&self, side: usize, held: bool, delay: Option<RangeInclusive<Duration>>) {
        let mut state = self.lock();
        state.pipes[side].held = held;
        state.pipes[side].delay = delay;
        // A sender hears of its reader's end by what comes back.
        let woken = [state.pipes[side].reader.take(), state.pipes[1 - side].writer.take()];
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// Ends the stream in both directions; what is on its way is lost.
    pub(super) fn break_off(&self) {
        let mut state = self.lock();
        state.broken = true;
        let woken: Vec<_> = state.pipes.iter_mut().flat_map(|pipe| [pipe.reader.take(), pipe.writer.take()]).collect();
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

/// A stream's side in the hands of its user.
pub(super) struct Plug {
    wire: Arc<Wire>,
    side: usize,
    /// Rings when the next piece arrives.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
}

impl Plug {
    pub(super) fn new(wire: Arc<Wire>, side: usize) -> Plug {
        Plug { wire, side, timer: None }
    }
}

impl AsyncRead for Plug {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Plug { wire, side, timer } = self.get_mut();
        let board = &wire.board;
        loop {
            let mut state = wire.lock();
            if state.broken {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let pipe = &mut state.pipes[1 - *side];
            let next = pipe.pieces.front().map(|(due, _)| *due).or_else(|| pipe.ended.then_some(pipe.last));
            let Some(due) = next.filter(|_| !pipe.held) else {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if due <= board.clock.now() {
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
            let (_, rings) = match &mut *timer {
                Some(timer) if timer.0 == due => timer,
                timer => timer.insert((due, board.clock.sleep_until(due))),
            };
            if rings.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *timer = None;
        }
    }
}

impl AsyncWrite for Plug {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Plug { wire, side, .. } = self.get_mut();
        let board = &wire.board;
        let mut state = wire.lock();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let told = !state.pipes[1 - *side].held;
        let pipe = &mut state.pipes[*side];
        if pipe.deaf && told {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut count = bytes.len().min(ROOM - pipe.length);
        if count == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // A stream may come apart anywhere.
        if board.rng.below(8) == 0 {
            count = usize::try_from(board.rng.below(count as u64)).unwrap_or(0) + 1;
        }
        pipe.last = pipe.last.max(board.clock.now() + board.draw(pipe.delay.as_ref()));
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

impl Plug {
    /// Sends nothing more, and reads nothing more if `deaf`.
    fn end(&self, deaf: bool) {
        let Plug { wire, side, .. } = self;
        let mut state = wire.lock();
        let now = wire.board.clock.now();
        let pipe = &mut state.pipes[*side];
        let mut woken = Vec::new();
        // Once: two ends that close again and again would wake each other without an end.
        if !std::mem::replace(&mut pipe.ended, true) {
            pipe.last = pipe.last.max(now + wire.board.draw(pipe.delay.as_ref()));
            woken.push(pipe.reader.take());
        }
        if deaf {
            let pipe = &mut state.pipes[1 - *side];
            pipe.deaf = true;
            woken.push(pipe.writer.take());
        }
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        self.end(true);
    }
}
