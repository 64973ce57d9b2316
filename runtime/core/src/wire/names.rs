//! Names that are sent once for each connection and then numbered: protocols, and names of processes.
//!
//! A *definition* is a chunk of the session. It precedes the first frame that uses it, and counts from zero for each of
//! the two kinds. A number never changes its meaning while the connection is up.
//!
//! | definition | bytes |
//! |---|---|
//! | protocol | `0`, fingerprint (8 bytes, least first), length *n* (1..=255), so many bytes of UTF-8: its name |
//! | process name | `1`, length *n* (1..=255), so many bytes of UTF-8 |
//!
//! At most 4,096 of each kind are defined. Later names are sent in full in each frame, so the memory that a peer can
//! occupy is bounded. The names of nodes inside payloads are always sent in full, because a payload can go to several
//! connections. The idea is that of Erlang's
//! [atom cache](https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header).

use std::mem;
use std::sync::Arc;

use super::varint::{self, Reader};
use super::{FrameTarget, WireError};
use crate::base::SortedMap;

/// The most definitions of one kind.
pub(crate) const MAX_NAMES: usize = 4096;
/// The longest name that is defined, in bytes. The frames of a protocol with a longer name have its fingerprint.
const MAX_NAME: usize = FrameTarget::MAX_NAME;

const PROTOCOL: u8 = 0;
const PROCESS: u8 = 1;

/// The meaning of the next number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    Protocol {
        fingerprint: u64,
        name: Arc<str>,
    },
    /// The name of a process.
    Process(Arc<str>),
}

impl Definition {
    /// The longest definition, in bytes.
    pub(crate) const MAX: usize = 1 + 8 + 2 + MAX_NAME;

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let name = match self {
            Definition::Protocol { fingerprint, name } => {
                out.push(PROTOCOL);
                out.extend_from_slice(&fingerprint.to_le_bytes());
                name
            }
            Definition::Process(name) => {
                out.push(PROCESS);
                name
            }
        };
        varint::put(out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Definition, WireError> {
        let mut reader = Reader::new(bytes);
        let definition = match reader.byte()? {
            PROTOCOL => {
                let fingerprint = reader.fixed()?;
                Definition::Protocol { fingerprint, name: reader.text(MAX_NAME)?.into() }
            }
            PROCESS => Definition::Process(reader.text(MAX_NAME)?.into()),
            other => return Err(WireError::Kind(other)),
        };
        reader.finish()?;
        Ok(definition)
    }
}

/// The numbers of the names that this node has sent, and the definitions that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct SentNames {
    protocols: SortedMap<u64, u64>,
    processes: SortedMap<Arc<str>, u64>,
    waiting: Vec<Definition>,
}

/// The numbers of the names in one frame. Without a number, the name itself is encoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    pub(super) protocol: Option<u64>,
    pub(super) process: Option<u64>,
}

impl SentNames {
    /// Returns the number of a protocol, which is defined if it is new; `None` if it has none.
    pub(super) fn protocol(&mut self, fingerprint: u64, name: &str) -> Option<u64> {
        if let Some(number) = self.protocols.get(&fingerprint) {
            return Some(*number);
        }
        if self.protocols.len() >= MAX_NAMES || name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        let number = self.protocols.len() as u64;
        self.protocols.insert(fingerprint, number);
        self.waiting.push(Definition::Protocol { fingerprint, name: name.into() });
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
        self.waiting.push(Definition::Process(Arc::clone(name)));
        Some(number)
    }

    /// Takes the definitions that must be sent before the frames that were encoded since the last time.
    pub(crate) fn take_definitions(&mut self) -> Vec<Definition> {
        mem::take(&mut self.waiting)
    }
}

/// The names that the peer has defined.
#[derive(Debug, Default)]
pub(crate) struct ReceivedNames {
    protocols: Vec<u64>,
    processes: Vec<Arc<str>>,
}

impl ReceivedNames {
    /// Adds a definition.
    pub(crate) fn define(&mut self, definition: &Definition) -> Result<(), WireError> {
        let count = match definition {
            Definition::Protocol { .. } => self.protocols.len(),
            Definition::Process(_) => self.processes.len(),
        };
        if count >= MAX_NAMES {
            return Err(WireError::Names);
        }
        match definition {
            Definition::Protocol { fingerprint, .. } => self.protocols.push(*fingerprint),
            Definition::Process(name) => self.processes.push(Arc::clone(name)),
        }
        Ok(())
    }

    /// Returns the fingerprint of a protocol.
    pub(super) fn protocol(&self, number: u64) -> Result<u64, WireError> {
        let index = usize::try_from(number).map_err(|_| WireError::Names)?;
        self.protocols.get(index).copied().ok_or(WireError::Names)
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
        let check = |definition: Definition| {
            let mut bytes = Vec::new();
            definition.encode(&mut bytes);
            assert!(bytes.len() <= Definition::MAX);
            assert_eq!(Definition::decode(&bytes), Ok(definition));
            for cut in 0..bytes.len() {
                assert!(Definition::decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
            bytes.push(0);
            assert_eq!(Definition::decode(&bytes), Err(WireError::Trailing));
        };
        check(Definition::Protocol { fingerprint: u64::MAX, name: "p".repeat(MAX_NAME).into() });
        check(Definition::Process("n".repeat(MAX_NAME).into()));
        let refused = |bytes: &[u8], error| assert_eq!(Definition::decode(bytes), Err(error), "{bytes:?}");
        refused(&[2, 1, b'x'], WireError::Kind(2));
        refused(&[1, 0], WireError::Text);
        refused(&[1, 1, 0xff], WireError::Text);
    }

    #[test]
    fn a_name_is_defined_once_and_later_names_are_bounded() {
        let (mut sent, mut received) = (SentNames::default(), ReceivedNames::default());
        let name = |number: usize| Arc::from(format!("worker {number}"));
        for number in 0..MAX_NAMES + 2 {
            let expected = (number < MAX_NAMES).then_some(number as u64);
            for _ in 0..2 {
                assert_eq!(sent.process(&name(number)), expected);
                assert_eq!(sent.protocol(number as u64 + 7, "shop::Orders"), expected);
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
        let long = "p".repeat(MAX_NAME + 1);
        assert_eq!(SentNames::default().protocol(1, &long), None);
    }
}
