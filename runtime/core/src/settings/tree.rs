use std::collections::BTreeMap;

use super::SettingOrigin;

/// A value, and where it comes from.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// Where the value stands.
    pub(super) place: SettingOrigin,
    /// Where its key stands.
    pub(super) key_place: SettingOrigin,
}

#[derive(Clone)]
pub(super) enum Value {
    Table(BTreeMap<String, Entry>),
    List(Vec<Entry>),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A variable's text: it is whatever it is read as.
    Word(String),
}

impl Entry {
    pub(super) fn new(value: Value, place: SettingOrigin) -> Entry {
        Entry { value, key_place: place.clone(), place }
    }

    pub(super) fn table(place: SettingOrigin) -> Entry {
        Entry::new(Value::Table(BTreeMap::new()), place)
    }

    /// Lays another one over this one: table over table key by key, anything else in its stead.
    pub(super) fn lay(&mut self, over: Entry) {
        match (&mut self.value, over.value) {
            (Value::Table(below), Value::Table(above)) => {
                for (name, entry) in above {
                    match below.iter_mut().find(|(other, _)| same(other, &name, &entry.key_place)) {
                        Some((_, below)) => below.lay(entry),
                        None => drop(below.insert(name, entry)),
                    }
                }
                (self.place, self.key_place) = (over.place, over.key_place);
            }
            (_, value) => *self = Entry { value, ..over },
        }
    }

    /// This value under a key of several words.
    pub(super) fn under(self, words: &[&str]) -> Entry {
        words.iter().rev().fold(self, |entry, word| {
            let place = entry.key_place.clone();
            Entry::new(Value::Table(BTreeMap::from([((*word).to_owned(), entry)])), place)
        })
    }
}

/// Whether two names are one key. A variable cannot tell `max-users` from `max_users`.
fn same(name: &str, over: &str, place: &SettingOrigin) -> bool {
    match place {
        SettingOrigin::Variable(_) => plain(name) == plain(over),
        _ => name == over,
    }
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}
