//! One run: what is deserialized at the moment, and where the run is heading.

use super::Recorder;
use super::candidates::{Choice, Failure};
use super::graph::{Kind, NodeId, Slot, SlotId, TOO_LARGE, TypeKey, TypeNode};
use super::names::Access;
use crate::shape::core::Place;
use crate::shape::error::{Cause, Result};

/// Values nested deeper than this are not built.
const MAX_DEPTH: usize = 100;
/// The number of values in one run.
const MAX_VALUES: u64 = 1_000_000;

/// The purpose of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Takes whatever is unknown.
    Explore,
    /// Follows the path, with small values beside it. Explores from its end on.
    Steer,
    /// Follows the path, with small values beside it and behind it: the value is to be accepted.
    Build,
}

/// The state of one run.
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) mode: Mode,
    /// The slots from the root to the destination.
    pub(super) path: Vec<SlotId>,
    /// The number of slots of the path that were passed through.
    pub(super) passed: usize,
    pub(super) frames: Vec<Frame>,
    parts: Vec<Part>,
    /// All slots that were passed through, in a run that builds.
    pub(super) visited: Vec<SlotId>,
    pub(super) choices: Vec<Choice>,
    /// The number of parts that stand somewhere in order to be explored.
    pub(super) explorations: u64,
    /// Per node, true if something unknown could be reached from it when the run began.
    unfinished: Vec<bool>,
    /// The number of values that were invented.
    pub(super) values: u64,
    /// Set if the recorder ended the run. Types replace its error with their own.
    pub(super) is_ended: bool,
    pub(super) failure: Option<Failure>,
    /// The reason why the type is not supported.
    pub(super) unsupported: Option<String>,
}

/// The way in which the parts of a composite value are given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    Elements,
    Entries,
    /// Fields by name.
    Fields,
    /// One field twice: the error contains its own name.
    Repeat,
    Variant,
    /// One key, whose meaning is wanted.
    Probe,
}

/// A composite value that was entered.
pub(super) struct Frame {
    pub(super) node: NodeId,
    pub(super) visit: Visit,
    /// The slots of the parts. For a map, key and value by turns.
    pub(super) slots: Vec<SlotId>,
    /// The position of the next part.
    pub(super) next: usize,
    pub(super) explores: bool,
    /// True if the node is not only on the way to another one.
    pub(super) looks_around: bool,
    /// The recorder's progress when the value was entered.
    pub(super) progress: u64,
}

/// A part that is being deserialized.
struct Part {
    slot: SlotId,
    /// The number of choices when it began.
    choices: usize,
    /// The number of explorations when it began.
    explorations: u64,
    is_on_path: bool,
}

/// A node at which a value is entered.
pub(super) struct Entry {
    pub(super) slot: SlotId,
    pub(super) node: NodeId,
    /// The slot to which the path leads.
    pub(super) next: Option<SlotId>,
    pub(super) explores: bool,
}

impl Entry {
    /// True if the node is not only on the way to another one.
    pub(super) fn looks_around(&self) -> bool {
        self.explores && self.next.is_none()
    }
}

impl Run {
    pub(super) fn new() -> Self {
        Run {
            number: 0,
            mode: Mode::Explore,
            path: vec![],
            passed: 0,
            frames: vec![],
            parts: vec![],
            visited: vec![],
            choices: vec![],
            explorations: 0,
            unfinished: vec![],
            values: 0,
            is_ended: false,
            failure: None,
            unsupported: None,
        }
    }

    /// True if the run came to the end of its path.
    pub(super) fn has_arrived(&self) -> bool {
        self.passed == self.path.len()
    }

    /// Passes through a slot if it is the next one of the path.
    fn pass(&mut self, slot: SlotId) -> bool {
        if self.mode == Mode::Build {
            self.visited.push(slot);
        }
        let is_within = self.parts.last().is_none_or(|part| part.is_on_path);
        let is_next = is_within && self.mode != Mode::Explore && self.path.get(self.passed) == Some(&slot);
        if is_next {
            self.passed += 1;
            if self.mode == Mode::Steer && self.has_arrived() {
                self.mode = Mode::Explore;
            }
        }
        is_next
    }
}

