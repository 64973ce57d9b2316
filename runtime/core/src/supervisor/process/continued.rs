//! A supervisor that a predecessor has handed over: its children continue at their places, and its restarts count.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Child, SupervisorProcess, report};
use crate::actor::Context;
use crate::base::{EncodedState, Exit, Pid};
use crate::node::{HoldRequest, HookTimes, OwnPart, ProcessRecord};
use crate::process::HoldEnd;
use crate::supervisor::child::AddedChild;
use crate::supervisor::plan::{ChildKey, ChildState, RestartTimes};
use crate::supervisor::{ChildOptions, Restart};

/// A supervisor as data.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SupervisorRecord {
    /// The times since the restarts within the period.
    restarts: Vec<Duration>,
    /// The last id that was made for a child without one.
    last_id: u64,
    children: Vec<ChildRecord>,
}

/// A child as data.
#[derive(Debug, Serialize, Deserialize)]
struct ChildRecord {
    id: String,
    is_declared: bool,
    /// The process, if one runs.
    process: Option<u64>,
    /// No process runs, and none is to be started.
    is_down: bool,
    starts: u64,
    restarts: RestartTimes,
    /// Of a child that was added at run time: its options, whether its stubs follow it over restarts, and the state with
    /// which each of its processes starts.
    options: ChildOptions,
    is_followed: bool,
    initial_state: Option<EncodedState>,
}

/// The children that have not been continued yet, by their ids.
#[derive(Debug, Default)]
pub(super) struct Continued(HashMap<Arc<str>, ChildRecord>);

impl SupervisorProcess {
    /// Executes a request of an upgrade. If the supervisor is held, returns when it is released, or with the exit reason when
    /// it is stopped.
    pub(super) async fn hold(&mut self, cx: &mut Context<Self>, request: HoldRequest) -> Result<(), Exit> {
        let HoldRequest::Hold { held, .. } = request else { return Ok(()) };
        let end = cx.mailbox().hold(held, |_| {
            let state = postcard::to_allocvec(&self.write_down()).map_err(|error| error.to_string())?;
            Ok(OwnPart {
                state: EncodedState::new(state),
                calls: Vec::new(),
                // Exits of children which are not handed over, and requests of processes which are not.
                messages: Vec::new(),
                // Children that wait for a restart start anew.
                timers: Vec::new(),
                hooks: HookTimes::default(),
                is_suspended: false,
                path: Some(self.cells.path().to_string()),
            })
        });
        match end.await {
            HoldEnd::Released => Ok(()),
            HoldEnd::Stopped(reason) => Err(reason),
        }
    }

    fn write_down(&mut self) -> SupervisorRecord {
        let now = self.cells.node().clock().now();
        let (plan, is_dynamic) = (&self.plan, self.dynamic);
        let keys: Vec<ChildKey> = plan.keys().collect();
        let children = keys.into_iter().filter_map(|key| {
            let child = self.children.get_mut(&key)?;
            Some(ChildRecord {
                id: child.spec.id.to_string(),
                is_declared: child.spec.declared,
                process: child.pid.as_ref().filter(|_| child.proxied.is_none()).map(Pid::number),
                is_down: plan.state(key) == Some(ChildState::Down),
                starts: child.starts,
                restarts: plan.restart_times(key, now),
                options: child.spec.options,
                is_followed: child.spec.cell.child_id().is_some(),
                initial_state: if is_dynamic { child.spec.starter.initial_state() } else { None },
            })
        });
        let children = children.collect();
        SupervisorRecord { restarts: self.plan.all_restart_times(now), last_id: self.cells.last_number(), children }
    }

    /// Continues a supervisor that was handed over.
    ///
    /// # Errors
    /// The state is not that of a supervisor.
    pub(in crate::supervisor) fn continue_from(mut self, process: &ProcessRecord) -> Result<SupervisorProcess, Exit> {
        self.continue_children(process).map(|()| self)
    }

    fn continue_children(&mut self, process: &ProcessRecord) -> Result<(), Exit> {
        let record: SupervisorRecord = postcard::from_bytes(process.state.bytes())
            .map_err(|error| Exit::error(format_args!("the state is not that of a supervisor: {error}")))?;
        let now = self.cells.node().clock().now();
        self.plan.continue_restarts(&record.restarts, now);
        self.cells.continue_numbers(record.last_id);
        for mut child in record.children {
            let id: Arc<str> = child.id.as_str().into();
            if !child.is_declared {
                let Some(adopt) = self.adopt_added else { continue };
                let (options, is_followed, initial_state) =
                    (child.options, child.is_followed, child.initial_state.take());
                let spec = adopt(&self.cells, AddedChild { id: &id, options, is_followed, initial_state });
                if spec.is_none_or(|spec| self.add_child(spec).is_err()) {
                    continue;
                }
            }
            self.continued.0.insert(id, child);
        }
        Ok(())
    }

