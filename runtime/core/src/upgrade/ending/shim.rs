//! The shim: the first process of a program that was upgraded, where its end would be that of the service.
//!
//! It has no node. It forwards signals to the process that serves, collects the exit status of its children, and exits
//! with the status of the process that serves. Each later successor announces itself over the *line*, a pair of sockets
//! whose other end every successor inherits.
//!
//! | state | a signal | the serving process exits | an announcement | the line closes |
//! |---|---|---|---|---|
//! | serving | is forwarded | waiting, or exit if the line is closed | serving, with the new process | line closed |
//! | waiting for a successor that is about to announce itself | is kept | | serving | exit with the status |
//!
//! The line closes when no successor holds it: the serving process has exited, and no successor that can take over runs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::{env, process};

use nix::sys::signal::SigSet;
use nix::unistd::execve;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::log;
use crate::upgrade::launch;

/// The environment variable that makes this process a shim: its own number and that of the serving process. The own number
/// is kept by `exec`, so the variable has no effect in any other process.
const SHIM: &str = "GREENROOM_SHIM";

/// The signals that are forwarded.
const FORWARDED: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2, Signal::WINCH, Signal::ALARM];

/// A successor's end of the line to the shim.
#[derive(Debug)]
pub(in crate::upgrade) struct ShimLine(UnixStream);

impl ShimLine {
    /// Opens a line. The second end is the shim's.
    pub(in crate::upgrade) fn open() -> io::Result<(ShimLine, OwnedFd)> {
        let (line, shim) = UnixStream::pair()?;
        Ok((ShimLine(line), shim.into()))
    }

    /// Announces this process to the shim, since it serves now.
    pub(in crate::upgrade) fn announce(&self) {
        // Fails only if the shim is gone, which nothing waits for then.
        let _ = (&self.0).write_all(&process::id().to_le_bytes());
    }

    pub(in crate::upgrade) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<ShimLine> for OwnedFd {
    fn from(line: ShimLine) -> OwnedFd {
        line.0.into()
    }
}

impl From<OwnedFd> for ShimLine {
    fn from(line: OwnedFd) -> ShimLine {
        ShimLine(line.into())
    }
}

/// Replaces this program by the shim in front of the process with this number. Returns the error if it cannot.
///
/// By `exec`, so that every thread of the program ends, and its memory is returned. Signals are kept until the shim has
/// handlers for them.
pub(in crate::upgrade) fn become_shim(serving: u32, line: OwnedFd) -> io::Error {
    match exec_shim(serving, line) {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

fn exec_shim(serving: u32, line: OwnedFd) -> io::Result<Infallible> {
    // The file of this program may have been replaced. Linux still opens the file of the running program.
    let running = if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { launch::own_program() };
    let program = CString::new(running?.into_os_string().into_vec())?;
    let arguments = env::args_os().map(|argument| CString::new(argument.into_vec()));
    let kept = env::vars_os().filter(|(name, _)| name != SHIM);
    let shim = (OsString::from(SHIM), OsString::from(format!("{} {serving}", process::id())));
    let variables = kept.chain([shim]).map(|(name, value)| {
        let variable = [name.into_vec(), value.into_vec()].join(&b'=');
        CString::new(variable)
    });
    let (arguments, variables) = (arguments.collect::<Result<Vec<_>, _>>()?, variables.collect::<Result<Vec<_>, _>>()?);
    rustix::stdio::dup2_stdin(line)?;
    forwarded().thread_block()?;
    Ok(execve(&program, &arguments, &variables)?)
}

/// Returns the set of the signals that are forwarded.
fn forwarded() -> SigSet {
    FORWARDED.iter().filter_map(|signal| nix::sys::signal::Signal::try_from(signal.as_raw()).ok()).collect()
}

/// Runs the shim, if this process is to be one, and exits with the status of the process that serves.
pub(in crate::upgrade) fn run_if_requested() {
    let variable = env::var(SHIM).unwrap_or_default();
    let mut numbers = variable.split(' ').map(str::parse);
    let (Some(Ok(own)), Some(Ok(serving))) = (numbers.next(), numbers.next()) else { return };
    if own != process::id().cast_signed() {
        return;
    }
    let status = Pid::from_raw(serving).ok_or_else(|| io::Error::other("no process")).and_then(run);
    process::exit(status.unwrap_or_else(|error| {
        eprintln!("error: the process in front of an upgraded program has failed: {}", log::Escaped(error));
        1
    }))
}

/// The number of exits that are kept until their announcements are read.
const MAX_EXITED: usize = 64;

/// The shim as a state machine.
#[derive(Debug)]
struct Shim {
    serving: Pid,
    /// The status of the serving process, and the signals since, while a successor may announce itself.
    waiting: Option<(i32, Vec<Signal>)>,
    /// The latest of the other processes that have exited. Their announcements can be read after that.
    exited: VecDeque<(Pid, i32)>,
    line_is_open: bool,
}

#[derive(Debug)]
enum Event {
    Signal(Signal),
    Exited(Pid, i32),
    Announced(Pid),
    LineClosed,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Forward(Signal, Pid),
    Exit(i32),
}

impl Shim {
    fn new(serving: Pid) -> Shim {
        Shim { serving, waiting: None, exited: VecDeque::new(), line_is_open: true }
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Signal(signal) => match &mut self.waiting {
                None => return vec![Action::Forward(signal, self.serving)],
                Some((_, signals)) if !signals.contains(&signal) => signals.push(signal),
                Some(_) => {}
            },
            Event::Exited(process, status) if process == self.serving => match self.line_is_open {
                true => self.waiting = Some((status, Vec::new())),
                false => return vec![Action::Exit(status)],
            },
            // A successor, an earlier process that served, or a child of one.
            Event::Exited(process, status) => {
                self.exited.truncate(MAX_EXITED - 1);
                self.exited.push_front((process, status));
            }
            Event::Announced(process) if process == self.serving => {}
            Event::Announced(process) => {
                self.serving = process;
                let (_, signals) = self.waiting.take().unwrap_or_default();
                if let Some((_, status)) = self.exited.iter().find(|(exited, _)| *exited == process) {
                    return self.handle(Event::Exited(process, *status));
                }
                return signals.into_iter().map(|signal| Action::Forward(signal, process)).collect();
            }
            Event::LineClosed => {
                self.line_is_open = false;
                return self.waiting.iter().map(|(status, _)| Action::Exit(*status)).collect();
            }
        }
        Vec::new()
    }
}

/// Runs the shim until the serving process has exited. Returns its status.
fn run(serving: Pid) -> io::Result<i32> {
    // The successors of its children become its children, so that it can collect their status.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let (sender, mut signals) = mpsc::channel(16);
        for forwarded in FORWARDED {
            let mut received = signal(SignalKind::from_raw(forwarded.as_raw()))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some(()) = received.recv().await {
                    // Fails only at the end.
                    let _ = sender.send(forwarded).await;
                }
            });
        }
        let mut ended = signal(SignalKind::child())?;
        // Those that have arrived since `exec` are handled now.
        forwarded().thread_unblock()?;
        let line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        line.set_nonblocking(true)?;
        let line = tokio::net::UnixStream::from_std(line)?;
        let (mut shim, mut signal) = (Shim::new(serving), None);
        loop {
            let exits = children();
            let (announced, closed) = announcements(&line);
            let events = exits.into_iter().chain(announced).chain(closed).chain(signal.take().map(Event::Signal));
            for action in events.flat_map(|event| shim.handle(event)).collect::<Vec<_>>() {
                match action {
                    // Fails if the process has exited, which is one of the next events.
                    Action::Forward(signal, to) => drop(kill_process(to, signal)),
                    Action::Exit(status) => return Ok(status),
                }
            }
            tokio::select! {
                received = signals.recv() => signal = received,
                _ = ended.recv() => {}
                _ = line.readable(), if shim.line_is_open => {}
            }
        }
    })
}

