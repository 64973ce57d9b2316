//! A port as a value: the command and its options.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::Command;
use std::time::Duration;

use tokio::sync::oneshot;

use super::decoder::{Format, FrameLength};
use super::output::PortOutput;
use super::program::Program;
use crate::actor::Stub;
use crate::base::{Exit, Receives};
use crate::call::Recipient;
use crate::node::Node;

/// A program of the operating system as a process.
///
/// [`cx.port(command)`](crate::Mailbox::port) starts one whose owner is the caller. A `Port` is also an actor: it has
/// [`spawn` and `start`](crate::Spawn), and can be the child of a supervisor, which starts the program again if it
/// fails. [`PortRef`](crate::PortRef) is its stub. The model is
/// [`open_port/2`](https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2).
///
/// ```
/// use std::process::Command;
///
/// use greenroom::Port;
/// use greenroom::prelude::*;
/// # use greenroom::PortOutput;
/// # #[actor]
/// # #[derive(Default)]
/// # struct Store;
/// # #[actor]
/// # impl Store {
/// #     #[from]
/// #     fn measured(&mut self, _: PortOutput) {}
/// # }
///
/// #[supervisor(strategy = rest_for_one)]
/// struct Station {
///     #[child]
///     store: Store,
///     #[child(start = Port::new(Command::new("cat")).output_to(&store))]
///     sensor: Port,
/// }
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// # let station = Station {}.start().await?;
/// # station.sensor().send("21\n".into()).await?;
/// # station.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # Exit
/// - The program exits with status zero: [`Exit::Normal`](crate::Exit::Normal), after all of its output was delivered.
/// - Another status, or a signal: an [`Exit::Error`](crate::Exit::Error) such as `exit status: 2` or
///   `signal: 9 (SIGKILL)`.
/// - The program cannot be started, breaks the format of [frames](Port::frames), or is sent a frame that is too long:
///   an [`Exit::Error`](crate::Exit::Error) that states so.
/// - The port is stopped, or receives an exit signal: that reason. Writes that wait in its mailbox are lost.
/// - The owner exits, even with [`Exit::Normal`](crate::Exit::Normal): the reason of the owner.
///
/// A port that exits before its program ends the program: it closes the pipes and sends SIGTERM, and after
/// [`stop_timeout`](Port::stop_timeout) SIGKILL. A port that is killed sends SIGKILL at once. On Windows the program is
/// terminated at once. The process has exited when the program is gone: only then its name is free, links and watchers
/// are notified, and a supervisor restarts it.
///
/// On Unix the program has a process group of its own. The signals go to the whole group. When the program exits by
/// itself, the rest of its group is killed. A program that leaves its group, as a daemon does, is not ended. Ctrl-c in
/// a terminal reaches the node alone, which then stops its ports. If the node itself is killed by SIGKILL, its programs
/// continue to run; they find the end of their input.
#[must_use = "a port starts its program only when it is spawned, started, or given to `cx.port(..)` or a supervisor"]
pub struct Port {
    pub(super) command: Command,
    pub(super) format: Format,
    pub(super) max_length: usize,
    pub(super) stderr: bool,
    pub(super) stop_timeout: Duration,
    pub(super) name: Option<String>,
    pub(super) receiver: Option<Recipient<PortOutput>>,
    /// Resolves with the exit reason of the owner.
    pub(super) owner: Option<oneshot::Receiver<Exit>>,
    /// The program, if it was started before the process.
    pub(super) program: Option<Program>,
}

/// The default of [`Port::max_length`].
const MAX_LENGTH: usize = 64 * 1024;
/// The default of [`Port::stop_timeout`], less than the time that a supervisor gives a child to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

