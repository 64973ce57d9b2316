//! The body of a port's process: it moves bytes through the pipes until the program exits.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::ChildStdin;
use tokio::sync::oneshot;

use super::decoder::{Decoder, Format, FrameError, Piece};
use super::options::Port;
use super::output::{PortOutput, PortStream};
use super::program::{Pipes, Program};
use super::protocol::PortMessage;
use crate::actor::Stub;
use crate::base::{Exit, Pid};
use crate::call::{Cast, Recipient};
use crate::node::Node;
use crate::process::Mailbox;

/// The state of the transfer. One poll does what is possible in each direction.
pub(super) struct Transfer {
    input: Input,
    output: Output,
    /// The exit reason of the owner.
    owner: Option<oneshot::Receiver<Exit>>,
    status: Option<io::Result<ExitStatus>>,
    program: Program,
}

/// The program's standard input.
struct Input {
    format: Format,
    /// `None` after it was closed, by either side.
    pipe: Option<ChildStdin>,
    /// The current write, and the number of its bytes that have been written.
    write: Vec<u8>,
    written: usize,
}

/// The program's output, on its way to the receiver.
struct Output {
    me: Pid,
    receiver: Option<Recipient<PortOutput>>,
    sources: [Option<Source>; 2],
    /// The last message, until it is in the receiver's mailbox.
    sending: Option<Cast>,
    /// The reason why the rest of the output is not valid.
    failure: Option<Exit>,
    buffer: Box<[u8]>,
    node: Node,
    stop_timeout: Duration,
    /// The time without output that remains after the program's exit.
    silence: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// One of the program's pipes for output.
struct Source {
    stream: PortStream,
    pipe: Box<dyn AsyncRead + Send + Unpin>,
    decoder: Decoder,
}

/// The number of messages after which a port yields to other tasks.
const BUDGET: u8 = 64;
/// The number of bytes that one read takes at most.
const READ: usize = 8 * 1024;

impl Transfer {
    pub(super) fn new(port: &mut Port, mut program: Program, node: Node, me: Pid) -> Transfer {
        let Pipes { input, output, errors } = mem::take(&mut program.pipes);
        let source =
            |stream, pipe, format| Some(Source { stream, pipe, decoder: Decoder::new(format, port.max_length) });
        let sources = [
            output.and_then(|pipe| source(PortStream::Output, Box::new(pipe), port.format)),
            errors.and_then(|pipe| source(PortStream::Error, Box::new(pipe), Format::Lines)),
        ];
        let input = Input { format: port.format, pipe: input, write: Vec::new(), written: 0 };
        let output = Output {
            me,
            receiver: port.receiver.take(),
            sources,
            sending: None,
            failure: None,
            buffer: vec![0; READ].into(),
            node,
            stop_timeout: port.stop_timeout,
            silence: None,
        };
        Transfer { input, output, owner: port.owner.take(), status: None, program }
    }

