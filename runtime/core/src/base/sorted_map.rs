//! A sorted map with little code per type.
//!
//! `BTreeMap` is compiled for each pair of types, to some ten thousand lines of LLVM input each, and the mailbox of
//! every protocol would be one more. This map is a list of sorted chunks. A binary search finds the chunk and the
//! entry, and an insertion or a removal moves the entries of one chunk.
//!
//! Invariants:
//! - Keys ascend within a chunk and from one chunk to the next.
//! - No chunk is empty or has more than [`CHUNK`] entries.
//! - Two neighbours together have more than half of that, so a map that has shrunk frees its memory.

use std::cmp::Ordering;
use std::{fmt, mem, slice, vec};

/// A map in the order of its keys.
#[derive(Clone)]
pub(crate) struct SortedMap<K, V> {
    chunks: Vec<Vec<(K, V)>>,
}

/// The most entries of a chunk.
const CHUNK: usize = 64;

/// The indices of an entry's chunk, and of the entry in the chunk.
type Position = (usize, usize);

impl<K, V> SortedMap<K, V> {
    pub(crate) const fn new() -> SortedMap<K, V> {
        SortedMap { chunks: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Counts the entries chunk by chunk.
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    pub(crate) fn first(&self) -> Option<&(K, V)> {
        self.chunks.first()?.first()
    }

    /// Returns the entry at this place in the order of keys. Counts the entries chunk by chunk.
    #[cfg(feature = "registry")]
    pub(crate) fn nth(&self, mut index: usize) -> Option<&(K, V)> {
        for chunk in &self.chunks {
            match chunk.get(index) {
                Some(entry) => return Some(entry),
                None => index -= chunk.len(),
            }
        }
        None
    }

    /// Iterates in the order of keys.
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { first: [].iter(), chunks: self.chunks.iter(), last: [].iter() }
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for chunk in &mut self.chunks {
            chunk.retain_mut(|(key, value)| keep(key, value));
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        let mut at = 0;
        while at < self.chunks.len() {
            at += usize::from(!self.join(at));
        }
    }

    /// Joins this chunk and the next if both are small. Returns whether they were.
    fn join(&mut self, at: usize) -> bool {
        let small = matches!(&self.chunks[at..], [one, two, ..] if one.len() + two.len() <= CHUNK / 2);
        if small {
            let mut next = self.chunks.remove(at + 1);
            self.chunks[at].append(&mut next);
        }
        small
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Returns the position of the key, or as `Err` the position at which to insert it.
    fn find(&self, key: &K) -> Result<Position, Position> {
        let after = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|(first, _)| first <= key));
        let at = after.saturating_sub(1);
        match self.chunks.get(at).map(|chunk| chunk.binary_search_by(|(other, _)| other.cmp(key))) {
            Some(Ok(index)) => Ok((at, index)),
            Some(Err(index)) => Err((at, index)),
            None => Err((0, 0)),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (at, index) = self.find(key).ok()?;
        Some(&self.chunks[at][index].1)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (at, index) = self.find(key).ok()?;
        Some(&mut self.chunks[at][index].1)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Iterates over the entries from this key on.
    pub(crate) fn iter_from(&self, key: &K) -> Iter<'_, K, V> {
        let (at, index) = self.find(key).unwrap_or_else(|position| position);
        let first = self.chunks.get(at).map_or(&[][..], |chunk| &chunk[index..]);
        Iter { first: first.iter(), chunks: self.chunks.get(at + 1..).unwrap_or_default().iter(), last: [].iter() }
    }

    /// Returns the first entry behind this key.
    pub(crate) fn next_after(&self, key: &K) -> Option<&(K, V)> {
        let (at, index) = self.find(key).map_or_else(|position| position, |(at, index)| (at, index + 1));
        self.chunks.get(at)?.get(index).or_else(|| self.chunks.get(at + 1)?.first())
    }

    /// Inserts a value. Returns the former value of the key.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok((at, index)) => Some(mem::replace(&mut self.chunks[at][index].1, value)),
            Err(position) => {
                self.insert_at(position, key, value);
                None
            }
        }
    }

