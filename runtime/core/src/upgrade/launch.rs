//! The start of a successor, and its detection of the predecessor.
//!
//! The successor's standard input is the connection. The standard library passes it on without a window in which another
//! child could inherit it, and without code between `fork` and `exec`. Its first message has the descriptor of the
//! real standard input, which the successor puts in its place.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, io};

use rustix::process::{Pid, getppid};
use tokio::process::{Child, Command};

use super::channel::{PredecessorEnd, SuccessorEnd};
use super::protocol::message::ToSuccessor;

/// The environment variable with the number of the predecessor's process. It is ignored in every process but a child of
/// that one whose standard input is a socket of that one.
const PREDECESSOR: &str = "GREENROOM_PREDECESSOR";

/// The environment variable with the number of the only process that may send to systemd's watchdog. After the commit that
/// is the successor, which takes the absence of the variable for a permission.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// Starts a successor with the arguments of this program.
pub(super) fn start(program: &Path) -> io::Result<(Child, PredecessorEnd)> {
    let (connection, theirs) = PredecessorEnd::pair()?;
    connection.send_at_once(&ToSuccessor::Input, Some(io::stdin().as_fd()))?;
    let mut command = Command::new(program);
    let number = std::process::id().to_string();
    if env::var(WATCHDOG_PROCESS).is_ok_and(|process| process == number) {
        command.env_remove(WATCHDOG_PROCESS);
    }
    command.args(arguments()).env(PREDECESSOR, number).stdin(Stdio::from(theirs));
    // Dropping the command closes the successor's end in this process.
    Ok((command.spawn()?, connection))
}

/// Returns the arguments of this program, without its name.
pub(super) fn arguments() -> impl Iterator<Item = OsString> {
    env::args_os().skip(1)
}

/// Returns the path of this program, as it is on disk now.
pub(super) fn own_program() -> io::Result<PathBuf> {
    // The name keeps a symbolic link that leads to the current release.
    let name = env::args_os().next().map(PathBuf::from).filter(|name| name.is_absolute());
    name.map_or_else(|| env::current_exe().map(without_mark), Ok)
}

/// Returns the path without the mark of Linux for a program whose file was replaced.
fn without_mark(path: PathBuf) -> PathBuf {
    let text = path.to_str().and_then(|path| path.strip_suffix(" (deleted)"));
    text.map(PathBuf::from).unwrap_or(path)
}

/// Returns the connection to the predecessor, if this process is a successor. Restores the standard input.
///
/// # Errors
/// The process is a successor, and the connection does not work.
pub(super) fn predecessor() -> io::Result<Option<SuccessorEnd>> {
    let parent = getppid();
    let number = env::var(PREDECESSOR).ok().and_then(|number| number.parse().ok()).and_then(Pid::from_raw);
    if number.is_none() || number != parent {
        return Ok(None);
    }
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    if !is_socket_of(&input, number) {
        return Ok(None);
    }
    let connection = SuccessorEnd::new(UnixStream::from(input));
    match connection.receive()? {
        (ToSuccessor::Input, Some(input)) => rustix::stdio::dup2_stdin(input)?,
        _ => return Err(io::Error::other("the first message is not the standard input")),
    }
    Ok(Some(connection))
}

/// Returns whether `input` is a socket whose other end was made by that process.
fn is_socket_of(input: &OwnedFd, process: Option<Pid>) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::net::sockopt::socket_peercred(input).is_ok_and(|peer| Some(peer.pid) == process);
    #[cfg(not(target_os = "linux"))]
    return rustix::net::getpeername(input).is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_file_was_replaced_keeps_its_path() {
        for (path, expected) in [("/srv/shop (deleted)", "/srv/shop"), ("/srv/shop", "/srv/shop")] {
            assert_eq!(without_mark(PathBuf::from(path)), Path::new(expected));
        }
    }

    #[test]
    fn this_process_is_not_a_successor() {
        assert!(matches!(predecessor(), Ok(None)));
    }
}
