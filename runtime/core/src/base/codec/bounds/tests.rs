//! Values that exceed a bound, and values that do not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::base::EncodeError;
use crate::base::codec::{Decoder, Encoder, Payload};
use crate::counting::{allocated_bytes, kept_bytes};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum List {
    Nil,
    Cons(Box<List>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Pair(Box<Tree>, Box<Tree>),
    Named { of: Box<Tree> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

fn read<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, DecodeError> {
    let source = Bytes::copy_from_slice(bytes);
    let mut decoder = Decoder::new(&source);
    let value = decoder.field()?;
    decoder.finish()?;
    Ok(value)
}

fn write<T: Serialize + 'static>(value: &T) -> Bytes {
    let mut payload = Payload::default();
    Encoder::new(&mut payload, usize::MAX).field(value).unwrap();
    payload.to_source()
}

fn too_deep<T: Debug + PartialEq + 'static>() -> Result<T, DecodeError> {
    Err(DecodeError::TooDeep { limit: MAX_DEPTH })
}

fn list(levels: usize) -> List {
    (1..levels).fold(List::Nil, |list, _| List::Cons(Box::new(list)))
}

#[test]
fn a_list_has_128_levels_at_most() {
    let bytes = |levels: usize| [vec![1; levels - 1], vec![0]].concat();
    for levels in [1, 2, 127, 128] {
        assert_eq!(read(&bytes(levels)), Ok(list(levels)), "{levels}");
    }
    assert_eq!(read::<List>(&bytes(129)), too_deep());
    assert_eq!(read::<List>(&vec![1; 16 << 20]), too_deep());
}

#[test]
fn each_nested_value_counts_as_a_level() {
    assert_eq!(read::<Tree>(&[1; 100_000]), too_deep());
    assert_eq!(read::<Tree>(&[2; 100_000]), too_deep());
    assert_eq!(read::<Nest>(&[1; 100_000]), too_deep());
    assert_eq!(read::<Chain>(&[1; 100_000]), too_deep());
    assert_eq!(read::<BTreeMap<u8, List>>(&[1; 100_000]), too_deep());
    assert_eq!(read::<(u8, Option<List>)>(&[1; 100_000]), too_deep());
}

#[test]
fn width_is_not_depth() {
    let wide: Vec<(u8, Option<String>)> = (0..10_000).map(|n| (n as u8, Some(n.to_string()))).collect();
    let bytes = write(&wide);
    assert_eq!(read(&bytes), Ok(wide));
    let tree = Tree::Pair(Box::new(Tree::Leaf), Box::new(Tree::Named { of: Box::new(Tree::Leaf) }));
    assert_eq!(read(&[1, 0, 2, 0]), Ok(tree));
}

#[test]
fn other_errors_are_malformed_bytes() {
    assert!(matches!(read::<List>(&[1, 1]), Err(DecodeError::Malformed(_))));
    assert!(matches!(read::<List>(&[7]), Err(DecodeError::Malformed(_))));
    assert!(matches!(read::<List>(&[0, 0]), Err(DecodeError::Malformed(_))));
    // A length beyond the end of the bytes allocates nothing.
    assert!(matches!(read::<String>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::Malformed(_))));
}

/// Reads a `T` from bytes that exceed its elements.
fn too_many<T: Debug + PartialEq + DeserializeOwned + 'static>(bytes: &[u8]) {
    let before = allocated_bytes();
    assert_eq!(read::<T>(bytes), Err(DecodeError::TooMany { limit: bytes.len() + SPARE_ELEMENTS }));
    let allocated = allocated_bytes() - before;
    assert!(allocated < 256 + 64 * (bytes.len() + SPARE_ELEMENTS), "{allocated} bytes allocated");
}

/// The length of `2^63` elements.
const ENDLESS: [u8; 10] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1];

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Nothing {}

/// A value without bytes that occupies memory.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Scratch {
    #[serde(skip)]
    page: Page,
}

#[derive(Debug, PartialEq)]
struct Page([u64; 512]);

impl Default for Page {
    fn default() -> Page {
        Page([0; 512])
    }
}