    /// Returns the value of the key. Inserts the result of `make` if the key is new.
    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let (at, index) = match self.find(&key) {
            Ok(position) => position,
            Err(position) => self.insert_at(position, key, make()),
        };
        &mut self.chunks[at][index].1
    }

    /// Inserts a new entry at its position. Returns the position, which is another one if the chunk is split.
    fn insert_at(&mut self, (at, index): Position, key: K, value: V) -> Position {
        let is_last = at + 1 == self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Vec::from([(key, value)]));
            return (at, 0);
        };
        if chunk.len() < CHUNK {
            chunk.insert(index, (key, value));
            return (at, index);
        }
        // Keys that are inserted in order fill their chunks.
        let middle = if is_last && index == CHUNK { CHUNK } else { CHUNK / 2 };
        let rest = chunk.split_off(middle);
        self.chunks.insert(at + 1, rest);
        let (at, index) = if index < middle { (at, index) } else { (at + 1, index - middle) };
        self.chunks[at].insert(index, (key, value));
        (at, index)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (at, index) = self.find(key).ok()?;
        let (_, value) = self.chunks[at].remove(index);
        if self.chunks[at].is_empty() {
            self.chunks.remove(at);
        } else {
            self.join(at);
        }
        if at > 0 {
            self.join(at - 1);
        }
        Some(value)
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> SortedMap<K, V> {
        SortedMap::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, value)| (key, value))).finish()
    }
}

// Equal maps can have different chunks.
impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &SortedMap<K, V>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: PartialOrd, V: PartialOrd> PartialOrd for SortedMap<K, V> {
    fn partial_cmp(&self, other: &SortedMap<K, V>) -> Option<Ordering> {
        self.iter().partial_cmp(other.iter())
    }
}

impl<K: Ord, V: Ord> Ord for SortedMap<K, V> {
    fn cmp(&self, other: &SortedMap<K, V>) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

/// An iterator over all entries. `flatten` on the chunks does the same with five times the code.
pub(crate) struct Iter<'a, K, V> {
    first: slice::Iter<'a, (K, V)>,
    chunks: slice::Iter<'a, Vec<(K, V)>>,
    last: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = &'a (K, V);

    fn next(&mut self) -> Option<&'a (K, V)> {
        loop {
            if let Some(entry) = self.first.next() {
                return Some(entry);
            }
            match self.chunks.next() {
                Some(chunk) => self.first = chunk.iter(),
                None => return self.last.next(),
            }
        }
    }
}

impl<'a, K, V> DoubleEndedIterator for Iter<'a, K, V> {
    fn next_back(&mut self) -> Option<&'a (K, V)> {
        loop {
            if let Some(entry) = self.last.next_back() {
                return Some(entry);
            }
            match self.chunks.next_back() {
                Some(chunk) => self.last = chunk.iter(),
                None => return self.first.next_back(),
            }
        }
    }
}

