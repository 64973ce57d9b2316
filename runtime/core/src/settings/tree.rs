//! The tree to which each layer is converted, and the merging of trees.

use std::collections::BTreeMap;

use super::SettingOrigin;

/// A value with its origin.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// The origin of the value.
    pub(super) origin: SettingOrigin,
    /// The origin of the value's key.
    pub(super) key_origin: SettingOrigin,
}

#[derive(Clone)]
pub(super) enum Value {
    Table(BTreeMap<String, Entry>),
    List(Vec<Entry>),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// The text of a variable. Its type is decided by the field that is read from it.
    Untyped(String),
}

impl Entry {
    pub(super) fn new(value: Value, origin: SettingOrigin) -> Entry {
        Entry { value, key_origin: origin.clone(), origin }
    }

    pub(super) fn empty_table(origin: SettingOrigin) -> Entry {
        Entry::new(Value::Table(BTreeMap::new()), origin)
    }

    /// Merges an entry of a higher layer into this one. Tables are merged key by key; any other value is replaced.
    pub(super) fn merge(&mut self, upper: Entry) {
        match (&mut self.value, upper.value) {
            (Value::Table(lower_table), Value::Table(upper_table)) => {
                for (name, entry) in upper_table {
                    match lower_table.iter_mut().find(|(other, _)| is_same_key(other, &name, &entry.key_origin)) {
                        Some((_, lower)) => lower.merge(entry),
                        None => drop(lower_table.insert(name, entry)),
                    }
                }
                (self.origin, self.key_origin) = (upper.origin, upper.key_origin);
            }
            (_, value) => *self = Entry { value, ..upper },
        }
    }

    /// Returns tables that contain this entry under a key of several words.
    pub(super) fn nested_under(self, words: &[&str]) -> Entry {
        words.iter().rev().fold(self, |entry, word| {
            let origin = entry.key_origin.clone();
            Entry::new(Value::Table(BTreeMap::from([((*word).to_owned(), entry)])), origin)
        })
    }
}

/// Returns whether two names are one key. The name of a variable has neither case nor hyphens.
fn is_same_key(lower: &str, upper: &str, upper_origin: &SettingOrigin) -> bool {
    match upper_origin {
        SettingOrigin::Variable(_) => as_in_variable(lower) == as_in_variable(upper),
        _ => lower == upper,
    }
}

fn as_in_variable(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}
