//! The lines or frames in a stream of bytes.
//!
//! | format | bytes | piece |
//! |---|---|---|
//! | lines | bytes, `\n` | the bytes |
//! | frames | length in 1, 2 or 4 bytes, big-endian; bytes | the bytes |
//!
//! The decoder holds less than the limit of one piece and what one read adds. A length is checked before memory is
//! allocated for it.

use std::fmt;
use std::mem;

/// The size of the length in front of each frame, as an unsigned big-endian number.
///
/// The models are the options `{packet, 1}`, `{packet, 2}` and `{packet, 4}` of
/// [`open_port/2`](https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameLength {
    /// One byte: frames of up to 255 bytes.
    U8,
    /// Two bytes: frames of up to 65,535 bytes.
    U16,
    /// Four bytes: frames of up to 4 GiB.
    U32,
}

/// The format of a program's output, and of the writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    Frames(FrameLength),
}

/// A line, a part of a line, or a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) is_complete: bool,
}

/// The reason why bytes are not frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FrameError {
    /// The length of the frame, and the limit.
    TooLong(usize, usize),
    /// The output ended within a frame.
    Truncated,
    /// The length of a frame to write, which its prefix cannot represent.
    PrefixTooSmall(usize),
}

/// The state between two reads.
#[derive(Debug)]
pub(super) struct Decoder {
    format: Format,
    limit: usize,
    buffer: Vec<u8>,
    /// The number of bytes in front of the next piece.
    start: usize,
    /// The number of bytes of the next piece that contain no newline.
    scanned: usize,
}

impl Decoder {
    /// Makes a decoder for pieces of at most `limit` bytes, which is not zero.
    pub(super) fn new(format: Format, limit: usize) -> Decoder {
        Decoder { format, limit, buffer: Vec::new(), start: 0, scanned: 0 }
    }

    /// Adds bytes. The caller takes all pieces before it adds more.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..mem::take(&mut self.start));
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next piece, if all of it has arrived.
    ///
    /// # Errors
    /// A frame is too long.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, FrameError> {
        match self.format {
            Format::Lines => Ok(self.next_line()),
            Format::Frames(length) => self.next_frame(length),
        }
    }

    /// Returns the rest at the end of the output.
    ///
    /// # Errors
    /// The rest is the beginning of a frame.
    pub(super) fn finish(&mut self) -> Result<Option<Piece>, FrameError> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        match self.format {
            Format::Lines => Ok(Some(self.take(0, self.rest().len(), 0, false))),
            Format::Frames(_) => Err(FrameError::Truncated),
        }
    }

    fn next_line(&mut self) -> Option<Piece> {
        let window = &self.rest()[..self.rest().len().min(self.limit + 1)];
        match window[self.scanned..].iter().position(|byte| *byte == b'\n') {
            Some(at) => Some(self.take(0, self.scanned + at, 1, true)),
            None if window.len() > self.limit => Some(self.take(0, self.limit, 0, false)),
            None => {
                self.scanned = window.len();
                None
            }
        }
    }

    fn next_frame(&mut self, length: FrameLength) -> Result<Option<Piece>, FrameError> {
        let Some((prefix, rest)) = self.rest().split_at_checked(length.bytes()) else { return Ok(None) };
        let length = prefix.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length > self.limit {
            return Err(FrameError::TooLong(length, self.limit));
        }
        let (prefix, has_arrived) = (prefix.len(), rest.len() >= length);
        Ok(has_arrived.then(|| self.take(prefix, length, 0, true)))
    }

    /// Takes `length` bytes, and removes the bytes before and after them.
    fn take(&mut self, before: usize, length: usize, after: usize, is_complete: bool) -> Piece {
        let bytes = self.rest()[before..before + length].to_vec();
        self.start += before + length + after;
        self.scanned = 0;
        Piece { bytes, is_complete }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

impl Format {
    /// Returns the bytes to write for a message.
    ///
    /// # Errors
    /// The message is too long for the length in front of it.
    pub(super) fn encode(self, bytes: Vec<u8>) -> Result<Vec<u8>, FrameError> {
        let Format::Frames(length) = self else { return Ok(bytes) };
        let prefix = (bytes.len() as u64).to_be_bytes();
        let (zeros, prefix) = prefix.split_at(prefix.len() - length.bytes());
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(FrameError::PrefixTooSmall(bytes.len()));
        }
        Ok([prefix, &bytes].concat())
    }
}

