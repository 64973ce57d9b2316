//! The upgrades of one node, as its run executes them: the signal that begins one, and the end of this process.

use std::any::Any;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::ending::Ending;
use super::ending::shim::{self, ShimLine};
use super::launch;
use super::origin::Origin;
use crate::log;
use crate::node::{Node, Upgrades};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The upgrades of one node.
pub(super) struct Upgrader {
    /// The path of this program at the start of the node.
    program: io::Result<PathBuf>,
    /// The line to the shim in front of this program.
    line: Option<Arc<ShimLine>>,
    is_running: AtomicBool,
    retirement: Mutex<Option<Retirement>>,
}

/// The end of this process, which has committed.
pub(super) struct Retirement {
    pub(super) successor: SuccessorProcess,
    pub(super) ending: Ending,
    /// The shim's end of the line to the successor.
    pub(super) line: Option<OwnedFd>,
}

/// The process of a successor. It is killed when this value is dropped before the commit.
///
/// After the commit the value is kept and not awaited, so that the exit status is left for the shim.
pub(super) struct SuccessorProcess {
    pub(super) child: Child,
    pub(super) is_committed: bool,
}

impl Drop for SuccessorProcess {
    fn drop(&mut self) {
        if !self.is_committed {
            // Fails if it has exited.
            let _ = self.child.start_kill();
        }
    }
}

/// Set while an upgrade runs.
pub(super) struct RunningAttempt<'a>(&'a AtomicBool);

impl Drop for RunningAttempt<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Upgrader {
    /// Returns the upgrades of a node. The first call connects the node with the signal.
    pub(super) fn of(node: &Node) -> Arc<Upgrader> {
        let upgrades = node.succession().upgrades_or(|| {
            let line = Origin::get().and_then(|origin| origin.shim());
            let (is_running, retirement) = (AtomicBool::new(false), Mutex::default());
            Arc::new(Upgrader { program: launch::own_program(), line, is_running, retirement })
        });
        (upgrades as Arc<dyn Any + Send + Sync>).downcast().expect("the only type of upgrades")
    }

    /// Notes the begin of an attempt, until the result is dropped. Returns `None` while there is another one.
    pub(super) fn begin_attempt(&self) -> Option<RunningAttempt<'_>> {
        (!self.is_running.swap(true, Ordering::AcqRel)).then_some(RunningAttempt(&self.is_running))
    }

    pub(super) fn line(&self) -> Option<&ShimLine> {
        self.line.as_deref()
    }

    /// Sets the end of this process, and announces the successor where it replaces this process as the main one.
    pub(super) fn retire_by(&self, retirement: Retirement) {
        if retirement.ending == Ending::Notify
            && let Some(successor) = retirement.successor.child.id()
            && let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::MainPid(successor)])
        {
            log::error!(
                target: "greenroom", error = %log::Escaped(&error), successor,
                "systemd did not receive the number of the successor, and can end it as a leftover process"
            );
        }
        *self.retirement() = Some(retirement);
    }

    // A panic while the lock was held cannot have left a change half done.
    fn retirement(&self) -> MutexGuard<'_, Option<Retirement>> {
        self.retirement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upgrades for Upgrader {
    fn begin(&self, node: &Node) {
        match &self.program {
            // The outcome is logged.
            Ok(program) => drop(node.upgrade(program).into_future()),
            Err(error) => {
                log::error!(target: "greenroom", error = %log::Escaped(error), "the path of this program is not available");
            }
        }
    }

    fn forward(&self, signal: i32) {
        let retirement = self.retirement();
        let successor = retirement.as_ref().and_then(|retirement| retirement.successor.child.id());
        let successor = successor.and_then(|number| Pid::from_raw(number.cast_signed()));
        if let (Some(successor), Some(signal)) = (successor, Signal::from_named_raw(signal)) {
            // Fails if the successor has exited.
            let _ = kill_process(successor, signal);
        }
    }

    fn is_behind_shim(&self) -> bool {
        self.line.is_some()
    }

    fn retire(&self) {
        let Some(Retirement { successor, ending, line }) = self.retirement().take() else { return };
        if let (Ending::Shim, Some(line), Some(number)) = (ending, line, successor.child.id()) {
            let error = shim::become_shim(number, line);
            // This process ends, and with it the service, as the service manager sees it.
            log::error!(target: "greenroom", error = %log::Escaped(error), "this process cannot become a shim");
        }
    }
}