impl Recorder {
    /// Starts the next run.
    pub(super) fn start_run(&mut self, mode: Mode, path: Vec<SlotId>) {
        let number = self.run.number + 1;
        // A value that panicked was not left.
        self.graph.nodes.iter_mut().for_each(|node| node.open = 0);
        self.run = Run { number, mode, path, unfinished: self.graph.unfinished(), ..Run::new() };
    }

    /// Ends the run. The error is to be returned.
    pub(super) fn end_run<T>(&mut self) -> Result<T> {
        self.run.is_ended = true;
        Err(Cause::Ended.into())
    }

    pub(super) fn is_unfinished(&self, slot: SlotId) -> bool {
        self.graph.slots[slot].target.is_none_or(|node| self.is_node_unfinished(node))
    }

    /// True if this run is to explore the node. It explores each one once, and none within itself.
    fn is_node_unfinished(&self, node: NodeId) -> bool {
        let TypeNode { open, explored_in, .. } = self.graph.nodes[node];
        self.run.unfinished.get(node).copied().unwrap_or(true) && open == 0 && explored_in != self.run.number
    }

    /// A part begins.
    pub(super) fn begin_part(&mut self, slot: SlotId) {
        self.graph.slots[slot].visits += 1;
        let is_on_path = self.run.pass(slot);
        let (choices, explorations) = (self.run.choices.len(), self.run.explorations);
        self.run.parts.push(Part { slot, choices, explorations, is_on_path });
    }

    /// A part ends. The innermost one that failed is remembered, unless the type goes on without it.
    pub(super) fn end_part(&mut self, is_ok: bool) {
        let run = &mut self.run;
        let Some(part) = run.parts.pop() else { return };
        if is_ok {
            run.failure = None;
            run.is_ended = false;
        } else if run.failure.is_none() && !run.is_ended {
            run.failure = Some(Failure {
                slot: part.slot,
                choices: run.choices[part.choices..].to_vec(),
                is_explored: run.explorations != part.explorations,
            });
        }
    }

    /// Ends all parts after a panic in the innermost one.
    pub(super) fn end_all_parts(&mut self) {
        while !self.run.parts.is_empty() {
            self.end_part(false);
        }
    }

    /// Returns the field names from the root to the part that is deserialized.
    fn position(&self) -> String {
        let labels: Vec<_> = self.run.parts.iter().filter_map(|part| self.graph.label(part.slot)).collect();
        labels.join(".")
    }

    /// Notes that the type is not supported. The first reason stays.
    pub(super) fn refuse_type(&mut self, reason: &'static str) -> Box<Cause> {
        let position = self.position();
        let text = if position.is_empty() { reason.to_owned() } else { format!("`{position}`: {reason}") };
        self.run.unsupported.get_or_insert(text);
        self.run.is_ended = true;
        Cause::Ended.into()
    }

    /// Notes which type stands at a slot.
    pub(super) fn find(&mut self, slot: SlotId, key: TypeKey) -> Result<NodeId> {
        self.run.values += 1;
        if self.run.values > MAX_VALUES {
            return Err(self.refuse_type(TOO_LARGE));
        }
        self.graph.link(slot, key).map_err(|reason| self.refuse_type(reason))
    }

    /// Passes from a stub to its content, for which no part begins.
    pub(super) fn pass_into_stub(&mut self, content: SlotId) {
        let is_on_path = self.run.pass(content);
        if let Some(part) = self.run.parts.last_mut() {
            part.is_on_path = is_on_path;
        }
    }

    /// Finds a composite value. No frame exists yet.
    pub(super) fn find_composite(&mut self, at: Place, key: TypeKey) -> Result<Entry> {
        if self.run.frames.len() >= MAX_DEPTH {
            return self.end_run();
        }
        let slot = at as SlotId;
        let node = self.find(slot, key)?;
        let run = &self.run;
        let is_steered = run.mode != Mode::Explore;
        let is_on_path = is_steered && run.parts.last().is_some_and(|part| part.is_on_path);
        let next = run.path.get(run.passed).copied().filter(|_| is_on_path);
        let explores = next.is_some() || !is_steered && self.is_node_unfinished(node);
        // A value that is not explored is there to be accepted.
        if !explores && self.graph.height(node).is_none() {
            return self.end_run();
        }
        Ok(Entry { slot, node, next, explores })
    }

