//! Records the shape of a type: its own `Deserialize` runs on invented values.
//!
//! # The graph
//! A *node* is the type of a value: a struct with certain names, a sequence, a `u8`. A *slot* is a place in a
//! node at which another node stands, such as a field or the element of a sequence. A node is identified by the type of
//! serde's visitor. So recursive types end, and types of one name are distinct.
//!
//! # Runs
//! A type is deserialized many times, since one value has only one variant of an enum. Everything that a run passes by is
//! recorded, even if the run fails.
//!
//! 1. A run *explores*: it takes each unknown slot that it reaches, once per node.
//! 2. If runs find nothing more, they are *steered* to one unknown slot after the other, with the smallest finite
//!    values beside the path.
//! 3. The recording ends once no slot is unknown, or no run finds anything. The remaining slots are unknown: their
//!    types have no value, or refused each candidate.
//!
//! A type that refuses a value gets the next candidate in the next run. If a field accepts none, the fields of its
//! struct are visited by name, with that field at the end.
//!
//! # Failures
//! A run that the recorder ends has the error [`Cause::Ended`](super::error::Cause), and a flag beside it, since types
//! replace errors. A type that postcard cannot carry ends the recording. The depth of values, the number of nodes and
//! the number of runs are bounded.

pub(super) mod candidates;
mod core;
mod graph;
mod names;
#[cfg(test)]
mod tests;
mod walk;

use std::any::type_name;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use self::graph::{Graph, Identity, Kind, SlotId, TypeKey};
use self::walk::{Mode, Run};
use super::core::Place;
use super::deserializer::part;
use super::node::{Aliases, Node, NodeIndex};

/// The runs of one recording.
const MAX_RUNS: u64 = 200_000;
/// The values in all runs of one recording.
const MAX_VALUES: u64 = 10_000_000;
/// The runs that are steered to one slot.
const MAX_STEERED_RUNS: u32 = 5000;
/// The number of runs in a row without a result that ends the exploration.
const IDLE_RUNS: u32 = 3;

/// Records the shapes of types.
pub(crate) struct Recorder {
    graph: Graph,
    run: Run,
    /// The runs that a recording may take.
    max_runs: u64,
    /// The runs and values that the current recording may still take.
    runs_left: u64,
    values_left: u64,
}

/// A type that was recorded: its node, and the slot that stands for it.
#[derive(Clone, Copy)]
pub(crate) struct Recorded(pub(crate) NodeIndex, SlotId);

/// Deserializes a value from the recorder, and returns true if it was accepted.
type Deserialize<'a> = &'a mut dyn FnMut(&mut Recorder) -> bool;

impl Recorder {
    pub(crate) fn new() -> Recorder {
        Recorder { graph: Graph::default(), run: Run::new(), max_runs: MAX_RUNS, runs_left: 0, values_left: 0 }
    }

    /// Records the type. Parts that are equal to those of an earlier type are recorded once.
    ///
    /// Fails with the reason why the type has no shape.
    pub(crate) fn record<T: DeserializeOwned>(&mut self) -> Result<Recorded, String> {
        let root = self.graph.add_slot(None, 0);
        self.explore(root, &mut |recorder| recorder.deserialize::<T>(root).is_some())?;
        self.finish(root, type_name::<T>())
    }

    /// Calls `each` with values that together pass through each field and variant of a recorded type, if a value can.
    pub(crate) fn values<T: DeserializeOwned>(&mut self, of: Recorded, mut each: impl FnMut(T)) {
        let Recorded(_, root) = of;
        self.build(root, &mut |recorder| match recorder.deserialize::<T>(root) {
            Some(value) => {
                if recorder.run.has_arrived() {
                    each(value);
                }
                true
            }
            None => false,
        });
    }

