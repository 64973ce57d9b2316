//! The processes of the predecessor, held in a state that can be handed over.
//!
//! A process is held between two messages. One that waits for the answer of a held process would wait in vain: when no
//! process becomes quiet for a moment, the held ones with unread messages handle those that have come so far, and are held
//! again. So all are quiet as soon as each has handled the message that it is at.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::stream::{Item, Writer};
use crate::log;
use crate::node::{AnyCell, DefinitionRecord, HoldRequest, Node, Restarts};
use crate::observe::ReportKind;
use crate::upgrade::UpgradeError;

/// The pauses after which held processes handle the messages that have come: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// The most processes that are handled at once.
const BATCH: usize = 1024;

/// The time between two looks at processes that may have ended.
const LOOK: Duration = Duration::from_millis(100);

/// The processes that are held. They go on when this is dropped, except those that a successor continues.
pub(in crate::upgrade) struct HeldProcesses {
    node: Node,
    /// Those that handle a message, and are held after it.
    waiting: BTreeMap<u64, Arc<dyn AnyCell>>,
    held: BTreeMap<u64, Arc<dyn AnyCell>>,
    /// Those that are not handed over: they were not quiet in time, or cannot be written down.
    left_out: BTreeMap<u64, Arc<dyn AnyCell>>,
    /// Those that were written down.
    recorded: BTreeSet<u64>,
    /// Those that start anew, with the reasons.
    restarts: Restarts,
}

impl HeldProcesses {
    /// Holds the supervisors of a node, and their children whose state can be handed over. Those that are not quiet within
    /// `limit` start anew in the successor.
    ///
    /// # Errors
    /// A supervisor, or a process with the option `otherwise = refuse`, is not quiet in time. All processes go on then, and
    /// also if the future is dropped.
    pub(in crate::upgrade) async fn hold(node: &Node, limit: Duration) -> Result<HeldProcesses, UpgradeError> {
        let mut all = HeldProcesses {
            node: node.clone(),
            waiting: BTreeMap::new(),
            held: BTreeMap::new(),
            left_out: BTreeMap::new(),
            recorded: BTreeSet::new(),
            restarts: Restarts::default(),
        };
        let table = node.table().all();
        let supervisors: BTreeSet<u64> =
            table.iter().filter(|(_, cell)| cell.ancestry().supervisor).map(|(number, _)| *number).collect();
        let is_child = |cell: &Arc<dyn AnyCell>| supervisors.contains(&cell.ancestry().parent);
        let supervised = table.into_iter().filter(|(number, cell)| supervisors.contains(number) || is_child(cell));
        let (servers, others): (Vec<_>, Vec<_>) = supervised.partition(|(_, cell)| cell.is_server());
        // A process that is not a server may take long to reach its upgrade point. Servers serve meanwhile.
        for processes in [others, servers] {
            for (number, cell) in all.hold_these(processes, limit / 2).await {
                let is_needed = supervisors.contains(&number) || cell.refuses_restart();
                if is_needed {
                    return Err(UpgradeError::NotQuiet(all.describe(number)));
                }
                all.report(number, "the process did not become quiet in time");
            }
        }
        Ok(all)
    }

    /// Holds these processes. Returns those that are not quiet in time.
    async fn hold_these(
        &mut self,
        processes: Vec<(u64, Arc<dyn AnyCell>)>,
        limit: Duration,
    ) -> Vec<(u64, Arc<dyn AnyCell>)> {
        let clock = Arc::clone(self.node.clock());
        let (sender, mut quiet) = mpsc::unbounded_channel();
        let hold = |number: u64, cell: &Arc<dyn AnyCell>, at_once| {
            cell.hold(number, HoldRequest::Hold { held: sender.clone(), at_once }).is_ok()
        };
        // Before the requests, so that a process goes on if this future is dropped.
        self.waiting.extend(processes);
        let refused = self.waiting.extract_if(.., |number, cell| !hold(*number, cell, true));
        let refused: Vec<_> = refused.filter(|(number, cell)| cell.is_alive(*number)).collect();
        for (number, cell) in refused {
            let path = cell.path().map_or_else(|| self.node.pid(number).to_string(), ToString::to_string);
            self.restarts.add(&path, "its actor is not `#[actor(upgrade)]`");
        }
        let (deadline, mut pause) = (clock.now() + limit, PAUSES[0]);
        let mut is_last = false;
        while !self.waiting.is_empty() {
            let mut numbers = Vec::new();
            if clock.within(Some(pause), quiet.recv_many(&mut numbers, BATCH)).await.is_some() {
                self.held.extend(numbers.iter().filter_map(|number| self.waiting.remove_entry(number)));
                continue;
            }
            self.waiting.retain(|number, cell| cell.is_alive(*number));
            if is_last {
                break;
            }
            pause = (pause * 2).min(PAUSES[1]);
            if clock.now() >= deadline {
                // Those that are not stuck are quiet soon.
                is_last = true;
                self.waiting.retain(|number, cell| hold(*number, cell, true));
                continue;
            }
            for (number, cell) in self.take_busy() {
                if cell.hold(number, HoldRequest::Release).is_ok() && hold(number, &cell, false) {
                    self.waiting.insert(number, cell);
                }
            }
        }
        let late: Vec<_> = std::mem::take(&mut self.waiting).into_iter().collect();
        self.left_out.extend(late.iter().cloned());
        late
    }