impl FrameLength {
    fn bytes(self) -> usize {
        match self {
            FrameLength::U8 => 1,
            FrameLength::U16 => 2,
            FrameLength::U32 => 4,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong(length, limit) => {
                write!(f, "the program sent a frame of {length} bytes, the limit is {limit}: see `Port::max_length`")
            }
            FrameError::Truncated => f.write_str("the program's output ended within a frame"),
            FrameError::PrefixTooSmall(length) => {
                write!(f, "a frame of {length} bytes is too long for its length prefix: see `FrameLength`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTE: Format = Format::Frames(FrameLength::U8);
    const SHORT: Format = Format::Frames(FrameLength::U16);
    const WORD: Format = Format::Frames(FrameLength::U32);

    /// Decodes the bytes in reads of each size. Pieces that are not complete end with `~`.
    #[track_caller]
    fn check(format: Format, limit: usize, bytes: &[u8], expected: &[&str]) {
        for size in 1..=bytes.len() {
            let mut decoder = Decoder::new(format, limit);
            let mut found = Vec::new();
            let mut add = |piece: Result<Option<Piece>, FrameError>| {
                let has_more = matches!(piece, Ok(Some(_)));
                match piece {
                    Ok(Some(Piece { bytes, is_complete })) => {
                        assert!(bytes.len() <= limit);
                        found.push(String::from_utf8(bytes).unwrap() + if is_complete { "" } else { "~" });
                    }
                    Ok(None) => {}
                    Err(error) => found.push(format!("{error:?}")),
                }
                has_more
            };
            for read in bytes.chunks(size) {
                decoder.push(read);
                while add(decoder.next()) {}
                assert!(decoder.buffer.len() <= limit + 4 + size, "{} bytes", decoder.buffer.len());
            }
            add(decoder.finish());
            assert_eq!(found, expected, "in reads of {size} bytes");
        }
    }

    #[test]
    fn lines_end_at_newlines_and_long_ones_are_split() {
        check(Format::Lines, 4, b"ab\n\ncd\n", &["ab", "", "cd"]);
        check(Format::Lines, 4, b"ab\ncd", &["ab", "cd~"]);
        check(Format::Lines, 4, b"abcd\nabcde\nabcdefghi\n", &["abcd", "abcd~", "e", "abcd~", "efgh~", "i"]);
        check(Format::Lines, 4, b"abcdefgh\n", &["abcd~", "efgh"]);
        check(Format::Lines, 1, b"a\r\n\n", &["a~", "\r", ""]);
    }

    #[test]
    fn frames_have_lengths_of_one_two_or_four_bytes() {
        check(BYTE, 9, b"\x02ab\x00\x01c", &["ab", "", "c"]);
        check(SHORT, 9, b"\x00\x02ab\x00\x00", &["ab", ""]);
        check(WORD, 9, b"\x00\x00\x00\x02ab\x00\x00\x00\x09012345678", &["ab", "012345678"]);
        check(WORD, 9, b"\x00\x00\x00\x02a", &["Truncated"]);
        check(WORD, 9, b"\x00\x00", &["Truncated"]);
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length_alone() {
        let mut decoder = Decoder::new(WORD, 9);
        decoder.push(b"\x00\x00\x00\x02ab\xff\xff\xff\xff");
        assert_eq!(decoder.next(), Ok(Some(Piece { bytes: b"ab".to_vec(), is_complete: true })));
        assert_eq!(decoder.next(), Err(FrameError::TooLong(u32::MAX as usize, 9)));
        assert!(decoder.buffer.capacity() < 100);
    }

    #[test]
    fn a_write_gets_its_length_in_front() {
        assert_eq!(Format::Lines.encode(b"ab".to_vec()), Ok(b"ab".to_vec()));
        assert_eq!(BYTE.encode(vec![7; 255]).unwrap()[..2], [255, 7]);
        assert_eq!(BYTE.encode(vec![7; 256]), Err(FrameError::PrefixTooSmall(256)));
        assert_eq!(SHORT.encode(vec![7; 256]).unwrap()[..3], [1, 0, 7]);
        assert_eq!(WORD.encode(Vec::new()), Ok(vec![0; 4]));
    }
}
