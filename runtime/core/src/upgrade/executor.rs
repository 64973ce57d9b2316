//! The execution of an upgrade on the predecessor's side: the actions of the state machine, and the events that it reads.

use std::collections::VecDeque;
use std::future::ready;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::channel::PredecessorEnd;
use super::ending::Ending;
use super::ending::shim::ShimLine;
use super::error::{UpgradeError, UpgradePhase};
use super::launch;
use super::processes::HeldProcesses;
use super::protocol::message::{Kept, Record, ToSuccessor};
use super::protocol::predecessor::{Action, Deadlines, Event, Goal, Predecessor};
use super::report::UpgradeReport;
use super::upgrader::{Retirement, SuccessorProcess, Upgrader};
use crate::base::ByteString;
use crate::log;
use crate::node::{ListeningSocket, Node, PausedPeer, Restarts, SocketName};
use crate::sched::Clock;

/// The time in which a successor exits after it was killed.
const EXIT_TIME: Duration = Duration::from_secs(5);

/// The time in which a successor exits after the end of its connection, so that its status is reported.
const STATUS_TIME: Duration = Duration::from_secs(1);

/// The time for processes to become quiet if the pause has no limit.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// The time in which peers pause. The connection of one that does not is lost with the upgrade.
const PEERS_TIME: Duration = Duration::from_secs(5);

/// The numbers that are left free for the processes and monitors that the predecessor starts while it stops.
const FREE_NUMBERS: u64 = 1 << 20;

/// Runs an upgrade of a node.
pub(super) async fn run(
    node: &Node,
    program: PathBuf,
    goal: Goal,
    deadlines: Deadlines,
) -> Result<UpgradeReport, UpgradeError> {
    let outcome = attempt(node, program, goal, deadlines).await;
    match &outcome {
        Ok(UpgradeReport { kept, restarted, .. }) if goal == Goal::Check => log::info!(
            target: "greenroom", node = %node.name(), kept, restarted,
            "check of an upgrade is complete: the node serves on"
        ),
        Ok(UpgradeReport { kept, restarted, .. }) => log::info!(
            target: "greenroom", node = %node.name(), kept, restarted, "upgrade is complete: this process stops"
        ),
        Err(error) => log::error!(
            target: "greenroom", node = %node.name(), error = %log::Escaped(crate::base::Causes(error)),
            "upgrade was abandoned: the node serves on"
        ),
    }
    outcome
}

async fn attempt(
    node: &Node,
    program: PathBuf,
    goal: Goal,
    deadlines: Deadlines,
) -> Result<UpgradeReport, UpgradeError> {
    let upgrader = Upgrader::of(node);
    let _running = upgrader.begin_attempt().filter(|_| node.succession().is_own_turn()).ok_or(UpgradeError::Running)?;
    if node.services().is_closed() {
        return Err(UpgradeError::Stopping);
    }
    log::info!(
        target: "greenroom", node = %node.name(), program = %log::Escaped(program.display()), ?goal, "upgrade begins"
    );
    let (child, connection) = launch::start(&program).map_err(|error| UpgradeError::Start(program, error))?;
    let machine = Predecessor::new(goal, deadlines, node.clock().now());
    let ending = Ending::of_this_process(upgrader.line().is_some());
    let successor = SuccessorProcess { child, is_committed: false };
    let (node, upgrader) = (node.clone(), Arc::clone(&upgrader));
    let (processes, line, recorded) = (None, None, (0, Restarts::default()));
    let anew = Restarts::default();
    let served = node.clone();
    if goal == Goal::Upgrade {
        node.announce_upgrade();
    }
    let attempt =
        Attempt { node, upgrader, machine, successor, connection, ending, goal, processes, line, recorded, anew };
    let outcome = attempt.run().await;
    if goal == Goal::Upgrade && outcome.is_err() {
        served.announce_failed_upgrade();
    }
    outcome
}

/// An upgrade whose successor was started.
struct Attempt {
    node: Node,
    upgrader: Arc<Upgrader>,
    machine: Predecessor,
    successor: SuccessorProcess,
    connection: PredecessorEnd,
    ending: Ending,
    goal: Goal,
    processes: Option<HeldProcesses>,
    /// The number of processes that were written down, and those that were left out.
    recorded: (u64, Restarts),
    /// The processes that were written down, and that the successor starts anew.
    anew: Restarts,
    /// The shim's end of the line to the successor.
    line: Option<OwnedFd>,
}

