//! Hostile bytes: choices and frames made from the bytes of a fuzzer, and what decodes as a frame.
//!
//! Each target runs for seconds with the other tests. `CONTRIBUTING.md` has the command for millions of inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::names::Numbers;
use super::varint::Reader;
use super::{Frame, FrameTarget, GroupChange, GroupName, GroupUpdate, NameDefinition, ReceivedNames, Signal};
use crate::base::{CallErrorKind, DecodeError, Definition, EncodeError, Exit, MonitorRef};
use crate::counting::allocated_bytes;

/// The bytes of a fuzzer, read as choices. After their end every choice is zero.
pub(crate) struct Input<'a>(&'a [u8]);

/// The processes of a node that frames of a fuzzer are sent to.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) numbers: &'a [u64],
    pub(crate) names: &'a [&'a str],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    /// A number below `bound`, which is at most 65,536.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let value = if bound <= 256 { usize::from(self.byte()) } else { self.fixed(2) as usize };
        value % bound.max(1)
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.below(2) == 1
    }

    /// A number of so many bytes.
    fn fixed(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// A number of any size, often a small one or one at a boundary.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..128 => u64::from(small % 16),
            128..160 => self.fixed(1),
            160..192 => self.fixed(2),
            192..224 => self.fixed(8),
            at @ 224.. => (1_u64 << (2 * u32::from(at - 224))).wrapping_sub(u64::from(at % 2)),
        }
    }

    /// At most `most` bytes of the input.
    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let count = self.below(most + 1).min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    pub(crate) fn text(&mut self, most: usize) -> String {
        String::from_utf8_lossy(self.bytes(most)).into_owned()
    }

    pub(crate) fn target(&mut self, known: Known<'_>) -> FrameTarget {
        match self.below(5) {
            0 | 1 if !known.numbers.is_empty() => FrameTarget::Process(known.numbers[self.below(known.numbers.len())]),
            2 if !known.names.is_empty() => FrameTarget::Name(known.names[self.below(known.names.len())].into()),
            3 => FrameTarget::Name(format!("n{}", self.text(20)).into()),
            4 => FrameTarget::Group(self.text(20).into()),
            _ => FrameTarget::Process(self.number()),
        }
    }

    /// The bytes of a trace context, often a valid one.
    fn trace_context(&mut self) -> Box<[u8]> {
        let mut context = vec![0; 26];
        for _ in 0..self.below(4) {
            context[self.below(26)] = self.byte();
        }
        if self.bool() {
            context.extend_from_slice(self.bytes(600));
        }
        context.truncate(if self.below(4) == 3 { self.below(26) } else { context.len() });
        context.into()
    }

    fn reason(&mut self) -> Exit {
        match self.below(9) {
            0 => Exit::Normal,
            1 => Exit::Shutdown(self.bool().then(|| self.text(40).into())),
            2 => Exit::Kill,
            3 => Exit::Killed,
            4 => Exit::NoProc,
            5 => Exit::NoConnection,
            6 => Exit::panic(&self.text(40), &self.text(10)),
            7 => Exit::Other(self.text(40).into()),
            _ => Exit::error(self.text(200)),
        }
    }

    fn call_error(&mut self) -> CallErrorKind {
        match self.below(11) {
            0 => CallErrorKind::Timeout,
            1 => CallErrorKind::Exit(self.reason()),
            2 => CallErrorKind::NoProc,
            3 => CallErrorKind::NoConnection,
            4 => CallErrorKind::Full,
            5 => CallErrorKind::Dropped,
            6 => CallErrorKind::Incompatible(self.text(40).into()),
            7 => CallErrorKind::Encode(EncodeError::TooLarge { limit: self.number() as usize }),
            8 => CallErrorKind::Decode(DecodeError::Malformed(self.text(40).into())),
            9 => CallErrorKind::Other(self.text(40).into()),
            _ => CallErrorKind::Cycle { pids: Vec::new() },
        }
    }

    /// Any frame that a peer can encode, often one to a known process.
    pub(crate) fn frame(&mut self, known: Known<'_>, protocol: u64) -> Frame {
        let from = self.number();
        let signal = match self.below(19) {
            0..=2 => {
                let protocol = if self.below(4) == 3 { self.number() } else { protocol };
                let to = self.target(known);
                let replies = (0..[0, 1, 2, 64][self.below(4)]).map(|_| self.number()).collect();
                let variant = self.below(6) as u32;
                let context = self.bool().then(|| self.trace_context());
                let payload = Bytes::copy_from_slice(self.bytes(64));
                return Frame::Message { from, to, protocol, variant, replies, context, payload };
            }
            3 => {
                let id = self.number();
                let ok = self.bool();
                let result = if ok { Ok(Bytes::copy_from_slice(self.bytes(32))) } else { Err(self.call_error()) };
                let replies = (0..self.below(3)).map(|_| self.number()).collect();
                let definition = (ok && self.bool()).then_some(protocol);
                return Frame::Answer { from, id, replies, definition, result };
            }
            4 => Signal::Link,
            5 => Signal::Unlink { id: self.number() },
            6 => Signal::UnlinkAck { id: self.number() },
            7 => Signal::Exit { reason: self.reason(), linked: self.bool() },
            8 => Signal::Stop { reason: self.reason() },
            9 => Signal::Monitor { reference: MonitorRef(self.number()), waits: self.bool() },
            10 => Signal::Demonitor { reference: MonitorRef(self.number()) },
            11 => return Frame::PassedOn { from, id: self.number() },
            12 => return Frame::GivenUp { from, id: self.number() },
            13 => {
                let (variant, reason) = (self.below(6) as u32, self.text(40).into());
                return Frame::Refused { to: self.target(known), protocol, variant, reason };
            }
            14 => return Frame::Hold { to: self.target(known) },
            15 => return Frame::Resume { to: self.target(known) },
            16 => return Frame::Groups(self.group_update()),
            17 => return Frame::Claims(Bytes::copy_from_slice(self.bytes(64))),
            _ => Signal::Down { reference: MonitorRef(self.number()), reason: self.reason() },
        };
        Frame::Signal { from, to: self.target(known), signal }
    }

    fn group_update(&mut self) -> GroupUpdate {
        let mut changes = BTreeMap::new();
        for _ in 0..self.below(4) {
            let mut numbers = || (0..self.below(4)).map(|_| self.number()).collect::<BTreeSet<_>>();
            let (joined, left) = (numbers(), numbers());
            changes.insert(self.text(2), (joined, left));
        }
        let group = |name: &str| Arc::new(GroupName { name: name.into(), protocol: "P".into() });
        let (is_range, is_last) = (self.bool(), self.bool());
        let change = |(name, (joined, left)): (String, (BTreeSet<u64>, BTreeSet<u64>))| {
            let left = if is_range { Vec::new() } else { left.into_iter().collect() };
            GroupChange { group: group(&name), joined: joined.into_iter().collect(), left }
        };
        let changes: Vec<_> = changes.into_iter().map(change).collect();
        let changes: Vec<_> =
            changes.into_iter().filter(|change| !change.joined.is_empty() || !change.left.is_empty()).collect();
        match (is_range, is_last && changes.is_empty()) {
            (_, true) => GroupUpdate::Open,
            (true, _) => {
                let after = self.bool().then(|| (group(&self.text(2)), self.number()));
                GroupUpdate::Range { after, is_last, members: changes }
            }
            (false, _) => GroupUpdate::Changes(changes),
        }
    }
}