    /// Takes the held processes that have unread messages.
    fn take_busy(&mut self) -> Vec<(u64, Arc<dyn AnyCell>)> {
        let is_busy = |number: &u64, cell: &mut Arc<dyn AnyCell>| {
            cell.process_info(*number).is_some_and(|info| info.mailbox + info.wait_queue > 0)
        };
        self.held.extract_if(.., is_busy).collect()
    }

    /// Writes the held processes down, and sends them in parts. Those that cannot be written down start anew in the successor.
    ///
    /// # Errors
    /// A supervisor, or a process with the option `otherwise = refuse`, cannot be written down. Or `send` fails.
    pub(in crate::upgrade) async fn hand_over<F: Future<Output = io::Result<()>> + Send>(
        &mut self,
        mut send: impl FnMut(Vec<u8>) -> F + Send,
    ) -> Result<(), UpgradeError> {
        let (sender, mut records) = mpsc::unbounded_channel();
        let (mut waiting, mut writer) = (BTreeSet::new(), Writer::default());
        let mut definitions = BTreeSet::new();
        for (number, cell) in &self.held {
            if cell.hold(*number, HoldRequest::Record(sender.clone())).is_ok() {
                waiting.insert(*number);
            }
        }
        while !waiting.is_empty() {
            let mut batch = Vec::new();
            if self.node.clock().within(Some(LOOK), records.recv_many(&mut batch, BATCH)).await.is_none() {
                waiting.retain(|number| self.held.get(number).is_some_and(|cell| cell.is_alive(*number)));
            }
            for (number, record) in batch {
                waiting.remove(&number);
                let mut recorded = match record {
                    Ok(recorded) => recorded,
                    Err(reason) => {
                        self.leave_out(number, &reason)?;
                        continue;
                    }
                };
                if let Some(groups) = self.node.group_service() {
                    recorded.process.groups = groups.groups_of(number);
                }
                let definition = recorded.definition.filter(|definition| definitions.insert(definition.fingerprint));
                let definition = definition.map(|definition| Item::Definition(DefinitionRecord::of(&definition)));
                for item in definition.into_iter().chain([Item::Process(Box::new(recorded.process))]) {
                    for part in writer.push(&item).map_err(UpgradeError::Unwritten)? {
                        send(part).await?;
                    }
                }
                self.recorded.insert(number);
            }
        }
        // After all states are written: a stub in one of them has let other nodes reach its process.
        let exported = self.recorded.iter().filter_map(|number| self.held.get_key_value(number));
        let exported = exported.flat_map(|(number, cell)| {
            let process = cell.is_pid_exported().then_some(*number);
            let child = cell.is_child_exported().then(|| cell.child_id()).flatten().map(|id| id.number());
            [process, child].into_iter().flatten()
        });
        let exported = Item::Exported(exported.collect());
        let mut parts = Vec::new();
        for item in [exported].into_iter().chain(self.node.hand_claims_over().map(Item::Claims)) {
            parts.extend(writer.push(&item).map_err(UpgradeError::Unwritten)?);
        }
        parts.push(writer.finish());
        for part in parts {
            send(part).await?;
        }
        Ok(())
    }

    fn leave_out(&mut self, number: u64, reason: &str) -> Result<(), UpgradeError> {
        let Some(cell) = self.held.remove(&number) else { return Ok(()) };
        let is_needed = cell.ancestry().supervisor || cell.refuses_restart();
        self.left_out.insert(number, cell);
        if is_needed {
            return Err(UpgradeError::NotHandedOver(self.describe(number), reason.to_owned()));
        }
        self.report(number, reason);
        Ok(())
    }

    /// Checks, before the commit, that each process is as it was written down.
    ///
    /// # Errors
    /// One has ended.
    pub(in crate::upgrade) fn check(&self) -> Result<(), UpgradeError> {
        let ended = |number: &&u64| self.held.get(number).is_none_or(|cell| !cell.is_alive(**number));
        match self.recorded.iter().find(ended) {
            Some(number) => Err(UpgradeError::Ended(self.describe(*number))),
            None => Ok(()),
        }
    }

    fn describe(&self, number: u64) -> String {
        let cell = self.held.get(&number).or_else(|| self.left_out.get(&number));
        let path = cell.and_then(|cell| cell.path().map(ToString::to_string));
        path.unwrap_or_else(|| self.node.pid(number).to_string())
    }

    /// Returns the number of processes that were written down, and those that start anew.
    pub(in crate::upgrade) fn counts(&self) -> (u64, Restarts) {
        (self.recorded.len() as u64, self.restarts.clone())
    }

    fn report(&mut self, number: u64, reason: &str) {
        self.restarts.add(&self.describe(number), reason);
        self.node.loss_counts().count_lost_states(1);
        self.node.report(ReportKind::LostState, || {
            log::warn!(
                target: "greenroom", process = %log::Escaped(self.describe(number)), reason = %log::Escaped(reason),
                "a process starts anew in the successor, since its state is not handed over"
            );
        });
    }
}

impl Drop for HeldProcesses {
    fn drop(&mut self) {
        let serves_on = !self.node.has_successor();
        if serves_on {
            self.node.resume_claims();
        }
        let held = serves_on.then_some(&self.held);
        for (number, cell) in self.waiting.iter().chain(&self.left_out).chain(held.into_iter().flatten()) {
            // Refused by a process that has ended.
            let _ = cell.hold(*number, HoldRequest::Release);
        }
    }
}
