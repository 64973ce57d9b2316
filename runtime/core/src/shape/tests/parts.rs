//! Options, sequences, maps and tuples.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{differ, pair, same, shape};
use crate::shape::{Aliases, Resolver};

/// Bytes, as a type with `serde_bytes` writes them.
#[derive(Clone, Debug, PartialEq)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        struct BlobVisitor;
        impl Visitor<'_> for BlobVisitor {
            type Value = Blob;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BlobVisitor)
    }
}

#[test]
fn an_option_can_be_added_and_removed() {
    same(Some(3_u8), 3_u8);
    same(Some(Some(3_u8)), 3_u64);
    pair(None::<u8>, Err("None was sent, u8 is expected"), 1_u8, Ok(Some(1)));
    pair(None::<u8>, Ok(None::<u64>), Some(300_u64), Err("the number does not fit into u8"));
    same(vec![Some(1_u8)], vec![1_u8]);
    pair(vec![None, Some(1_u8)], Err("field `[0]`: None was sent, u8 is expected"), vec![7_u8], Ok(vec![Some(7)]));
    same(Some(vec![1_u8]), vec![1_u8]);
    same(Some(String::from("x")), String::from("x"));
}

#[test]
fn sequences_are_read_as_each_other() {
    same(vec![1_u8, 2], VecDeque::from([1_u16, 2]));
    same(BTreeSet::from([1_u8, 2]), vec![1_u8, 2]);
    same(vec![1_u8, 2], (1_u8, 2_u8));
    same([1_u32; 4], vec![1_u64; 4]);
    let another = "another number of elements is expected";
    pair(vec![1_u8, 2, 3], Err(another), [1_u8; 2], Ok(vec![1, 1]));
    pair([1_u8; 4], Err(another), [1_u8; 3], Err(another));
    same(vec![1_u8, 2], Blob(vec![1, 2]));
    pair([1_u8, 2], Ok(Blob(vec![1, 2])), Blob(vec![1, 2]), Err("bytes was sent, a tuple is expected"));
    pair(vec![1_u16], Err("a sequence was sent, bytes is expected"), Blob(vec![5]), Ok(vec![5_u16]));
    differ(
        vec![1_u8],
        "a sequence was sent, String is expected",
        String::from("x"),
        "String was sent, a sequence is expected",
    );
    let texts = vec![String::from("x")];
    differ(
        vec![1_u8],
        "field `[0]`: u8 was sent, String is expected",
        texts,
        "field `[0]`: String was sent, u8 is expected",
    );
}

#[test]
fn maps_are_read_by_their_keys_and_values() {
    let small = BTreeMap::from([(String::from("a"), 1_u8)]);
    same(small.clone(), BTreeMap::from([(String::from("a"), 1_u64)]));
    let pairs = vec![(String::from("a"), 1_u8)];
    differ(small, "a map was sent, a sequence is expected", pairs, "a sequence was sent, a map is expected");
    let wide = BTreeMap::from([(1_u16, 300_u16)]);
    pair(
        wide,
        Err("field `[0]`: the number does not fit into u8"),
        BTreeMap::from([(1_u8, 3_u8)]),
        Ok(BTreeMap::from([(1, 3)])),
    );
}

/// A list that takes a part which it cannot read for the end.
#[derive(Debug, PartialEq)]
struct Lenient(Vec<String>);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lenient, D::Error> {
        struct LenientVisitor;
        impl<'de> Visitor<'de> for LenientVisitor {
            type Value = Lenient;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("texts")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Lenient, A::Error> {
                let mut texts = Vec::new();
                for _ in 0..2 {
                    texts.extend(parts.next_element().unwrap_or_default());
                }
                Ok(Lenient(texts))
            }
        }
        deserializer.deserialize_tuple(2, LenientVisitor)
    }
}

#[test]
fn a_type_cannot_ignore_that_a_part_cannot_be_read() {
    let (shape, aliases) = (shape::<(u8, String)>(), Aliases::default());
    let bytes = postcard::to_allocvec(&(1_u8, "x")).unwrap();
    let error = Resolver::new(&shape, &aliases, &bytes).read::<Lenient>(0).unwrap_err().to_string();
    assert_eq!(error, "field `0`: a type ignores that a part of it cannot be read");
}
