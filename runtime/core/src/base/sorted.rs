//! A map in the order of its keys, of little code.
//!
//! What std's `BTreeMap` does, for each pair of types it does with code of its own, some ten thousand lines of what LLVM
//! reads; and the compiler makes it anew for the mailbox of every protocol. Here the same is a sorted list in pieces:
//! each is found, and searched, by halving, and what comes or goes moves the rest of one piece.
//!
//! Invariants: keys ascend, within a piece and from one to the next · no piece is empty, none has more than [`FULL`] · two
//! neighbours together have more than half of that, so what has become few does not keep the room of many.

use std::{mem, slice, vec};

/// A map in the order of its keys.
pub(crate) struct Sorted<K, V> {
    pieces: Vec<Vec<(K, V)>>,
}

/// So many entries one piece has at most.
const FULL: usize = 64;

/// An entry's piece, and its place there.
type Place = (usize, usize);

impl<K, V> Sorted<K, V> {
    pub(crate) const fn new() -> Sorted<K, V> {
        Sorted { pieces: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Counts piece by piece.
    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    pub(crate) fn first(&self) -> Option<&(K, V)> {
        self.pieces.first()?.first()
    }

    /// In order.
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { first: [].iter(), pieces: self.pieces.iter(), last: [].iter() }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for piece in &mut self.pieces {
            piece.retain_mut(|(key, value)| keep(key, value));
        }
        self.pieces.retain(|piece| !piece.is_empty());
        let mut at = 0;
        while at < self.pieces.len() {
            at += usize::from(!self.join(at));
        }
    }

    /// Makes one of this piece and the next, if both are small.
    fn join(&mut self, at: usize) -> bool {
        let small = matches!(&self.pieces[at..], [one, two, ..] if one.len() + two.len() <= FULL / 2);
        if small {
            let mut next = self.pieces.remove(at + 1);
            self.pieces[at].append(&mut next);
        }
        small
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// Where the key is, or where it belongs.
    fn find(&self, key: &K) -> Result<Place, Place> {
        let behind = self.pieces.partition_point(|piece| piece.first().is_some_and(|(first, _)| first <= key));
        let at = behind.saturating_sub(1);
        match self.pieces.get(at).map(|piece| piece.binary_search_by(|(other, _)| other.cmp(key))) {
            Some(Ok(place)) => Ok((at, place)),
            Some(Err(place)) => Err((at, place)),
            None => Err((0, 0)),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (at, place) = self.find(key).ok()?;
        Some(&self.pieces[at][place].1)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (at, place) = self.find(key).ok()?;
        Some(&mut self.pieces[at][place].1)
    }

    /// The first behind this key.
    pub(crate) fn behind(&self, key: &K) -> Option<&(K, V)> {
        let (at, place) = self.find(key).map_or_else(|place| place, |(at, place)| (at, place + 1));
        self.pieces.get(at)?.get(place).or_else(|| self.pieces.get(at + 1)?.first())
    }

    /// Puts `value` there; what was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok((at, place)) => Some(mem::replace(&mut self.pieces[at][place].1, value)),
            Err(place) => {
                self.put(place, key, value);
                None
            }
        }
    }

    /// What is there, or else what `make` makes.
    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let (at, place) = match self.find(&key) {
            Ok(place) => place,
            Err(place) => self.put(place, key, make()),
        };
        &mut self.pieces[at][place].1
    }

    /// Puts a new entry where it belongs; where that is by then.
    fn put(&mut self, (at, place): Place, key: K, value: V) -> Place {
        let is_last = at + 1 == self.pieces.len();
        let Some(piece) = self.pieces.get_mut(at) else {
            self.pieces.push(Vec::from([(key, value)]));
            return (at, 0);
        };
        if piece.len() < FULL {
            piece.insert(place, (key, value));
            return (at, place);
        }
        // Keys that come in their order leave full pieces behind.
        let middle = if is_last && place == FULL { FULL } else { FULL / 2 };
        let rest = piece.split_off(middle);
        self.pieces.insert(at + 1, rest);
        let (at, place) = if place < middle { (at, place) } else { (at + 1, place - middle) };
        self.pieces[at].insert(place, (key, value));
        (at, place)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (at, place) = self.find(key).ok()?;
        let (_, value) = self.pieces[at].remove(place);
        if self.pieces[at].is_empty() {
            self.pieces.remove(at);
        } else {
            self.join(at);
        }
        if at > 0 {
            self.join(at - 1);
        }
        Some(value)
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Sorted<K, V> {
        Sorted::new()
    }
}

/// All entries in order. As `flatten` on the pieces, which is five times the code.
pub(crate) struct Iter<'a, K, V> {
    first: slice::Iter<'a, (K, V)>,
    pieces: slice::Iter<'a, Vec<(K, V)>>,
    last: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = &'a (K, V);

    fn next(&mut self) -> Option<&'a (K, V)> {
        loop {
            if let Some(entry) = self.first.next() {
                return Some(entry);
            }
            match self.pieces.next() {
                Some(piece) => self.first = piece.iter(),
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
            match self.pieces.next_back() {
                Some(piece) => self.last = piece.iter(),
                None => return self.first.next_back(),
            }
        }
    }
}

/// The same for whoever takes them.
pub(crate) struct IntoIter<K, V> {
    piece: vec::IntoIter<(K, V)>,
    pieces: vec::IntoIter<Vec<(K, V)>>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(entry) = self.piece.next() {
                return Some(entry);
            }
            self.piece = self.pieces.next()?.into_iter();
        }
    }
}

impl<K, V> IntoIterator for Sorted<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    /// In order.
    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { piece: Vec::new().into_iter(), pieces: self.pieces.into_iter() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl<K: Ord, V> Sorted<K, V> {
        fn check(&self) {
            assert!(self.pieces.iter().all(|piece| (1..=FULL).contains(&piece.len())));
            assert!(self.pieces.windows(2).all(|two| two[0].len() + two[1].len() > FULL / 2));
            assert!(self.iter().is_sorted_by(|(one, _), (two, _)| one < two));
        }
    }

    /// Does the same to both, with keys below `span`: first mostly growing, then mostly shrinking.
    fn check(span: u64, mut seed: u64) {
        let (mut sorted, mut map) = (Sorted::new(), BTreeMap::new());
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
            assert_eq!((sorted.is_empty(), sorted.first().map(|(key, _)| key)), (map.is_empty(), map.keys().next()));
            if step % 100 == 0 {
                assert_eq!(sorted.behind(&key).map(|(key, _)| key), map.range(key + 1..).next().map(|(key, _)| key));
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
    fn it_is_a_map() {
        for seed in 0..4 {
            for span in [1, 10, 100, 1_000, 1_000_000] {
                check(span, seed);
            }
        }
    }

    #[test]
    fn keys_that_come_into_a_gap_share_pieces() {
        let mut sorted = Sorted::new();
        for key in (0..FULL).chain((1_000..10_000).rev()) {
            sorted.insert(key, key);
            sorted.check();
        }
    }

    #[test]
    fn keys_in_their_order_fill_the_pieces() {
        let mut sorted = Sorted::new();
        for key in 0..10 * FULL {
            assert_eq!(sorted.insert(key, key), None);
        }
        assert_eq!(sorted.pieces.len(), 10);
        for key in 0..10 * FULL - 1 {
            assert_eq!(sorted.remove(&key), Some(key));
        }
        sorted.check();
        assert_eq!(sorted.len(), 1);
    }
}
