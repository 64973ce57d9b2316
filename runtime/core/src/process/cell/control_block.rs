//! The control block of a cell: the state, identity and exit intent of the process that occupies it.
//!
//! Every process pays for its control block as long as it runs, so the block is packed:
//!
//! - Properties that all processes of a kind share are stored once, in a [`ProcessKind`].
//! - An exit reason without details takes one byte, an [`ExitIntent`].
//! - State that most processes never have is allocated on first use, as a [`ColdState`].

use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::base::{Exit, Pid, SortedMap};
#[cfg(feature = "upgrade")]
use crate::node::HookTimes;
use crate::node::Node;
use crate::observe::{DeadlockCheck, WaitingCall};
use crate::process::Timer;
use crate::process::stream_source::StreamSource;
use crate::process::system_request::SystemRequests;
use crate::signal::{Relations, RelationsSlot};

/// The state of a cell's current incarnation or, in a vacant cell, of its last one.
pub(super) struct ControlBlock {
    pub(super) number: u64,
    /// The number of the process that started this one; zero if none did.
    pub(super) parent: u64,
    pub(super) kind: &'static ProcessKind,
    /// The time of the start: nanoseconds since the node's start, on the node's clock.
    pub(super) started_at: u64,
    cold: Option<Box<ColdState>>,
    /// The number of messages that a server handles before its pending stop: the lower half of their count.
    stop_after: u32,
    intent: ExitIntent,
    pub(super) state: RunState,
    pub(super) trap_exit: bool,
    pub(super) node_events: bool,
}

/// Properties that all processes of one kind share.
#[derive(Debug)]
pub(crate) struct ProcessKind {
    /// Returns the type's name, for crash reports.
    pub(crate) name: fn() -> &'static str,
    pub(crate) trap_exit: bool,
    /// The process stops between two messages when requested, and when its parent ends, as a `gen_server` does.
    pub(crate) server: bool,
    pub(crate) supervisor: bool,
    /// The process receives an event for each connection that is made or lost.
    pub(crate) node_events: bool,
    /// The process answers [system requests](crate::process::SystemRequest).
    pub(crate) sys: bool,
    /// The state of the process can be taken.
    pub(crate) portable: bool,
    /// An upgrade of the node is refused if the state cannot be handed over.
    #[cfg(feature = "upgrade")]
    pub(crate) refuses_restart: bool,
}

impl ProcessKind {
    /// A kind without any of the optional properties.
    pub(crate) const fn plain(name: fn() -> &'static str) -> ProcessKind {
        ProcessKind {
            name,
            trap_exit: false,
            server: false,
            supervisor: false,
            node_events: false,
            sys: false,
            portable: false,
            #[cfg(feature = "upgrade")]
            refuses_restart: false,
        }
    }

    /// The kind of a cell that no process has occupied yet.
    const NONE: &'static ProcessKind = &ProcessKind::plain(|| "");
}

/// The properties that a process has from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartInfo {
    /// The number of the process that starts it; zero if none does.
    pub(crate) parent: u64,
    pub(crate) kind: &'static ProcessKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RunState {
    /// No process occupies the cell.
    Vacant,
    Running,
    /// The process has ended, and what it owned is being dropped.
    Ending,
}

/// The reason for which a process is to end, or has ended, in one byte.
#[derive(Clone, Copy)]
enum ExitIntent {
    None,
    Normal,
    Shutdown,
    Kill,
    Killed,
    NoProc,
    NoConnection,
    /// The reason has details and is stored in [`ColdState::exit_reason`].
    Detailed,
}

/// State that most processes never have.
#[derive(Default)]
pub(super) struct ColdState {
    exit_reason: Option<Exit>,
    pub(super) name: Option<String>,
    pub(super) relations: Relations,
    attached: Option<Box<Attached>>,
}

impl ColdState {
    /// Returns whether the alarm is raised that the supervisor no longer waits for the end of the process.
    pub(super) fn is_abandoned(&self) -> bool {
        self.attached.as_ref().is_some_and(|attached| attached.is_abandoned)
    }
}

/// A process that waits for the end of another one, without a clone of the waker that a deadlock check examines.
pub(crate) trait ExitObserver: Send + Sync {
    /// Wakes the observing process: an exit reason of the other one is set.
    fn exit_is_set(&self);
}