    /// Continues the root of a tree that was handed over. Its children start anew if its state cannot be read.
    pub(in crate::supervisor) fn continued_from_or_anew(mut self, process: &ProcessRecord) -> SupervisorProcess {
        if let Err(reason) = self.continue_children(process) {
            let (node, path) = (self.cells.node(), self.cells.path());
            report::state_lost(node, path, &reason);
            node.handed_over_or_default().restarts_anew(path, &reason);
        }
        self
    }

    /// Continues the children that were added at run time, all at once: their order is of no importance. Those that cannot
    /// continue are started anew with the others, if their first state is known.
    pub(super) async fn continue_added(&mut self, cx: &mut Context<Self>) {
        let added = |key: &ChildKey| self.children.get(key).is_some_and(|child| !child.spec.declared);
        let keys: Vec<ChildKey> = self.plan.keys().filter(added).collect();
        let mut starting = Vec::new();
        for key in keys {
            match self.take_continued(cx, key) {
                Some((record, Some(process))) => {
                    let launched =
                        self.launch_in_cell(cx, key, |starter, link| starter.continue_process(&process, link));
                    starting.push((key, record, launched));
                }
                // Reported by the predecessor.
                Some((_, None)) => self.start_anew_if_possible(cx, key),
                None => {}
            }
        }
        if starting.is_empty() {
            return;
        }
        let numbers = starting.iter().filter_map(|(_, record, _)| record.process).collect();
        let all = async move {
            let mut outcomes = Vec::new();
            for (key, record, launched) in starting {
                let outcome = match launched {
                    Ok(starting) => starting.await,
                    Err(reason) => Err(reason),
                };
                outcomes.push((key, record, outcome));
            }
            outcomes
        };
        for (key, record, outcome) in self.await_children(cx, numbers, all).await {
            match outcome {
                Ok(pid) => {
                    self.note_continued(cx, key, &record, pid.as_ref());
                    self.record_start(cx, key, &Ok(pid));
                }
                Err(reason) => {
                    self.report_lost(cx, key, &reason);
                    self.start_anew_if_possible(cx, key);
                }
            }
        }
    }

    /// Leaves a child that cannot continue to the start of all children, unless its first state is not known.
    fn start_anew_if_possible(&mut self, cx: &Context<Self>, key: ChildKey) {
        let is_temporary = |child: &Child| child.spec.options.restart == Restart::Temporary;
        if self.children.get(&key).is_some_and(is_temporary) {
            self.record_start(cx, key, &Ok(None));
        }
    }

    /// Takes the record of a child and of its process, if the child was handed over.
    fn take_continued(&mut self, cx: &Context<Self>, key: ChildKey) -> Option<(ChildRecord, Option<ProcessRecord>)> {
        let record = self.continued.0.remove(&self.children.get(&key)?.spec.id)?;
        let process = cx.node().handed_over().zip(record.process).and_then(|(all, number)| all.take(number));
        Some((record, process))
    }

    /// Continues the counts of a child whose process runs.
    fn note_continued(&mut self, cx: &Context<Self>, key: ChildKey, record: &ChildRecord, process: Option<&Pid>) {
        self.plan.continue_restart_times(key, &record.restarts, cx.node().clock().now());
        self.continued_starts = process.map(|_| record.starts);
    }

    fn report_lost(&self, cx: &Context<Self>, key: ChildKey, reason: &Exit) {
        let Some(child) = self.children.get(&key) else { return };
        let path = self.cells.path_of(&child.spec.id);
        report::state_lost(cx.node(), &path, reason);
        let handed_over = cx.node().handed_over_or_default();
        handed_over.restarts_anew(&path, reason);
        if child.spec.starter.refuses_restart() {
            handed_over.refuse(&path, reason);
        }
    }

    /// Continues the process of a declared child. Returns `None` if the child is to be started anew.
    pub(super) async fn continue_in_cell(
        &mut self,
        cx: &mut Context<Self>,
        key: ChildKey,
    ) -> Option<Result<Option<Pid>, Exit>> {
        let (record, process) = self.take_continued(cx, key)?;
        if record.is_down {
            return Some(Ok(None));
        }
        // A process that is missing was reported by the predecessor.
        let process = process?;
        let continued = match self.launch_in_cell(cx, key, |starter, link| starter.continue_process(&process, link)) {
            Ok(starting) => self.await_start(cx, key, starting).await,
            Err(reason) => Err(reason),
        };
        let reason = match continued {
            Ok(pid) => {
                self.note_continued(cx, key, &record, pid.as_ref());
                return Some(Ok(pid));
            }
            Err(reason) => reason,
        };
        self.report_lost(cx, key, &reason);
        let is_vacant = self.children.get(&key).is_some_and(|child| child.spec.cell.pid().is_none());
        if is_vacant && !cx.mailbox().cell().is_stopping() { None } else { Some(Err(reason)) }
    }
}