impl Attempt {
    async fn run(mut self) -> Result<UpgradeReport, UpgradeError> {
        let mut actions = VecDeque::new();
        loop {
            while let Some(action) = actions.pop_front() {
                let event = match action {
                    Action::SendPlan => {
                        let (clock, left) = self.time_left();
                        failure(clock.within(left, self.send_plan()).await)
                    }
                    Action::Pause => Some(self.pause().await),
                    Action::HandOver => {
                        let (clock, left) = self.time_left();
                        clock.within(left, self.hand_over()).await.and_then(Result::err).map(Event::Failed)
                    }
                    Action::Note(anew) => {
                        self.anew = anew;
                        None
                    }
                    Action::Commit => Some(self.commit()),
                    Action::Kill => {
                        // Fails if it has exited.
                        let _ = self.successor.child.start_kill();
                        None
                    }
                    Action::Resume => {
                        if let Some(router) = self.node.router() {
                            router.resume_peers();
                        }
                        self.processes = None;
                        self.node.succession().resume();
                        None
                    }
                    Action::Finish(outcome) => {
                        self.node.clock().within(Some(EXIT_TIME), self.successor.child.wait()).await;
                        return outcome.map(|()| self.report());
                    }
                    Action::Retire => {
                        let report = self.report();
                        self.retire();
                        return Ok(report);
                    }
                };
                if let Some(event) = event {
                    actions.extend(self.machine.handle(event, self.node.clock().now()));
                }
            }
            let Some(due) = self.machine.due() else { return Err(UpgradeError::Stopping) };
            let event = tokio::select! {
                // A refusal is read before the end of the successor.
                biased;
                received = self.connection.receive() => match received {
                    Ok(message) => Event::Received(message),
                    Err(error) => self.lost(error).await,
                },
                exited = self.successor.child.wait() => Event::Failed(of_exit(exited)),
                () = self.node.clock().sleep_until(due) => {
                    actions.extend(self.machine.expire(self.node.clock().now()));
                    continue;
                }
            };
            actions.extend(self.machine.handle(event, self.node.clock().now()));
        }
    }

    fn report(&self) -> UpgradeReport {
        let (recorded, left_out) = self.recorded.clone();
        UpgradeReport::new(recorded, left_out, self.anew.clone())
    }

    /// Returns the clock, and the time until the deadline of the phase, which the main loop handles.
    fn time_left(&self) -> (Arc<dyn Clock>, Option<Duration>) {
        let clock = Arc::clone(self.node.clock());
        let left = self.machine.due().map(|due| due.saturating_duration_since(clock.now()));
        (clock, left)
    }

    async fn send_plan(&mut self) -> io::Result<()> {
        let node = [Kept::Node((**self.node.id()).clone())];
        let sockets = self.node.succession().open_sockets().into_iter().filter_map(|(name, _)| match name {
            SocketName::Program(name) => Some(Kept::Listener(name)),
            SocketName::Node => None,
        });
        self.connection.send(&ToSuccessor::Plan(node.into_iter().chain(sockets).collect()), None).await
    }

    /// Makes the node quiet: holds the processes that are handed over, and then pauses the connections to peers, whose last
    /// messages come into the mailboxes of held processes. The other processes go on, and listeners accept until the commit,
    /// however long the successor takes to start.
    async fn pause(&mut self) -> Event {
        if self.node.services().is_closed() {
            return Event::Failed(UpgradeError::Stopping);
        }
        let (clock, left) = self.time_left();
        // The attempt goes on without a process that needs more than half of the time.
        let limit = left.unwrap_or(MAX_PAUSE) / 2;
        match clock.within(left, HeldProcesses::hold(&self.node, limit)).await {
            Some(Ok(processes)) => self.processes = Some(processes),
            Some(Err(error)) => return Event::Failed(error),
            None => return Event::Failed(UpgradeError::TimedOut(UpgradePhase::Pause)),
        }
        let (_, left) = self.time_left();
        // A check commits nothing, so the peers need not wait.
        if self.goal == Goal::Upgrade
            && let Some(router) = self.node.router()
        {
            let limit = left.map_or(PEERS_TIME, |left| PEERS_TIME.min(left / 2));
            router.pause_peers(&self.node, limit).await;
        }
        Event::Paused
    }