    /// Enters a value that was found.
    pub(super) fn push(&mut self, entry: &Entry, visit: Visit, slots: Vec<SlotId>) {
        self.graph.nodes[entry.node].open += 1;
        self.run.frames.push(Frame {
            node: entry.node,
            visit,
            slots,
            next: 0,
            explores: entry.explores,
            looks_around: entry.looks_around(),
            progress: self.graph.progress,
        });
    }

    /// Returns the number of elements of a collection, below `limit`.
    pub(super) fn choose_length(&mut self, entry: &Entry, limit: usize) -> usize {
        let slots = self.graph.nodes[entry.node].slots.clone();
        if entry.explores {
            let is_wanted = entry.next.is_some() || slots.iter().any(|slot| self.is_unfinished(*slot));
            self.run.explorations += u64::from(is_wanted);
            return usize::from(is_wanted);
        }
        // Empty within itself: otherwise a recursive value would not end.
        let is_nested = self.graph.nodes[entry.node].open > 0;
        if is_nested || slots.iter().any(|slot| self.graph.slot_height(*slot).is_none()) {
            return 0;
        }
        self.choose(entry.slot, limit)
    }

    /// Returns how the fields of a struct are visited, and in which order.
    pub(super) fn choose_fields(&mut self, entry: &Entry) -> (Visit, Vec<SlotId>) {
        let node = &self.graph.nodes[entry.node];
        let looks_around = entry.looks_around();
        if looks_around && node.names.is_probing() {
            return (Visit::Probe, vec![]);
        }
        if looks_around
            && let Some(field) = node.names.nameless()
            && node.slots.iter().all(|slot| self.graph.slots[*slot].target.is_some())
        {
            self.run.explorations += 1;
            return (Visit::Repeat, vec![node.slots[field]; 2]);
        }
        let mut slots = node.slots.clone();
        let is_usable = looks_around || node.names.is_settled();
        if !entry.explores || self.run.mode == Mode::Build || node.names.access != Access::Name || !is_usable {
            return (Visit::Elements, slots);
        }
        // A field that accepts no value comes last: nothing behind it is visited.
        slots.sort_by_key(|slot| {
            let Slot { is_refused, target, visits, .. } = self.graph.slots[*slot];
            (Some(*slot) != entry.next, is_refused, target.is_some(), visits)
        });
        (Visit::Fields, slots)
    }

    /// Returns the slot of the variant that is to be built.
    pub(super) fn choose_variant(&mut self, entry: &Entry) -> Option<SlotId> {
        let node = &self.graph.nodes[entry.node];
        if let Some(next) = entry.next {
            self.run.explorations += 1;
            return node.slots.get(node.names.clamp(self.graph.slots[next].index)).copied();
        }
        let unfinished = node.slots.iter().copied().filter(|slot| entry.explores && self.is_unfinished(*slot));
        if let Some(slot) = unfinished.min_by_key(|slot| self.graph.slots[*slot].visits) {
            self.run.explorations += 1;
            return Some(slot);
        }
        let is_nested = node.open > 0;
        let mut by_height = node.slots.clone();
        by_height.retain(|slot| self.graph.slot_height(*slot).is_some());
        by_height.sort_by_key(|slot| self.graph.slot_height(*slot));
        // The smallest within itself: otherwise a recursive value would not end.
        let chosen = if is_nested || by_height.is_empty() { 0 } else { self.choose(entry.slot, by_height.len()) };
        by_height.get(chosen).copied()
    }

    /// Draws conclusions from a value whose parts were visited by position.
    pub(super) fn conclude_elements(&mut self, frame: &Frame, is_ok: bool) {
        let TypeNode { kind, names, .. } = &mut self.graph.nodes[frame.node];
        if *kind != Kind::Struct {
            return;
        }
        if frame.next >= frame.slots.len() {
            names.settle();
        }
        if !frame.explores || self.run.mode == Mode::Build || names.access == Access::PositionOnly {
            return;
        }
        // A run that found something, or was refused a candidate, can come further the next time.
        let has_no_candidate = match &self.run.failure {
            Some(failure) => self.graph.slots[failure.slot].is_refused,
            None => self.run.is_ended,
        };
        let is_stuck = !is_ok && has_no_candidate && self.graph.progress == frame.progress;
        if frame.looks_around && !names.is_settled() && (is_ok || is_stuck) {
            names.start_probing();
            self.graph.progress += 1;
        }
        if is_stuck && names.access == Access::Position {
            names.access = Access::Name;
            self.graph.progress += 1;
        }
    }
}
