//! Names that are sent once for each connection and then numbered: protocols, and names of processes and groups.
//!
//! A *definition* is a chunk of the session. It precedes the first frame that uses it, and counts from zero for each of
//! the two kinds. A number never changes its meaning while the connection is up.
//!
//! | definition | bytes |
//! |---|---|
//! | protocol | `0`, fingerprint (8 bytes, least first), version *n*, length *n* (1..=255), so many bytes of UTF-8: its name, length *n* (0..=32 KiB), so many bytes: its [shape](crate::shape) |
//! | name of a process or a group | `1`, length *n* (1..=255), so many bytes of UTF-8 |
//!
//! At most 4,096 of each kind are defined. Later names are sent in full in each frame, so the memory that a peer can
//! occupy is bounded. For the same reason, all shapes together have at most 1 MiB. Later ones are empty: then a message
//! can be read only by a receiver with the same fingerprint. The names of nodes inside payloads are always sent in full, because a payload can go to several
//! connections. The idea is that of Erlang's
//! [atom cache](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header).

use std::sync::Arc;

use super::varint::{self, Reader};
use super::{FrameTarget, WireError};
use crate::base::{Definition, SortedMap};
use crate::shape::Shape;

/// The most definitions of one kind.
pub(crate) const MAX_NAMES: usize = 4096;
/// The longest name that is defined, in bytes.
const MAX_NAME: usize = FrameTarget::MAX_NAME;
/// The most bytes of all shapes.
const MAX_SHAPES: usize = 1 << 20;

const PROTOCOL: u8 = 0;
const PROCESS: u8 = 1;

/// The meaning of the next number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameDefinition {
    /// The definition of a protocol, or of the type of an event or an answer.
    Protocol(Arc<Definition>),
    /// The name of a process or a group.
    Process(Arc<str>),
}