/// The number of inputs that reached each case of a target, which is printed at the end.
pub(crate) struct Coverage {
    target: &'static str,
    cases: Mutex<BTreeMap<String, u64>>,
}

impl Coverage {
    pub(crate) fn new(target: &'static str) -> Coverage {
        Coverage { target, cases: Mutex::default() }
    }

    pub(crate) fn count(&self, case: impl Debug) {
        *self.lock().entry(format!("{case:?}")).or_default() += 1;
    }

    /// Prints all cases, and checks that the `common` ones were reached, and in a long run the `rare` ones too.
    pub(crate) fn finish(&self, common: &[&str], rare: &[&str]) {
        let cases = self.lock();
        println!("{}:", self.target);
        for (case, count) in &*cases {
            println!("{count:>12}  {case}");
        }
        let inputs = std::env::var("BOLERO_RANDOM_ITERATIONS").ok().and_then(|inputs| inputs.parse().ok());
        // A run of few inputs repeats a failure.
        let expected = match inputs {
            None => common.to_vec(),
            Some(10_000_u64..) => [common, rare].concat(),
            Some(_) => Vec::new(),
        };
        for case in expected {
            assert!(cases.keys().any(|key| key.contains(case)), "{}: no input reached `{case}`", self.target);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that decoding a frame may allocate for each of its bytes, and for any frame.
const PER_BYTE: usize = 64;
const PER_FRAME: usize = 1024;

#[test]
fn any_bytes_are_an_error_or_a_frame_that_encodes_to_them() {
    let coverage = Coverage::new("bytes that are decoded as a frame");
    let known = Known { numbers: &[1, 2, 3], names: &["orders"] };
    let mut names = ReceivedNames::default();
    for name in ["orders", "stock"] {
        names.define(&NameDefinition::Process(name.into())).unwrap();
        names.define(&NameDefinition::Protocol(Definition::sample(7, name))).unwrap();
    }
    bolero::check!().with_iterations(20_000).with_max_len(512).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        // Raw bytes, or those of a frame with changes.
        let bytes = match input.below(4) {
            0 => input.0.to_vec(),
            changes => {
                let mut bytes = Vec::new();
                let frame = input.frame(known, 7);
                // Some of these numbers have no definition.
                let mut number = || input.bool().then(|| input.below(4) as u64);
                let numbers = Numbers { protocol: number(), process: number() };
                if frame.encode(numbers, &mut bytes).is_err() {
                    return;
                }
                for _ in 1..changes {
                    let at = input.below(bytes.len());
                    match input.below(4) {
                        0 => bytes[at] = input.byte(),
                        3 => bytes[at] = bytes[at].wrapping_add(1),
                        1 => bytes.truncate(at),
                        _ => bytes.extend_from_slice(input.bytes(16)),
                    }
                    if bytes.is_empty() {
                        return;
                    }
                }
                bytes
            }
        };
        let bytes = Bytes::from(bytes);
        let before = allocated_bytes();
        let decoded = Frame::decode(&bytes, &names);
        let allocated = allocated_bytes() - before;
        assert!(allocated <= PER_FRAME + PER_BYTE * bytes.len(), "{allocated} bytes for {}", bytes.len());
        match decoded {
            Ok(None) => coverage.count("skipped"),
            Ok(Some(frame)) => {
                coverage.count(bytes[0]);
                let mut again = Vec::new();
                frame.encode(Numbers::default(), &mut again).expect("a decoded frame can be encoded");
                assert_eq!(Frame::decode(&again.into(), &names), Ok(Some(frame)));
            }
            Err(error) => coverage.count(std::mem::discriminant(&error)),
        }
    });
    coverage.finish(
        &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "13", "14", "15", "16", "17", "129", "skipped"],
        &[],
    );
}