    /// Deserializes one value. A panic of the type's `Deserialize` is a refusal of the value.
    fn deserialize<T: DeserializeOwned>(&mut self, root: SlotId) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| part(self, root as Place, true, PhantomData::<T>))) {
            Ok(result) => result.ok(),
            Err(panic) => {
                // A payload whose own destructor panics is leaked.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
                self.end_all_parts();
                None
            }
        }
    }

    /// Returns the names of the recorded types that have aliases.
    pub(crate) fn aliases(&self) -> Aliases {
        self.graph.aliases()
    }

    /// Returns all nodes. The number of a [`Recorded`] is an index into them.
    pub(crate) fn into_nodes(self) -> Vec<Node> {
        self.graph.into_nodes()
    }

    /// Runs until nothing unknown can be reached from the root.
    fn explore(&mut self, root: SlotId, deserialize: Deserialize<'_>) -> Result<(), String> {
        self.allow_runs();
        loop {
            let mut idle = 0;
            while idle < IDLE_RUNS {
                self.start_run(Mode::Explore, vec![]);
                if !self.is_unfinished(root) {
                    return Ok(());
                }
                idle = if self.attempt(deserialize)? { 0 } else { idle + 1 };
            }
            if !self.steer_to_each(root, deserialize)? {
                return Ok(());
            }
        }
    }

    /// Steers runs to each slot that is unknown. Returns true if they found something.
    fn steer_to_each(&mut self, root: SlotId, deserialize: Deserialize<'_>) -> Result<bool, String> {
        let mut has_found = false;
        let mut unknown = self.graph.reachable(root);
        unknown.retain(|slot| self.graph.is_unknown(*slot));
        for slot in unknown {
            for _ in 0..MAX_STEERED_RUNS {
                // An alias has lost its slot.
                let Some(path) = self.graph.path(root, slot) else { break };
                let target = self.graph.slots[slot].target;
                self.start_run(Mode::Steer, path);
                let has_progressed = self.attempt(deserialize)?;
                has_found |= has_progressed;
                if !has_progressed || target != self.graph.slots[slot].target {
                    break;
                }
            }
        }
        Ok(has_found)
    }

    /// Deserializes once. Returns true if something was found out.
    fn attempt(&mut self, deserialize: Deserialize<'_>) -> Result<bool, String> {
        let progress = self.graph.progress;
        let is_accepted = self.run_once(deserialize);
        if let Some(reason) = self.run.unsupported.take() {
            return Err(reason);
        }
        if self.runs_left == 0 || self.values_left == 0 {
            return Err("the type takes too many values to be recorded".to_owned());
        }
        if !is_accepted {
            self.advance();
        }
        Ok(self.graph.progress != progress)
    }

    /// Builds values until each slot that can be reached from the root was part of one.
    fn build(&mut self, root: SlotId, deserialize: Deserialize<'_>) {
        self.allow_runs();
        let mut is_covered = vec![false; self.graph.slots.len()];
        for slot in self.graph.reachable(root) {
            while !is_covered[slot] && self.runs_left > 0 && self.values_left > 0 {
                let Some(path) = self.graph.path(root, slot) else { break };
                self.start_run(Mode::Build, path);
                if self.run_once(deserialize) {
                    if self.run.has_arrived() {
                        self.run.visited.iter().for_each(|visited| is_covered[*visited] = true);
                    }
                    break;
                }
                let progress = self.graph.progress;
                self.advance();
                if self.graph.progress == progress {
                    break;
                }
            }
        }
    }

    fn allow_runs(&mut self) {
        (self.runs_left, self.values_left) = (self.max_runs, MAX_VALUES);
    }

    fn run_once(&mut self, deserialize: Deserialize<'_>) -> bool {
        let is_accepted = deserialize(self);
        self.runs_left = self.runs_left.saturating_sub(1);
        self.values_left = self.values_left.saturating_sub(self.run.values);
        is_accepted
    }

    /// Ends the recording of a type with this name.
    fn finish(&mut self, root: SlotId, name: &'static str) -> Result<Recorded, String> {
        for slot in self.graph.reachable(root) {
            let slot = &mut self.graph.slots[slot];
            if slot.target.is_none() && slot.owner.is_empty() {
                slot.owner = name;
            }
        }
        let node = match self.graph.slots[root].target {
            Some(node) => node,
            None => {
                let unknown = Kind::Leaf(Node::Unknown(name.into()));
                self.graph.link(root, TypeKey::of_kind(unknown, Identity::Kind, 0))?
            }
        };
        Ok(Recorded(node as NodeIndex, root))
    }
}
