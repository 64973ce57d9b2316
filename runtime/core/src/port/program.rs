//! A program of the operating system with its pipes, and its end.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::protocol::PortMessage;
use crate::node::Node;
use crate::process::RunningGuard;

/// A program with its pipes. When it is dropped, the program is ended, unless it has exited by itself:
///
/// 1. Its pipes are closed, and its process group receives SIGTERM.
/// 2. After the time limit, or at once if the port was killed, the group receives SIGKILL.
/// 3. When the exit status has been collected, the guard is dropped, so that the end of the port's process is complete.
pub(super) struct Program {
    leader: Option<Leader>,
    pub(super) pipes: Pipes,
    /// Set once the program has a process.
    guard: Option<RunningGuard<PortMessage>>,
    node: Node,
    stop_timeout: Duration,
}

/// The pipes of a program.
#[derive(Default)]
pub(super) struct Pipes {
    pub(super) input: Option<ChildStdin>,
    pub(super) output: Option<ChildStdout>,
    pub(super) errors: Option<ChildStderr>,
}

/// The process of the operating system that was started. On Unix it leads a process group of its own, so that the
/// programs that it starts can be ended with it.
struct Leader {
    child: Child,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
    is_reaped: bool,
}

impl Program {
    /// Starts a program.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(super) fn start(
        command: std::process::Command,
        [has_output, has_errors]: [bool; 2],
        node: &Node,
        stop_timeout: Duration,
    ) -> io::Result<Program> {
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).kill_on_drop(true);
        if has_output {
            command.stdout(Stdio::piped());
        }
        if has_errors {
            command.stderr(Stdio::piped());
        }
        #[cfg(unix)]
        command.process_group(0);
        // The pipes belong to the node's runtime, whichever thread this is.
        let _entered = node.spawner().enter();
        let mut child = command.spawn()?;
        let pipes = Pipes { input: child.stdin.take(), output: child.stdout.take(), errors: child.stderr.take() };
        let leader = Leader {
            #[cfg(unix)]
            group: child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())),
            child,
            is_reaped: false,
        };
        Ok(Program { leader: Some(leader), pipes, guard: None, node: node.clone(), stop_timeout })
    }

    /// Makes the end of a process wait for the program. `None` if the process is ending already.
    pub(super) fn belong_to(&mut self, guard: Option<RunningGuard<PortMessage>>) {
        self.guard = guard;
    }

    /// Resolves with the status of a program that has exited. The rest of its process group is killed then.
    pub(super) fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        match &mut self.leader {
            Some(leader) => leader.poll_exit(cx),
            None => Poll::Pending,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.pipes = Pipes::default();
        let Some(mut leader) = self.leader.take().filter(|leader| !leader.is_reaped) else { return };
        let guard = self.guard.take();
        let is_killed = guard.as_ref().is_none_or(RunningGuard::is_killed);
        let (node, limit) = (self.node.clone(), self.stop_timeout);
        // If the runtime ends before the task does, the drop of `leader` kills the group.
        self.node.spawner().spawn(async move {
            if !is_killed {
                leader.request_end();
                node.clock().within(Some(limit), leader.exit()).await;
            }
            if !leader.is_reaped {
                leader.kill();
                leader.exit().await;
            }
            drop(guard);
        });
    }
}

impl Leader {
    /// Collects the exit status, and then kills the rest of the group.
    ///
    /// The group's number cannot name another group at that moment: while the group has members the number is in use,
    /// and without members it is free for less time than the operating system takes to use all other numbers.
    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        // The future has no state of its own: it is made anew for each poll, as tokio documents.
        let status = ready!(pin!(self.child.wait()).poll(cx));
        self.kill();
        self.is_reaped = true;
        Poll::Ready(status)
    }

    async fn exit(&mut self) {
        // An error means that there is no process to wait for.
        let _ = std::future::poll_fn(|cx| self.poll_exit(cx)).await;
    }

    /// Requests the end. Windows has no such request, so the program is killed.
    fn request_end(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::TERM);
        #[cfg(not(unix))]
        self.kill();
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::KILL);
        // Fails if the process is gone.
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.group {
            // Fails if the group is gone.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
        }
    }
}