    /// Resolves with the result of the process. Cancel-safe.
    pub(super) fn poll(&mut self, mailbox: &mut Mailbox<PortMessage>, cx: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        if let Some(owner) = &mut self.owner
            && let Poll::Ready(reason) = Pin::new(owner).poll(cx)
        {
            self.owner = None;
            match reason {
                Ok(Exit::Normal) => return Poll::Ready(Ok(())),
                // Has the effect of the owner's exit signal, which comes too if the two are linked.
                Ok(reason) => mailbox.me().exit(reason),
                // The runtime ends.
                Err(_) => {}
            }
        }
        if let Poll::Ready(error) = self.input.poll(mailbox, cx) {
            return Poll::Ready(Err(error));
        }
        if self.status.is_none()
            && let Poll::Ready(status) = self.program.poll_exit(cx)
        {
            self.status = Some(status);
        }
        let has_exited = self.status.is_some();
        ready!(self.output.poll(has_exited, cx))?;
        match self.status.take() {
            None => Poll::Pending,
            Some(Ok(status)) if status.success() => Poll::Ready(self.output.failure.take().map_or(Ok(()), Err)),
            Some(Ok(status)) => Poll::Ready(Err(Exit::error(status))),
            Some(Err(error)) => Poll::Ready(Err(Exit::error(format_args!("the exit status is not known: {error}")))),
        }
    }
}

impl Input {
    /// Writes as much as the pipe takes. Resolves only with an error.
    fn poll(&mut self, mailbox: &mut Mailbox<PortMessage>, cx: &mut Context<'_>) -> Poll<Exit> {
        loop {
            while let Some(pipe) = &mut self.pipe
                && self.written < self.write.len()
            {
                match ready!(Pin::new(pipe).poll_write(cx, &self.write[self.written..])) {
                    Ok(written) => self.written += written,
                    // The program has closed its input, or has exited.
                    Err(_) => self.pipe = None,
                }
            }
            self.write = Vec::new();
            self.written = 0;
            let message = ready!(pin!(mailbox.receive()).poll(cx));
            match message {
                PortMessage::Write { bytes } if self.pipe.is_some() => match self.format.encode(bytes) {
                    Ok(write) => self.write = write,
                    Err(error) => return Poll::Ready(frame_exit(error)),
                },
                PortMessage::Write { .. } => mailbox.node().loss_counts().count_lost_messages(1),
                PortMessage::CloseInput => self.pipe = None,
            }
        }
    }
}

impl Output {
    /// Resolves when all output has been delivered.
    fn poll(&mut self, has_exited: bool, cx: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        let mut budget = BUDGET;
        loop {
            if let Some(cast) = &mut self.sending {
                // The receiver is gone, or its overflow policy refused the message, and has counted it.
                let _ = ready!(Pin::new(cast).poll(cx));
                self.sending = None;
            }
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.send_next()? {
                budget -= 1;
                continue;
            }
            if self.poll_read(cx) {
                self.silence = None;
                continue;
            }
            if self.sources.iter().all(Option::is_none) {
                return Poll::Ready(Ok(()));
            }
            if !has_exited {
                return Poll::Pending;
            }
            ready!(self.poll_silence(cx));
            self.sources.each_mut().into_iter().for_each(|source| {
                if let Some(source) = source {
                    source.pipe = Box::new(io::Cursor::new([]));
                }
            });
        }
    }

    /// Sends the next line or frame that has arrived; returns false if no complete one is left.
    fn send_next(&mut self) -> Result<bool, Exit> {
        for source in self.sources.iter_mut().flatten() {
            if let Some(piece) = source.decoder.next().map_err(frame_exit)? {
                let stream = source.stream;
                self.send(stream, piece);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn send(&mut self, stream: PortStream, Piece { bytes, is_complete }: Piece) {
        let output = PortOutput { port: self.me.clone(), stream, bytes, is_complete };
        self.sending = self.receiver.as_ref().map(|receiver| receiver.send(output));
    }

    /// Reads from each pipe once. Returns whether any of them had bytes, or has ended.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        let mut has_read = false;
        for at in 0..self.sources.len() {
            let Some(source) = &mut self.sources[at] else { continue };
            let mut buffer = ReadBuf::new(&mut self.buffer);
            let Poll::Ready(result) = Pin::new(&mut source.pipe).poll_read(cx, &mut buffer) else { continue };
            has_read = true;
            // A pipe that fails has no more output.
            if result.is_ok() && !buffer.filled().is_empty() {
                source.decoder.push(buffer.filled());
                continue;
            }
            let (stream, rest) = (source.stream, source.decoder.finish());
            self.sources[at] = None;
            match rest {
                Ok(None) => {}
                Ok(Some(piece)) => {
                    self.send(stream, piece);
                    // The message is sent before anything else is read.
                    return true;
                }
                Err(error) => self.failure = Some(frame_exit(error)),
            }
        }
        has_read
    }

    /// Resolves when the pipes have been silent for the time limit.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.node.clock();
        let timer = self.silence.get_or_insert_with(|| match clock.now().checked_add(self.stop_timeout) {
            Some(at) => clock.sleep_until(at),
            // A time that the clock cannot represent never comes.
            None => Box::pin(std::future::pending()),
        });
        timer.as_mut().poll(cx)
    }
}

fn frame_exit(error: FrameError) -> Exit {
    Exit::error(error)
}
