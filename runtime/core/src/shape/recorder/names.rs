//! The names of fields and variants, and which of them are aliases.
//!
//! serde's derive lists a field's aliases among the names of the type. So the number of names is not that of the
//! fields. The type's own key type tells them apart: it takes an index or a name, and its discriminant is the field.
//!
//! - At first, indices are taken for fields in the order of the names.
//! - Fewer fields than names: each index and each name is probed, one in a run. Names with equal meanings are one
//!   field.
//! - The own name of a field appears in the error that follows if one key is given twice. The own name of a variant
//!   does not appear anywhere: the names of a variant have no order.

use crate::shape::core::Key;
use crate::shape::{Field, NodeIndex};

/// Progress in the search for aliases.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Each name is taken for a field.
    Assumed,
    Probing,
    Settled,
}

/// The order in which the fields of a struct are visited while it is explored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Position,
    /// By name: one field accepts no value, and others can stand in front of it.
    Name,
    /// Written by hand, and reads positions only.
    PositionOnly,
}

/// The names of one struct or enum.
pub(super) struct Names {
    /// The type's own list, with aliases.
    listed: &'static [&'static str],
    /// Per field, all names that mean it.
    fields: Vec<Vec<&'static str>>,
    state: State,
    pub(super) access: Access,
    /// The meanings of the indices.
    index_meanings: Vec<u64>,
    /// Set if an index means no field, or one that an earlier index means.
    has_surplus: bool,
    /// The meanings of the names.
    name_meanings: Vec<Option<u64>>,
    /// Fields with aliases, whose own name is not known.
    nameless: Vec<usize>,
    /// The number of times that a key was given twice without an error.
    repeats: usize,
}

impl Names {
    pub(super) fn new(listed: &'static [&'static str]) -> Self {
        Names {
            listed,
            fields: listed.iter().map(|name| vec![*name]).collect(),
            state: State::Assumed,
            access: Access::Position,
            index_meanings: vec![],
            has_surplus: false,
            name_meanings: vec![],
            nameless: vec![],
            repeats: 0,
        }
    }

    /// Returns the name of a field.
    pub(super) fn label(&self, index: usize) -> &'static str {
        self.fields[index][0]
    }

    /// Returns a field with all its names.
    pub(super) fn field(&self, index: usize, node: NodeIndex) -> Field {
        let [own, aliases @ ..] = &*self.fields[index] else { unreachable!("a field has a name") };
        Field { name: (*own).into(), aliases: aliases.iter().map(|alias| (*alias).into()).collect(), node }
    }

    /// Returns the names of each field, if one of them has aliases.
    pub(super) fn with_aliases(&self) -> Option<Vec<Vec<&'static str>>> {
        self.fields.iter().any(|names| names.len() > 1).then(|| self.fields.clone())
    }

    pub(super) fn is_probing(&self) -> bool {
        self.state == State::Probing
    }

    pub(super) fn is_settled(&self) -> bool {
        self.state == State::Settled
    }

    /// True if names are still to be found out.
    pub(super) fn is_unclear(&self) -> bool {
        self.is_probing() || !self.nameless.is_empty()
    }

    /// Each of the names is a field.
    pub(super) fn settle(&mut self) {
        self.state = State::Settled;
    }

    /// Not each of the names is a field, as it seems.
    pub(super) fn start_probing(&mut self) {
        if self.state == State::Assumed {
            self.state = State::Probing;
        }
    }

    /// The type never reads a key.
    pub(super) fn settle_without_keys(&mut self) {
        self.state = State::Settled;
        self.access = Access::PositionOnly;
    }

    /// Returns the index of the variant that can be taken. Until their number is known, they are tried in order.
    pub(super) fn clamp(&self, index: usize) -> usize {
        if self.is_settled() { index } else { index.min(self.index_meanings.len()) }
    }

    /// Takes note of what an index means. Returns false if it is not a field of its own.
    pub(super) fn note_index(&mut self, index: usize, meaning: Option<u64>) -> bool {
        if self.is_settled() || index < self.index_meanings.len() {
            return true;
        }
        match meaning.filter(|meaning| !self.has_surplus && !self.index_meanings.contains(meaning)) {
            Some(meaning) => self.index_meanings.push(meaning),
            None => self.has_surplus = true,
        }
        if self.state == State::Assumed && !self.has_surplus && self.are_indices_known() {
            self.state = State::Settled;
        }
        !self.has_surplus
    }

    fn are_indices_known(&self) -> bool {
        self.has_surplus || self.index_meanings.len() == self.listed.len()
    }

    /// Returns the key that is to be probed next.
    pub(super) fn probe(&self) -> Key<'static> {
        if self.are_indices_known() {
            Key::Name(self.listed[self.name_meanings.len()])
        } else {
            Key::Index(self.index_meanings.len() as u32)
        }
    }

    /// Takes note of what the probed key means. Returns the number of fields once it is known.
    pub(super) fn note_probe(&mut self, meaning: Option<u64>) -> Option<usize> {
        if !self.are_indices_known() {
            self.note_index(self.index_meanings.len(), meaning);
            return None;
        }
        self.name_meanings.push(meaning);
        if self.name_meanings.len() < self.listed.len() {
            return None;
        }
        self.state = State::Settled;
        let names = |index: &u64| -> Vec<&'static str> {
            let meanings = self.listed.iter().zip(&self.name_meanings);
            meanings.filter(|(_, meaning)| **meaning == Some(*index)).map(|(name, _)| *name).collect()
        };
        // An index past the end means an unknown field, which no name means.
        let fields: Vec<_> = self.index_meanings.iter().map(names).take_while(|names| !names.is_empty()).collect();
        // Without a field, the type was written by hand: the names are taken as they are listed.
        if !fields.is_empty() {
            self.nameless = (0..fields.len()).filter(|index| fields[*index].len() > 1).collect();
            self.fields = fields;
        }
        Some(self.fields.len())
    }

    /// The own names of variants cannot be found out.
    pub(super) fn accept_first_names(&mut self) {
        self.nameless.clear();
    }

    /// Returns the field whose own name is to be found out next.
    pub(super) fn nameless(&self) -> Option<usize> {
        self.nameless.get(self.repeats % self.nameless.len().max(1)).copied()
    }

    /// Takes note of a field's own name.
    pub(super) fn note_own_name(&mut self, field: usize, own: &'static str) -> bool {
        let position = self.fields[field].iter().position(|name| *name == own);
        if let Some(position) = position {
            self.fields[field].swap(0, position);
            self.nameless.retain(|nameless| *nameless != field);
        }
        position.is_some()
    }

    /// A key was given twice, and the type did not object.
    pub(super) fn note_silence(&mut self) {
        self.repeats += 1;
        if self.repeats > 3 * self.nameless.len() + 3 {
            self.nameless.clear();
        }
    }
}