#[test]
fn elements_without_bytes_end_in_an_error_instead_of_a_long_loop() {
    too_many::<Vec<()>>(&ENDLESS);
    too_many::<Vec<Nothing>>(&ENDLESS);
    too_many::<Vec<[(); 32]>>(&ENDLESS);
    too_many::<VecDeque<()>>(&ENDLESS);
    too_many::<BTreeSet<Nothing>>(&ENDLESS);
    too_many::<HashSet<Nothing>>(&ENDLESS);
    too_many::<HashMap<(), ()>>(&ENDLESS);
    too_many::<BTreeMap<(), Nothing>>(&ENDLESS);
    too_many::<Vec<u64>>(&ENDLESS);
    too_many::<HashMap<u64, u64>>(&ENDLESS);
    too_many::<(u8, Option<Vec<()>>)>(&[&[7, 1], &ENDLESS[..]].concat());
}

#[test]
fn the_elements_of_all_sequences_of_a_message_are_counted_together() {
    // Each of 10,000 sequences has 4,096 elements without bytes.
    let nested = [&[0x90, 0x4e][..], &[0x80, 0x20].repeat(10_000)].concat();
    too_many::<Vec<Vec<()>>>(&nested);
    // The second field of a message.
    let source = Bytes::from_static(&[0x80, 0x20, 0x80, 0x20]);
    let mut decoder = Decoder::new(&source);
    assert_eq!(decoder.field(), Ok(vec![(); 4096]));
    assert_eq!(decoder.field::<Vec<()>>(), Err(DecodeError::TooMany { limit: 4 + 4096 }));
}

#[test]
fn a_sequence_whose_elements_have_bytes_has_any_length() {
    fn check<T: Debug + PartialEq + Serialize + DeserializeOwned + 'static>(value: T) {
        let bytes = write(&value);
        assert_eq!(read(&bytes), Ok(value));
    }
    check(vec![0_u8; 100_000]);
    check(vec![((), ((0_u8,),)); 100_000]);
    check(vec![vec![vec![String::new(); 3]; 3]; 10_000]);
    check(vec![Some(Nothing {}), None]);
    check((0..100_000_u32).map(|n| (n, ())).collect::<HashMap<_, _>>());
    check((0..100_000_u32).map(|n| (n, vec![n])).collect::<BTreeMap<_, _>>());
    check(vec![(); SPARE_ELEMENTS]);
    check((vec![(); SPARE_ELEMENTS], vec![0_u8; 1000]));
}

/// Reads a `T` whose values are large in comparison with their bytes. Returns the memory that it occupied at most,
/// which includes the growth of a vector.
fn too_large<T: Debug + PartialEq + DeserializeOwned + 'static>(bytes: &[u8]) -> usize {
    let (before, kept) = (allocated_bytes(), kept_bytes());
    assert_eq!(read::<T>(bytes), Err(DecodeError::TooLarge { limit: bytes.len() * SMALL + SPARE_MEMORY }));
    assert_eq!(kept_bytes(), kept);
    allocated_bytes() - before
}

#[test]
fn small_bytes_do_not_become_a_large_value() {
    type Block = [[u64; 32]; 31];
    let count = 1_000_000;
    // A length of three bytes, and so many `None`s: 7.9 GB.
    let nones = [&[0xc0, 0x84, 0x3d][..], &vec![0; count]].concat();
    let bound = nones.len() * SMALL + SPARE_MEMORY;
    let memory = too_large::<Vec<Option<Block>>>(&nones);
    println!("Vec<Option<[u64; 992]>>: {memory} bytes allocated for {} bytes, bound {bound}", nones.len());
    assert!(memory < 4 * bound, "{memory}");
    let memory = too_large::<Vec<Box<Option<Block>>>>(&nones);
    println!("Vec<Box<Option<[u64; 992]>>>: {memory} bytes allocated for {} bytes, bound {bound}", nones.len());
    assert!(memory < 2 * bound, "{memory}");
    let memory = too_large::<BTreeMap<u8, Option<Block>>>(&[&[0xa0, 0xc2, 0x1e][..], &vec![0; count]].concat());
    assert!(memory < 2 * bound, "{memory}");
    // Without any bytes.
    let memory = too_large::<Vec<Scratch>>(&[0x81, 0x20]);
    assert!(memory < 4 * SPARE_MEMORY, "{memory}");
}