    async fn hand_over(&mut self) -> Result<(), UpgradeError> {
        let Attempt { node, processes, connection, goal, recorded, .. } = &mut *self;
        let record = Record::Node {
            id: (**node.id()).clone(),
            next_number: node.last_number() + FREE_NUMBERS,
            next_reference: node.last_reference() + FREE_NUMBERS,
        };
        connection.send(&ToSuccessor::Record(record), None).await?;
        let connection = &*connection;
        let send =
            async move |part| connection.send(&ToSuccessor::Record(Record::Processes(ByteString(part))), None).await;
        match (processes.as_mut(), goal) {
            (Some(held), Goal::Upgrade) => {
                held.hand_over(send).await?;
                *recorded = held.counts();
            }
            (Some(held), Goal::Check) => {
                // Nothing is committed, so the processes need not wait for the successor.
                let mut parts = Vec::new();
                held.hand_over(|part| {
                    parts.push(part);
                    ready(Ok(()))
                })
                .await?;
                *recorded = held.counts();
                *processes = None;
                for part in parts {
                    send(part).await?;
                }
            }
            (None, _) => {}
        }
        // After the processes: a message of theirs may wait for a peer. A check has paused none.
        let peers = node.router().map(|router| router.paused_peers(node)).unwrap_or_default();
        for part in peers.into_iter().flat_map(PausedPeer::into_parts) {
            connection.send(&ToSuccessor::Record(Record::Peer(Box::new(part))), None).await?;
        }
        for (name, socket) in self.node.succession().open_sockets() {
            self.hand_over_socket(name, &*socket).await?;
        }
        let behind = self.upgrader.line();
        let line = match (&behind, self.ending) {
            (Some(line), _) => Some(line.as_fd().try_clone_to_owned()?),
            (None, Ending::Shim) => {
                let (line, shim) = ShimLine::open()?;
                self.line = Some(shim);
                Some(line.into())
            }
            (None, Ending::Notify | Ending::Exit) => None,
        };
        if let Some(line) = line {
            self.connection.send(&ToSuccessor::Record(Record::Shim), Some(line.as_fd())).await?;
        }
        Ok(self.connection.send(&ToSuccessor::Complete, None).await?)
    }

    async fn hand_over_socket(&self, name: SocketName, socket: &dyn ListeningSocket) -> io::Result<()> {
        let record = match name {
            SocketName::Node => Record::NodeListener,
            SocketName::Program(name) => Record::Listener { name },
        };
        self.connection.send(&ToSuccessor::Record(record), Some(socket.as_fd())).await
    }

    /// Stops accepting connections and writes the commit, unless the node stops: then its successor must not begin.
    fn commit(&mut self) -> Event {
        if self.node.services().is_closed() {
            return Event::Failed(UpgradeError::Stopping);
        }
        if let Some(Err(error)) = self.processes.as_ref().map(HeldProcesses::check) {
            return Event::Failed(error);
        }
        self.node.succession().begin_commit();
        match self.connection.send_at_once(&ToSuccessor::Commit, None) {
            Ok(()) => {
                self.successor.is_committed = true;
                Event::CommitWritten
            }
            Err(error) => Event::Failed(UpgradeError::Disconnected(error)),
        }
    }

    /// Returns the event for a connection that has failed. A successor that has exited has a status.
    async fn lost(&mut self, error: io::Error) -> Event {
        if error.kind() != io::ErrorKind::InvalidData
            && let Some(exited) = self.node.clock().within(Some(STATUS_TIME), self.successor.child.wait()).await
        {
            return Event::Failed(of_exit(exited));
        }
        Event::Failed(UpgradeError::Disconnected(error))
    }

    /// Ends this side: the successor serves.
    fn retire(self) {
        let Attempt { node, upgrader, successor, ending, line, .. } = self;
        upgrader.retire_by(Retirement { successor, ending, line });
        node.succession().hand_to_successor();
        // The peers wait for the successor, or accept its connections once these ones have ended.
        if let Some(router) = node.router().cloned() {
            router.leave_peers();
            node.spawner().spawn(async move { router.close().await });
        }
    }
}

/// Returns the event for records that were sent, or not in time.
fn failure(sent: Option<io::Result<()>>) -> Option<Event> {
    sent?.err().map(|error| Event::Failed(UpgradeError::Disconnected(error)))
}

fn of_exit(exited: io::Result<std::process::ExitStatus>) -> UpgradeError {
    match exited {
        Ok(status) => UpgradeError::Exited(status),
        Err(error) => UpgradeError::Disconnected(error),
    }
}