#[test]
fn any_bytes_are_an_error_or_a_definition_that_encodes_to_them() {
    let coverage = Coverage::new("bytes that are decoded as the definition of a name");
    bolero::check!().with_iterations(20_000).with_max_len(64).for_each(|bytes: &[u8]| {
        let mut input = Input::new(bytes);
        let mut bytes = Vec::new();
        match input.below(3) {
            0 => bytes.extend_from_slice(input.0),
            1 => NameDefinition::Process(input.text(40).into()).encode(&mut bytes),
            _ => {
                let (fingerprint, name) = (input.number(), input.text(40));
                NameDefinition::Protocol(Definition::sample(fingerprint, &name)).encode(&mut bytes);
            }
        }
        let before = allocated_bytes();
        let decoded = NameDefinition::decode(&bytes);
        assert!(allocated_bytes() - before <= PER_FRAME + PER_BYTE * bytes.len());
        match decoded {
            Ok(definition) => {
                coverage.count(bytes[0]);
                let mut again = Vec::new();
                definition.encode(&mut again);
                assert_eq!(again, bytes);
            }
            Err(error) => coverage.count(std::mem::discriminant(&error)),
        }
    });
    coverage.finish(&["0", "1"], &[]);
}

#[test]
fn any_bytes_are_an_error_or_a_number() {
    bolero::check!().with_iterations(20_000).with_max_len(16).for_each(|bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        if let Ok(number) = reader.varint() {
            let mut again = Vec::new();
            super::varint::put(&mut again, number);
            assert_eq!(again, bytes[..bytes.len() - reader.rest().len()], "a number has one encoding");
        }
    });
}