impl Port {
    /// Makes the port of a command.
    ///
    /// Standard input is always a pipe. Standard output is a pipe if it has a receiver: the owner, or the process in
    /// [`output_to`](Port::output_to). Standard error is one with the option [`stderr`](Port::stderr). Otherwise the
    /// two are as the command sets them, by default those of the node.
    pub fn new(command: Command) -> Port {
        Port {
            command,
            format: Format::Lines,
            max_length: MAX_LENGTH,
            stderr: false,
            stop_timeout: STOP_TIMEOUT,
            name: None,
            receiver: None,
            owner: None,
            program: None,
        }
    }

    /// Sends the output to this process, in place of the owner. Its protocol needs a variant
    /// `#[from] Output(PortOutput)`.
    ///
    /// If its mailbox is bounded with `overflow = wait` and full, the port reads no more until there is room. The
    /// program is then suspended by its full pipe. Output for a process that does not exist is lost, as with every
    /// cast.
    pub fn output_to<S: Stub>(mut self, process: &S) -> Port
    where
        S::Protocol: Receives<PortOutput>,
    {
        self.receiver = Some(process.recipient());
        self
    }

    /// Makes standard input and output sequences of frames, each with its length in front, instead of lines.
    ///
    /// [`send`](crate::PortRef::send) adds the length, and the output arrives without it. Standard error stays lines.
    pub fn frames(mut self, length: FrameLength) -> Port {
        self.format = Format::Frames(length);
        self
    }

    /// Sets the maximum length of a line or a frame in bytes. The default is 64 KiB, the minimum 1.
    ///
    /// A longer line is delivered in parts, with [`is_complete`](PortOutput::is_complete) unset, as by Erlang's
    /// `{line, L}`: no output is lost, and memory is bounded. A longer frame ends the port with an error: its length is
    /// the program's own statement, and a part of a frame has no meaning.
    pub fn max_length(mut self, bytes: usize) -> Port {
        self.max_length = bytes.max(1);
        self
    }

    /// Delivers the lines of standard error, too, with [`PortStream::Error`](crate::PortStream::Error). The order
    /// between lines of the two pipes is not kept.
    ///
    /// Without a receiver of the output it has no effect.
    pub fn stderr(mut self) -> Port {
        self.stderr = true;
        self
    }

    /// Sets the time that the program has between SIGTERM and SIGKILL. The default is 2 s.
    ///
    /// For a child of a supervisor it should be shorter than the child's `shutdown`. It is also the time for which the
    /// port waits for output that comes after the program's exit, from a program that has left the group.
    ///
    /// The time passes on the node's clock. A paused clock does not wait for programs: the time is over as soon as no
    /// process can run. Tests with ports therefore use `#[greenroom::test(clock = real)]`.
    pub fn stop_timeout(mut self, limit: Duration) -> Port {
        self.stop_timeout = limit;
        self
    }

    /// Registers the process under this name when it starts.
    pub fn name(mut self, name: impl Into<String>) -> Port {
        self.name = Some(name.into());
        self
    }

    /// Starts the program.
    pub(super) fn start_program(&mut self, node: &Node) -> Result<&mut Program, PortError> {
        let command = std::mem::replace(&mut self.command, Command::new(""));
        let program = command.get_program().to_string_lossy().into_owned();
        let has_receiver = self.receiver.is_some();
        let started = Program::start(command, [has_receiver, has_receiver && self.stderr], node, self.stop_timeout);
        started.map(|started| self.program.insert(started)).map_err(|error| PortError { program, error })
    }
}

impl From<Command> for Port {
    fn from(command: Command) -> Port {
        Port::new(command)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("command", &self.command)
            .field("format", &self.format)
            .field("output_to", &self.receiver)
            .finish_non_exhaustive()
    }
}

/// The error of a program that cannot be started.
///
/// In a process, `?` converts it into an [`Exit`](crate::Exit).
#[derive(Debug)]
pub struct PortError {
    program: String,
    error: io::Error,
}

impl PortError {
    /// Returns the program, as the command names it.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Returns the kind of the error: [`NotFound`](io::ErrorKind::NotFound),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied), and others.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start the program `{}`", self.program)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