/// Attachments, which few processes own beside their future.
#[derive(Default)]
pub(super) struct Attached {
    /// The number of closures passed to `blocking` that have not returned.
    pub(super) blocking: u32,
    /// The call of `blocking` that was made last.
    pub(super) blocking_at: Option<&'static Location<'static>>,
    /// The process was killed, and its supervisor no longer waits for its end: an alarm is raised.
    pub(super) is_abandoned: bool,
    /// The exit reason of a process that has ended except for its blocking code.
    pub(super) ended: Option<Exit>,
    /// The streams that feed the mailbox.
    pub(super) streams: Vec<Arc<StreamSource>>,
    /// The timers that have neither fired nor been cancelled, in the order in which they were set.
    pub(super) timers: SortedMap<u64, Timer>,
    /// The key of the next timer.
    pub(super) next_timer: u64,
    /// The call that the process waits for, if it has waited for some time.
    pub(super) waiting: Option<WaitingCall>,
    /// The numbers of the children for whose start or exit a supervisor waits, in order.
    pub(super) awaited_children: Vec<u64>,
    /// The text of the last message, if the protocol reports message texts.
    pub(super) last_text: Option<String>,
    /// Deadlock checks that wait for the process's confirmation.
    pub(super) deadlock_checks: Vec<Arc<DeadlockCheck>>,
    /// Pending requests to the server itself.
    pub(super) requests: SystemRequests,
    /// Notified once an exit reason is set: a supervisor that waits for the process's `init`.
    pub(super) exit_observer: Option<Weak<dyn ExitObserver>>,
    /// Resolves when the connection to which the process has sent an answer has room again.
    pub(super) answers_sent: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The process of another node that has started this one.
    pub(super) remote_parent: Option<Pid>,
    /// Set if the process is a proxy.
    pub(super) proxy: Option<Proxy>,
    /// The process continues a state that was handed over.
    pub(super) is_resumed: bool,
    /// The parts of the process that its own code continues, until it does.
    #[cfg(feature = "upgrade")]
    pub(super) continued: Option<Box<Continued>>,
}

/// The parts of a process that was handed over which its own code continues.
#[cfg(feature = "upgrade")]
pub(crate) struct Continued {
    pub(crate) hooks: HookTimes,
    pub(crate) is_suspended: bool,
}

/// The state of a proxy: the stand-in for a process of another node.
#[derive(Default)]
pub(super) struct Proxy {
    /// The process that the proxy stands for, once there is one.
    pub(super) process: Option<Pid>,
    /// Receives the exit reason of that process.
    pub(super) exit: Option<oneshot::Sender<Exit>>,
}

impl Attached {
    /// Returns the last call of `blocking`, if blocking code runs.
    pub(super) fn blocking_at(&self) -> Option<&'static Location<'static>> {
        self.blocking_at.filter(|_| self.blocking > 0)
    }
}

impl ControlBlock {
    /// The control block of a cell that no process has occupied yet.
    pub(super) fn vacant() -> ControlBlock {
        ControlBlock {
            state: RunState::Vacant,
            ..ControlBlock::new(0, StartInfo { parent: 0, kind: ProcessKind::NONE }, 0)
        }
    }

    /// The control block of a process that starts at `started_at`.
    pub(super) fn new(number: u64, start: StartInfo, started_at: u64) -> ControlBlock {
        let StartInfo { parent, kind } = start;
        ControlBlock {
            number,
            parent,
            kind,
            started_at,
            cold: None,
            stop_after: 0,
            intent: ExitIntent::None,
            state: RunState::Running,
            trap_exit: kind.trap_exit,
            node_events: kind.node_events,
        }
    }

    /// Returns whether the process with this number occupies the cell and has not begun to end.
    pub(super) fn is_running(&self, number: u64) -> bool {
        self.number == number && self.state == RunState::Running
    }

    /// Returns whether the process with this number occupies the cell; true until its end is complete.
    pub(super) fn is_occupied_by(&self, number: u64) -> bool {
        self.number == number && self.state != RunState::Vacant
    }

    /// Returns the reason for which the process is to end, or has ended.
    pub(super) fn exit_reason(&self) -> Option<Exit> {
        Some(match self.intent {
            ExitIntent::None => return None,
            ExitIntent::Normal => Exit::Normal,
            ExitIntent::Shutdown => Exit::shutdown(),
            ExitIntent::Kill => Exit::Kill,
            ExitIntent::Killed => Exit::Killed,
            ExitIntent::NoProc => Exit::NoProc,
            ExitIntent::NoConnection => Exit::NoConnection,
            ExitIntent::Detailed => return self.cold.as_ref()?.exit_reason.clone(),
        })
    }