/// An iterator over all entries by value.
pub(crate) struct IntoIter<K, V> {
    chunk: vec::IntoIter<(K, V)>,
    chunks: vec::IntoIter<Vec<(K, V)>>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(entry) = self.chunk.next() {
                return Some(entry);
            }
            self.chunk = self.chunks.next()?.into_iter();
        }
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    /// Iterates in the order of keys.
    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { chunk: Vec::new().into_iter(), chunks: self.chunks.into_iter() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl<K: Ord, V> SortedMap<K, V> {
        fn check(&self) {
            assert!(self.chunks.iter().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
            assert!(self.chunks.windows(2).all(|two| two[0].len() + two[1].len() > CHUNK / 2));
            assert!(self.iter().is_sorted_by(|(one, _), (two, _)| one < two));
        }
    }

    /// Applies the same random operations to this map and a `BTreeMap`, with keys below `span`. Both first grow, then
    /// shrink.
    fn check(span: u64, mut seed: u64) {
        let (mut sorted, mut map) = (SortedMap::new(), BTreeMap::new());
        for step in 0..6_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (seed >> 33) % span;
            let growing = step < 3_000;
            match (seed >> 20) % 16 {
                0..3 => assert_eq!(sorted.get_mut(&key), map.get_mut(&key)),
                3..5 => {
                    assert_eq!(sorted.get_or_insert_with(key, || step), map.entry(key).or_insert(step));
                }
                5..13 if growing => assert_eq!(sorted.insert(key, step), map.insert(key, step)),
                15 if step % 50 == 0 => {
                    sorted.retain(|key, value| (*key ^ *value) % 4 != 0);
                    map.retain(|key, value| (*key ^ *value) % 4 != 0);
                }
                _ => assert_eq!(sorted.remove(&key), map.remove(&key)),
            }
            sorted.check();
            assert_eq!((sorted.get(&key), sorted.len()), (map.get(&key), map.len()));
            assert_eq!(sorted.contains_key(&key), map.contains_key(&key));
            assert_eq!((sorted.is_empty(), sorted.first().map(|(key, _)| key)), (map.is_empty(), map.keys().next()));
            if step % 100 == 0 {
                assert_eq!(
                    sorted.next_after(&key).map(|(key, _)| key),
                    map.range(key + 1..).next().map(|(key, _)| key)
                );
                assert!(sorted.iter_from(&key).map(|(key, _)| key).eq(map.range(key..).map(|(key, _)| key)));
                assert!(
                    sorted.iter_from(&key).rev().map(|(key, _)| key).eq(map.range(key..).rev().map(|(key, _)| key))
                );
                assert!(sorted.keys().eq(map.keys()) && sorted.values().eq(map.values()));
                let (mut ends, mut expected) = (sorted.iter(), map.iter());
                while let Some((first, _)) = expected.next() {
                    assert_eq!(ends.next().map(|(key, _)| key), Some(first));
                    assert_eq!(ends.next_back().map(|(key, _)| key), expected.next_back().map(|(key, _)| key));
                }
                assert_eq!((ends.next(), ends.next_back()), (None, None));
            }
        }
        assert!(sorted.into_iter().eq(map));
    }

    #[test]
    fn it_agrees_with_the_map_of_std() {
        for seed in 0..4 {
            for span in [1, 10, 100, 1_000, 1_000_000] {
                check(span, seed);
            }
        }
    }

    #[test]
    fn keys_that_are_inserted_into_a_gap_share_chunks() {
        let mut sorted = SortedMap::new();
        for key in (0..CHUNK).chain((1_000..10_000).rev()) {
            sorted.insert(key, key);
            sorted.check();
        }
    }

    #[test]
    fn maps_are_compared_by_their_entries() {
        let (mut ascending, mut descending) = (SortedMap::new(), SortedMap::new());
        for key in 0..10 * CHUNK {
            ascending.insert(key, "");
            descending.insert(10 * CHUNK - 1 - key, "");
        }
        assert_ne!(ascending.chunks.len(), descending.chunks.len());
        assert_eq!(ascending, descending);
        descending.insert(10 * CHUNK, "");
        assert!(ascending < descending);
    }

    #[test]
    fn keys_in_order_fill_the_chunks() {
        let mut sorted = SortedMap::new();
        for key in 0..10 * CHUNK {
            assert_eq!(sorted.insert(key, key), None);
        }
        assert_eq!(sorted.chunks.len(), 10);
        for key in 0..10 * CHUNK - 1 {
            assert_eq!(sorted.remove(&key), Some(key));
        }
        sorted.check();
        assert_eq!(sorted.len(), 1);
    }
}
