use std::{iter, mem};

use crate::base::Sorted;

/// A map of which most have none or one: the one needs no memory of its own.
#[derive(Default)]
pub(super) enum Few<K, V> {
    #[default]
    None,
    One(K, V),
    // Stays what it is when it gets shorter: whoever had many will have again.
    Many(Sorted<K, V>),
}

impl<K: Ord, V> Few<K, V> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Few::None => true,
            Few::One(..) => false,
            Few::Many(many) => many.is_empty(),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match self {
            Few::None => None,
            Few::One(one, value) => (one == key).then_some(value),
            Few::Many(many) => many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            Few::None => None,
            Few::One(one, value) => (one == key).then_some(value),
            Few::Many(many) => many.get_mut(key),
        }
    }

    /// Puts `value` there; what was there before.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self {
            Few::None => {
                *self = Few::One(key, value);
                None
            }
            Few::One(one, before) if *one == key => Some(mem::replace(before, value)),
            Few::One(..) => {
                let Few::One(one, before) = mem::take(self) else { return None };
                let mut many = Sorted::new();
                many.insert(one, before);
                many.insert(key, value);
                *self = Few::Many(many);
                None
            }
            Few::Many(many) => many.insert(key, value),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Few::None => None,
            Few::One(one, _) if one == key => match mem::take(self) {
                Few::One(_, value) => Some(value),
                Few::None | Few::Many(_) => None,
            },
            Few::One(..) => None,
            Few::Many(many) => many.remove(key),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        match self {
            Few::None => {}
            Few::One(key, value) => {
                if !keep(key, value) {
                    *self = Few::None;
                }
            }
            Few::Many(many) => many.retain(|key, value| keep(key, value)),
        }
    }

    /// In order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (one, many) = match self {
            Few::None => (None, None),
            Few::One(key, value) => (Some((key, value)), None),
            Few::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flat_map(Sorted::iter).map(|(key, value)| (key, value)))
    }

    /// The same, handed out.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (K, V)> {
        let (one, many) = match self {
            Few::None => (None, None),
            Few::One(key, value) => (Some((key, value)), None),
            Few::Many(many) => (None, Some(many)),
        };
        iter::chain(one, many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Inserts, removes and looks up by the digits of a number, beside a map that is known to be right.
    fn check(mut script: u64) {
        let (mut few, mut map) = (Few::default(), BTreeMap::new());
        while script > 0 {
            let (what, key, value) = (script % 3, script / 3 % 3, script % 7);
            script /= 9;
            match what {
                0 => assert_eq!(few.insert(key, value), map.insert(key, value)),
                1 => assert_eq!(few.remove(&key), map.remove(&key)),
                _ => {
                    few.retain(|k, v| k + v != key);
                    map.retain(|k, v| k + *v != key);
                }
            }
            assert_eq!(few.get(&key), map.get(&key));
            assert_eq!(few.get_mut(&key), map.get_mut(&key));
            assert!(few.iter().eq(map.iter()));
        }
        assert!(few.into_iter().eq(map));
    }

    #[test]
    fn few_are_a_map() {
        (0..9u64.pow(5)).for_each(check);
    }
}