impl NameDefinition {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            NameDefinition::Protocol(protocol) => {
                let Definition { fingerprint, version, name, shape } = &**protocol;
                out.push(PROTOCOL);
                out.extend_from_slice(&fingerprint.to_le_bytes());
                varint::put(out, u64::from(*version));
                put_bytes(out, name.as_bytes());
                put_bytes(out, shape);
            }
            NameDefinition::Process(name) => {
                out.push(PROCESS);
                put_bytes(out, name.as_bytes());
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<NameDefinition, WireError> {
        let mut reader = Reader::new(bytes);
        let definition = match reader.byte()? {
            PROTOCOL => {
                let fingerprint = reader.fixed()?;
                let version = u32::try_from(reader.varint()?).map_err(|_| WireError::Number)?;
                let name = reader.text(MAX_NAME)?.into();
                let length = usize::try_from(reader.varint()?).map_err(|_| WireError::Names)?;
                if length > Shape::MAX_ENCODED {
                    return Err(WireError::Names);
                }
                let shape = reader.bytes(length)?.into();
                NameDefinition::Protocol(Arc::new(Definition { name, version, fingerprint, shape }))
            }
            PROCESS => NameDefinition::Process(reader.text(MAX_NAME)?.into()),
            other => return Err(WireError::Kind(other)),
        };
        reader.finish()?;
        Ok(definition)
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint::put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The numbers of the names that this node has sent, and the definitions that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct SentNames {
    protocols: SortedMap<u64, u64>,
    /// The bytes of all shapes.
    shapes: usize,
    processes: SortedMap<Arc<str>, u64>,
    /// All definitions, in their order.
    defined: Vec<NameDefinition>,
    /// The number of those that are sent.
    sent: usize,
}

/// The numbers of the names in one frame. Without a number, the name itself is encoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    pub(super) protocol: Option<u64>,
    pub(super) process: Option<u64>,
}

impl SentNames {
    /// Returns the number of a protocol, which is defined if it is new; `None` if it has none.
    pub(crate) fn protocol(&mut self, protocol: &Arc<Definition>) -> Option<u64> {
        if let Some(number) = self.protocols.get(&protocol.fingerprint) {
            return Some(*number);
        }
        if self.protocols.len() >= MAX_NAMES {
            return None;
        }
        let number = self.protocols.len() as u64;
        self.protocols.insert(protocol.fingerprint, number);
        let definition = if self.shapes + protocol.shape.len() <= MAX_SHAPES {
            self.shapes += protocol.shape.len();
            Arc::clone(protocol)
        } else {
            Arc::new(protocol.without_shape())
        };
        self.defined.push(NameDefinition::Protocol(definition));
        Some(number)
    }

    /// Returns the number of a process name, which is defined if it is new; `None` if it has none.
    pub(super) fn process(&mut self, name: &Arc<str>) -> Option<u64> {
        if let Some(number) = self.processes.get(name) {
            return Some(*number);
        }
        if self.processes.len() >= MAX_NAMES || name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        let number = self.processes.len() as u64;
        self.processes.insert(Arc::clone(name), number);
        self.defined.push(NameDefinition::Process(Arc::clone(name)));
        Some(number)
    }

    /// Takes the definitions that must be sent before the frames that were encoded since the last time.
    pub(crate) fn take_definitions(&mut self) -> Vec<NameDefinition> {
        let waiting = self.defined[self.sent..].to_vec();
        self.sent = self.defined.len();
        waiting
    }

    /// Sends all definitions once more, since the frames go on over another connection.
    pub(crate) fn define_again(&mut self) {
        self.sent = 0;
    }

    /// Returns the bytes of all definitions.
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn encode(&self) -> Vec<Vec<u8>> {
        let encoded = self.defined.iter().map(|definition| {
            let mut bytes = Vec::new();
            definition.encode(&mut bytes);
            bytes
        });
        encoded.collect()
    }

    /// Returns the names with these definitions, of which none is sent.
    ///
    /// # Errors
    /// The bytes are not those of definitions.
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn decode(definitions: &[Vec<u8>]) -> Result<SentNames, WireError> {
        let mut names = SentNames::default();
        for bytes in definitions {
            match NameDefinition::decode(bytes)? {
                NameDefinition::Protocol(definition) => _ = names.protocol(&definition),
                NameDefinition::Process(name) => _ = names.process(&name),
            }
        }
        Ok(names)
    }

    /// Returns the names as the peer has them once it has received all definitions.
    pub(crate) fn as_received(&self) -> ReceivedNames {
        let mut names = ReceivedNames::default();
        for definition in &self.defined {
            // The bounds of both sides are the same.
            let _ = names.define(definition);
        }
        names
    }
}

/// The names that the peer has defined.
#[derive(Debug, Default)]
pub(crate) struct ReceivedNames {
    protocols: Vec<u64>,
    /// The bytes of all shapes.
    shapes: usize,
    processes: Vec<Arc<str>>,
}

impl ReceivedNames {
    /// Adds a definition.
    pub(crate) fn define(&mut self, definition: &NameDefinition) -> Result<(), WireError> {
        let count = match definition {
            NameDefinition::Protocol(_) => self.protocols.len(),
            NameDefinition::Process(_) => self.processes.len(),
        };
        if count >= MAX_NAMES {
            return Err(WireError::Names);
        }
        match definition {
            NameDefinition::Protocol(protocol) => {
                self.shapes += protocol.shape.len();
                if self.shapes > MAX_SHAPES {
                    return Err(WireError::Names);
                }
                self.protocols.push(protocol.fingerprint);
            }
            NameDefinition::Process(name) => self.processes.push(Arc::clone(name)),
        }
        Ok(())
    }

    /// Returns the fingerprint of a protocol.
    pub(super) fn protocol(&self, number: u64) -> Result<u64, WireError> {
        let index = usize::try_from(number).map_err(|_| WireError::Names)?;
        self.protocols.get(index).copied().ok_or(WireError::Names)
    }

    /// Returns `true` if the protocol with this fingerprint is defined.
    #[cfg(test)]
    pub(crate) fn defines(&self, fingerprint: u64) -> bool {
        self.protocols.contains(&fingerprint)
    }

    /// Returns the name of a process.
    pub(super) fn process(&self, number: u64) -> Result<Arc<str>, WireError> {
        let index = usize::try_from(number).map_err(|_| WireError::Names)?;
        self.processes.get(index).cloned().ok_or(WireError::Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_decoded_as_it_was_encoded() {
        let check = |definition: NameDefinition| {
            let mut bytes = Vec::new();
            definition.encode(&mut bytes);
            assert_eq!(NameDefinition::decode(&bytes), Ok(definition));
            for cut in 0..bytes.len() {
                assert!(NameDefinition::decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
            bytes.push(0);
            assert_eq!(NameDefinition::decode(&bytes), Err(WireError::Trailing));
        };
        check(NameDefinition::Protocol(Definition::sample(u64::MAX, &"p".repeat(MAX_NAME))));
        check(NameDefinition::Process("n".repeat(MAX_NAME).into()));
        let refused = |bytes: &[u8], error| assert_eq!(NameDefinition::decode(bytes), Err(error), "{bytes:?}");
        let mut large = vec![0; 8 + 1 + 2];
        (large[0], large[10]) = (PROTOCOL, 1);
        large.push(b'p');
        varint::put(&mut large, Shape::MAX_ENCODED as u64 + 1);
        large.resize(large.len() + Shape::MAX_ENCODED + 1, 0);
        refused(&large, WireError::Names);
        refused(&[2, 1, b'x'], WireError::Kind(2));
        refused(&[1, 0], WireError::Text);
        refused(&[1, 1, 0xff], WireError::Text);
    }

    #[test]
    fn all_shapes_together_are_bounded() {
        let (mut sent, mut received) = (SentNames::default(), ReceivedNames::default());
        let large = |number| Definition { shape: vec![0; Shape::MAX_ENCODED].into(), ..own(number) };
        for number in 0..40 {
            assert_eq!(sent.protocol(&Arc::new(large(number))), Some(number));
        }
        let definitions = sent.take_definitions();
        let with_shape = definitions.iter().filter(|definition| {
            assert_eq!(received.define(definition), Ok(()));
            matches!(definition, NameDefinition::Protocol(protocol) if !protocol.shape.is_empty())
        });
        assert_eq!(with_shape.count(), MAX_SHAPES / Shape::MAX_ENCODED);
        let beyond = NameDefinition::Protocol(Arc::new(large(40)));
        assert_eq!(received.define(&beyond), Err(WireError::Names));
    }

    fn own(fingerprint: u64) -> Definition {
        Definition { name: "shop::Orders".into(), version: 0, fingerprint, shape: [].into() }
    }

    #[test]
    fn a_name_is_defined_once_and_later_names_are_bounded() {
        let (mut sent, mut received) = (SentNames::default(), ReceivedNames::default());
        let name = |number: usize| Arc::from(format!("worker {number}"));
        for number in 0..MAX_NAMES + 2 {
            let expected = (number < MAX_NAMES).then_some(number as u64);
            for _ in 0..2 {
                assert_eq!(sent.process(&name(number)), expected);
                assert_eq!(sent.protocol(&Definition::sample(number as u64 + 7, "shop::Orders")), expected);
            }
        }
        let definitions = sent.take_definitions();
        assert_eq!(definitions.len(), 2 * MAX_NAMES);
        assert!(sent.take_definitions().is_empty());
        for definition in &definitions {
            assert_eq!(received.define(definition), Ok(()));
        }
        assert_eq!(received.process(1), Ok(name(1)));
        assert_eq!(received.protocol(1), Ok(8));
        for number in [MAX_NAMES as u64, u64::MAX] {
            assert_eq!(received.process(number), Err(WireError::Names));
            assert_eq!(received.protocol(number), Err(WireError::Names));
        }
        for definition in &definitions[..2] {
            assert_eq!(received.define(definition), Err(WireError::Names));
        }
    }
}