    /// Sets the reason for which the process is to end, or has ended.
    pub(super) fn set_exit_reason(&mut self, reason: Exit) {
        self.intent = match reason {
            Exit::Normal => ExitIntent::Normal,
            Exit::Shutdown(None) => ExitIntent::Shutdown,
            Exit::Kill => ExitIntent::Kill,
            Exit::Killed => ExitIntent::Killed,
            Exit::NoProc => ExitIntent::NoProc,
            Exit::NoConnection => ExitIntent::NoConnection,
            detailed @ (Exit::Shutdown(Some(_))
            | Exit::Panic { .. }
            | Exit::Error { .. }
            | Exit::Cycle { .. }
            | Exit::ClaimLost { .. }
            | Exit::Other(_)) => {
                self.cold.get_or_insert_default().exit_reason = Some(detailed);
                ExitIntent::Detailed
            }
        };
    }

    /// Sets the reason for which the process is to stop once it has read the first `stop_after` of all its messages.
    pub(super) fn set_stop_reason(&mut self, stop_after: u64, reason: Exit) {
        // The lower half suffices: two counts that are compared differ by less than 2^31.
        self.stop_after = stop_after as u32;
        self.set_exit_reason(reason);
    }

    /// Takes the reason to stop if the process has read as many messages as were sent before the stop; `u64::MAX` counts
    /// as all messages.
    pub(super) fn take_stop(&mut self, read: u64) -> Option<Exit> {
        let is_due = read == u64::MAX || (read as u32).wrapping_sub(self.stop_after) as i32 >= 0;
        let reason = if is_due { self.exit_reason() } else { None };
        if reason.is_some() {
            self.intent = ExitIntent::None;
        }
        reason
    }

    /// Returns whether the process is a server, and `sender` its parent or the node itself, which stops all processes
    /// when `main` returns. `is_local`: the sender belongs to this node.
    pub(super) fn is_server_of(&self, sender: &Pid, is_local: bool) -> bool {
        self.kind.server
            && if is_local {
                sender.number() == self.parent || sender.number() == Node::SYSTEM
            } else {
                self.attached().is_some_and(|attached| attached.remote_parent.as_ref() == Some(sender))
            }
    }

    /// Returns whether the process is a proxy.
    pub(super) fn is_proxy(&self) -> bool {
        self.attached().is_some_and(|attached| attached.proxy.is_some())
    }

    /// Returns the process that the proxy stands for.
    pub(super) fn proxied(&self) -> Option<&Pid> {
        self.attached()?.proxy.as_ref()?.process.as_ref()
    }

    pub(super) fn cold(&self) -> Option<&ColdState> {
        self.cold.as_deref()
    }

    pub(super) fn cold_mut(&mut self) -> Option<&mut ColdState> {
        self.cold.as_deref_mut()
    }

    pub(super) fn cold_or_default(&mut self) -> &mut ColdState {
        self.cold.get_or_insert_default()
    }

    pub(super) fn attached(&self) -> Option<&Attached> {
        self.cold()?.attached.as_deref()
    }

    pub(super) fn attached_mut(&mut self) -> Option<&mut Attached> {
        self.cold_mut()?.attached.as_deref_mut()
    }

    pub(super) fn attached_or_default(&mut self) -> &mut Attached {
        self.cold_or_default().attached.get_or_insert_default()
    }

    pub(super) fn name(&self) -> Option<&String> {
        self.cold()?.name.as_ref()
    }

    /// Returns the callee of the call that the process has waited for, and the start of the wait.
    pub(super) fn waiting_call(&self) -> Option<(u64, Instant)> {
        let waiting = self.attached()?.waiting.as_ref().filter(|waiting| waiting.callee != 0)?;
        Some((waiting.callee, waiting.since))
    }

    /// Makes the cell vacant, keeps the exit reason and returns the cold state of the process that ended.
    pub(super) fn vacate(&mut self, reason: &Exit) -> Option<Box<ColdState>> {
        self.state = RunState::Vacant;
        let cold = self.cold.take();
        self.set_exit_reason(reason.clone());
        cold
    }
}

impl RelationsSlot for ControlBlock {
    fn relations(&mut self) -> Option<&mut Relations> {
        self.cold_mut().map(|cold| &mut cold.relations)
    }

    fn relations_or_default(&mut self) -> &mut Relations {
        &mut self.cold_or_default().relations
    }
}