/// Returns the announcements that have arrived, and the end of the line if it is closed.
fn announcements(line: &tokio::net::UnixStream) -> (Vec<Event>, Option<Event>) {
    let (mut announced, mut number) = (Vec::new(), [0; 4]);
    loop {
        match line.try_read(&mut number) {
            // A number is written in one piece.
            Ok(4) => announced.extend(Pid::from_raw(i32::from_le_bytes(number)).map(Event::Announced)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (announced, None),
            Ok(_) | Err(_) => return (announced, Some(Event::LineClosed)),
        }
    }
}

/// Returns the children that have exited since the last call.
fn children() -> Vec<Event> {
    let next = || wait(WaitOptions::NOHANG).ok().flatten();
    std::iter::from_fn(next).map(|(process, status)| Event::Exited(process, exit_status(status))).collect()
}

/// Returns the status as a shell reports it.
fn exit_status(status: WaitStatus) -> i32 {
    status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    #[track_caller]
    fn check(events: Vec<Event>, expected: &[Action]) {
        let mut shim = Shim::new(pid(10));
        let actions: Vec<_> = events.into_iter().flat_map(|event| shim.handle(event)).collect();
        assert_eq!(actions, expected);
    }

    #[test]
    fn the_shim_exits_with_the_status_of_the_last_process_that_served() {
        use Event::{Announced, Exited, LineClosed};
        check(vec![Exited(pid(10), 3), LineClosed], &[Action::Exit(3)]);
        check(vec![LineClosed, Exited(pid(10), 3)], &[Action::Exit(3)]);
        // An upgrade: the announcement comes before or after the end of the process that served.
        check(vec![Announced(pid(11)), Exited(pid(10), 0), LineClosed, Exited(pid(11), 5)], &[Action::Exit(5)]);
        check(vec![Exited(pid(10), 0), Announced(pid(11)), LineClosed, Exited(pid(11), 5)], &[Action::Exit(5)]);
        // It is announced after its exit.
        check(vec![Exited(pid(10), 3), Announced(pid(10)), LineClosed], &[Action::Exit(3)]);
        check(vec![Exited(pid(11), 5), Exited(pid(10), 0), Announced(pid(11)), LineClosed], &[Action::Exit(5)]);
        check(vec![Exited(pid(10), 0), Exited(pid(11), 5), Announced(pid(11)), LineClosed], &[Action::Exit(5)]);
        check(vec![LineClosed, Exited(pid(11), 5), Announced(pid(11))], &[Action::Exit(5)]);
        // A successor that was not ready, and a child of the program.
        check(vec![Exited(pid(12), 1), Exited(pid(13), 1)], &[]);
    }

    #[test]
    fn a_signal_reaches_the_process_that_serves() {
        use Event::{Announced, Exited};
        let term = || Event::Signal(Signal::TERM);
        let forwarded = |to| Action::Forward(Signal::TERM, pid(to));
        check(vec![term(), Announced(pid(11)), term()], &[forwarded(10), forwarded(11)]);
        check(vec![Exited(pid(10), 0), term(), term(), Announced(pid(11))], &[forwarded(11)]);
    }
}
