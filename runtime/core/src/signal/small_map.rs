//! A map that needs no allocation for a single entry.

use std::{iter, mem};

use crate::base::SortedMap;

/// A map for zero or one entry in most cases: a single entry needs no allocation.
#[derive(Default)]
pub(super) enum SmallMap<K, V> {
    #[default]
    None,
    One(K, V),
    // Stays `Many` when it shrinks: a process that had many entries will have many again.
    Many(SortedMap<K, V>),
}

impl<K: Ord, V> SmallMap<K, V> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            SmallMap::None => true,
            SmallMap::One(..) => false,
            SmallMap::Many(many) => many.is_empty(),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match self {
            SmallMap::None => None,
            SmallMap::One(one, value) => (one == key).then_some(value),
            SmallMap::Many(many) => many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            SmallMap::None => None,
            SmallMap::One(one, value) => (one == key).then_some(value),
            SmallMap::Many(many) => many.get_mut(key),
        }
    }

    /// Inserts `value` and returns the value that it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self {
            SmallMap::None => {
                *self = SmallMap::One(key, value);
                None
            }
            SmallMap::One(one, before) if *one == key => Some(mem::replace(before, value)),
            SmallMap::One(..) => {
                let SmallMap::One(one, before) = mem::take(self) else { return None };
                let mut many = SortedMap::new();
                many.insert(one, before);
                many.insert(key, value);
                *self = SmallMap::Many(many);
                None
            }
            SmallMap::Many(many) => many.insert(key, value),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            SmallMap::None => None,
            SmallMap::One(one, _) if one == key => match mem::take(self) {
                SmallMap::One(_, value) => Some(value),
                SmallMap::None | SmallMap::Many(_) => None,
            },
            SmallMap::One(..) => None,
            SmallMap::Many(many) => many.remove(key),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        match self {
            SmallMap::None => {}
            SmallMap::One(key, value) => {
                if !keep(key, value) {
                    *self = SmallMap::None;
                }
            }
            SmallMap::Many(many) => many.retain(|key, value| keep(key, value)),
        }
    }

    /// Returns the entries in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (one, many) = match self {
            SmallMap::None => (None, None),
            SmallMap::One(key, value) => (Some((key, value)), None),
            SmallMap::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flat_map(SortedMap::iter).map(|(key, value)| (key, value)))
    }

    /// Consumes the map and returns the entries in the order of their keys.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (K, V)> {
        let (one, many) = match self {
            SmallMap::None => (None, None),
            SmallMap::One(key, value) => (Some((key, value)), None),
            SmallMap::Many(many) => (None, Some(many)),
        };
        iter::chain(one, many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Runs the operations that the digits of `script` encode on a `SmallMap` and on a `BTreeMap`, and compares the two.
    fn check(mut script: u64) {
        let (mut small, mut map) = (SmallMap::default(), BTreeMap::new());
        while script > 0 {
            let (operation, key, value) = (script % 3, script / 3 % 3, script % 7);
            script /= 9;
            match operation {
                0 => assert_eq!(small.insert(key, value), map.insert(key, value)),
                1 => assert_eq!(small.remove(&key), map.remove(&key)),
                _ => {
                    small.retain(|k, v| k + v != key);
                    map.retain(|k, v| k + *v != key);
                }
            }
            assert_eq!(small.get(&key), map.get(&key));
            assert_eq!(small.get_mut(&key), map.get_mut(&key));
            assert!(small.iter().eq(map.iter()));
        }
        assert!(small.into_iter().eq(map));
    }

    #[test]
    fn a_small_map_behaves_as_a_map() {
        (0..9u64.pow(5)).for_each(check);
    }
}
