//! Numbers as seven bits a byte, least first, the high bit set while more follow; and the reader of such bytes.
//!
//! A number has one encoding: a trailing zero byte and bits beyond the 64th are refused.

use super::WireError;

/// The longest encoding of a number, in bytes.
pub(crate) const MAX: usize = 10;

/// Appends `value`.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes fields off the front of bytes, and never reads beyond their end.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// Returns the bytes that are not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, WireError> {
        let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    /// The next `count` bytes; nothing is allocated for them.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for index in 0..MAX {
            let byte = self.byte()?;
            // The tenth byte holds the 64th bit alone.
            if index == MAX - 1 && byte > 1 || index > 0 && byte == 0 {
                return Err(WireError::Number);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Number)
    }

    /// Eight bytes, least first.
    pub(crate) fn fixed(&mut self) -> Result<u64, WireError> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// A length, then so many bytes of UTF-8; at least one and at most `max`.
    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        self.text_or_empty(max).and_then(|text| if text.is_empty() { Err(WireError::Text) } else { Ok(text) })
    }

    /// A length, then so many bytes of UTF-8; at most `max`.
    pub(crate) fn text_or_empty(&mut self, max: usize) -> Result<&'a str, WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Text)?;
        if length > max {
            return Err(WireError::Text);
        }
        std::str::from_utf8(self.bytes(length)?).map_err(|_| WireError::Text)
    }

    /// Demands that nothing is left.
    pub(crate) fn finish(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_encoding() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert!(bytes.len() <= MAX);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.varint(), Ok(value));
            assert_eq!(reader.finish(), Ok(()));
        }
        let mut long = vec![0xff; 9];
        long.push(2);
        for bad in [&[0x80, 0x00][..], &[0xff, 0x80, 0x00], &long, &[0xff; 11]] {
            assert_eq!(Reader::new(bad).varint(), Err(WireError::Number), "{bad:?}");
        }
        assert_eq!(Reader::new(&[0x80]).varint(), Err(WireError::Truncated));
    }
}
