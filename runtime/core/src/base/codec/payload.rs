//! The bytes of the fields of one message.

#[cfg(feature = "net")]
use bytes::Bytes;

/// The bytes of a message from another node.
#[cfg(feature = "net")]
pub(crate) type Source = Bytes;

/// The bytes of a message from another node. No message has any without the feature `net`.
#[cfg(not(feature = "net"))]
pub(crate) type Source = [u8];

/// The target of an [`Encoder`](super::Encoder). A large `Bytes` at the end is shared with its message, not copied.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    bytes: Vec<u8>,
    /// The bytes behind `bytes`.
    #[cfg(feature = "net")]
    tail: Bytes,
}

impl Payload {
    /// Returns an empty payload that uses the memory of `bytes`.
    #[must_use]
    #[inline]
    pub fn reusing(mut bytes: Vec<u8>) -> Payload {
        bytes.clear();
        Payload {
            bytes,
            #[cfg(feature = "net")]
            tail: Bytes::new(),
        }
    }

    /// Returns the memory for use by another payload.
    #[must_use]
    #[inline]
    pub fn into_memory(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(feature = "net")]
impl Payload {
    /// The bytes from which on a `Bytes` is shared.
    const SHARED: usize = 64 * 1024;

    /// Returns the bytes as the receiver of the message has them.
    #[must_use]
    pub fn to_source(&self) -> Source {
        self.parts().concat().into()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.tail.len()
    }

    /// Returns the bytes as two slices, one behind the other.
    #[inline]
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        [&self.bytes, &self.tail]
    }

    /// Takes the bytes as two parts, one behind the other.
    pub(crate) fn take(&mut self) -> (Vec<u8>, Bytes) {
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.tail))
    }

    /// Returns the vector to append to.
    #[inline]
    pub(super) fn vector(&mut self) -> &mut Vec<u8> {
        if !self.tail.is_empty() {
            self.bytes.extend_from_slice(&std::mem::take(&mut self.tail));
        }
        &mut self.bytes
    }

    /// Appends `bytes`.
    pub(super) fn append(&mut self, bytes: &Bytes) {
        if bytes.len() < Payload::SHARED {
            return self.vector().extend_from_slice(bytes);
        }
        self.vector();
        self.tail = bytes.clone();
    }
}

impl From<&Source> for Payload {
    #[cfg(feature = "net")]
    fn from(bytes: &Source) -> Payload {
        let mut payload = Payload::default();
        payload.append(bytes);
        payload
    }

    #[cfg(not(feature = "net"))]
    fn from(bytes: &Source) -> Payload {
        Payload { bytes: bytes.to_vec() }
    }
}