#[test]
fn large_values_with_as_many_bytes_are_read() {
    type Block = [[u8; 32]; 32];
    let blocks: Vec<Option<Block>> = vec![Some([[7; 32]; 32]); 10_000];
    let bytes = write(&blocks);
    assert_eq!(read(&bytes), Ok(blocks));
    let mixed: Vec<Option<Block>> = (0..10_000).map(|n| (n % 10 == 0).then_some([[7; 32]; 32])).collect();
    let bytes = write(&mixed);
    assert_eq!(read(&bytes), Ok(mixed));
}

#[test]
fn the_bytes_of_a_vector_are_encoded_as_serde_encodes_them() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(Vec<u8>);
    for size in [0, 1, 127, 128, 70_000] {
        let bytes: Vec<u8> = (0..size).map(|n| n as u8).collect();
        let (direct, wrapped) = (write(&bytes), write(&Wrapped(bytes.clone())));
        assert!(direct == wrapped, "{size}");
        assert_eq!(read::<Wrapped>(&direct), Ok(Wrapped(bytes.clone())), "{size}");
        assert_eq!(read::<Vec<u8>>(&direct), Ok(bytes), "{size}");
        for cut in [0, size / 2, direct.len() - 1] {
            assert!(matches!(read::<Vec<u8>>(&direct[..cut]), Err(DecodeError::Malformed(_))), "{size} cut at {cut}");
        }
    }
}

#[test]
fn large_bytes_at_the_end_of_a_message_are_shared_in_both_directions() {
    const SIZE: usize = 32 << 20;
    let data = Bytes::from(vec![7; SIZE]);
    let mut payload = Payload::default();
    let before = allocated_bytes();
    let mut encoder = Encoder::new(&mut payload, SIZE + 100);
    encoder.field(&12_345_u64).and_then(|()| encoder.field(&data)).unwrap();
    assert!(allocated_bytes() - before < 1000);
    let source = payload.to_source();
    let before = allocated_bytes();
    let mut decoder = Decoder::new(&source);
    assert_eq!((decoder.field(), decoder.field()), (Ok(12_345_u64), Ok(data.clone())));
    assert_eq!(decoder.finish(), Ok(()));
    assert!(allocated_bytes() - before < 1000);
    // The bytes are those of serde.
    assert_eq!(write(&data), write(&data.to_vec()));
}

#[test]
fn bytes_of_any_size_and_place_are_encoded_in_order() {
    for (first, second) in [(0, 10), (10, 100_000), (100_000, 10), (100_000, 100_000), (70_000, 0)] {
        let (first, second) = (Bytes::from(vec![1; first]), Bytes::from(vec![2; second]));
        let mut payload = Payload::default();
        let mut encoder = Encoder::new(&mut payload, usize::MAX);
        encoder.field(&first).and_then(|()| encoder.field(&second)).and_then(|()| encoder.field(&9_u8)).unwrap();
        let source = payload.to_source();
        assert_eq!(source.len(), payload.len());
        let mut decoder = Decoder::new(&source);
        assert_eq!((decoder.field(), decoder.field(), decoder.field()), (Ok(first), Ok(second), Ok(9_u8)));
        assert_eq!(decoder.finish(), Ok(()));
    }
}

#[test]
fn a_short_part_of_a_message_does_not_keep_the_rest_in_memory() {
    let (first, second) = (Bytes::from(vec![1; 100_000]), Bytes::from(vec![2; 1 << 20]));
    let mut payload = Payload::default();
    let mut encoder = Encoder::new(&mut payload, usize::MAX);
    encoder.field(&first).and_then(|()| encoder.field(&second)).unwrap();
    let source = payload.to_source();
    let mut decoder = Decoder::new(&source);
    let shares = |bytes: &Bytes| source.as_ptr_range().contains(&bytes.as_ptr());
    assert!(!shares(&decoder.field().unwrap()));
    assert!(shares(&decoder.field().unwrap()));
}

#[test]
fn a_limit_counts_shared_bytes() {
    let data = Bytes::from(vec![7; 100_000]);
    for (limit, fits) in [(100_003, true), (100_002, false)] {
        let mut payload = Payload::default();
        let result = Encoder::new(&mut payload, limit).field(&data);
        assert_eq!(result.is_ok(), fits, "{result:?}");
    }
    let mut payload = Payload::default();
    let mut encoder = Encoder::new(&mut payload, 100_010);
    encoder.field(&data).unwrap();
    assert_eq!(encoder.field(&[7_u64; 8]), Err(EncodeError::TooLarge { limit: 100_010 }));
}
