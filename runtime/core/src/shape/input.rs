//! Postcard's bytes of values with a known shape.

use super::error::{Cause, Result};
use super::{Node, NodeIndex, Shape};

/// The deepest nesting of values.
pub(super) const MAX_DEPTH: usize = 128;
/// The elements of sequences and maps beyond one for each byte.
const SPARE_ELEMENTS: u64 = 4096;

/// The bytes of a value that are not read yet.
pub(super) struct Input<'s, 'de> {
    pub(super) shape: &'s Shape,
    pub(super) bytes: &'de [u8],
    /// The elements of sequences and maps that may still be read.
    elements: u64,
    /// The lengths, the variants and the presence of options that were read, if they are noted.
    tags: Option<Vec<u64>>,
}

/// An integer of any type.
pub(super) enum Integer {
    Unsigned(u64),
    Signed(i64),
    UnsignedWide(u128),
    SignedWide(i128),
}

impl Integer {
    /// Returns the number as a `T`, if it fits.
    pub(super) fn to<T: TryFrom<u64> + TryFrom<i64> + TryFrom<u128> + TryFrom<i128>>(&self) -> Option<T> {
        match *self {
            Integer::Unsigned(number) => number.try_into().ok(),
            Integer::Signed(number) => number.try_into().ok(),
            Integer::UnsignedWide(number) => number.try_into().ok(),
            Integer::SignedWide(number) => number.try_into().ok(),
        }
    }
}

const END: Cause = Cause::Malformed("the bytes end inside a value");
const TOO_LARGE: Cause = Cause::Malformed("a number is too large for its type");
const LENGTH: Cause = Cause::Limit("a sequence or a map has more elements than the message has bytes");

/// Reads a number as strictly as postcard: not more bytes than `bits` need, and no more bits in the last one. For two
/// types, since most numbers need no arithmetic with 128 bits.
macro_rules! varint {
    ($input:ident, $type:ty, $bits:expr) => {{
        let (mut number, mut shift) = (0, 0);
        while shift < $bits {
            let byte = $input.byte()?;
            let part = <$type>::from(byte & 0x7f);
            if $bits - shift < 7 && part >> ($bits - shift) != 0 {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
        Err(TOO_LARGE.into())
    }};
}

impl<'s, 'de> Input<'s, 'de> {
    pub(super) fn new(shape: &'s Shape, bytes: &'de [u8]) -> Input<'s, 'de> {
        Input { shape, bytes, elements: bytes.len() as u64 + SPARE_ELEMENTS, tags: None }
    }

    fn note(&mut self, tag: u64) {
        if let Some(tags) = &mut self.tags {
            tags.push(tag);
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or(END)?;
        self.bytes = rest;
        Ok(*byte)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'de [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(END)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads a number of 16 to 64 bits.
    #[inline]
    pub(super) fn varint(&mut self, bits: u32) -> Result<u64> {
        match self.bytes {
            // Most numbers, lengths and variants.
            [byte @ ..0x80, rest @ ..] => {
                self.bytes = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(bits),
        }
    }

    fn long_varint(&mut self, bits: u32) -> Result<u64> {
        varint!(self, u64, bits)
    }

    fn wide_varint(&mut self) -> Result<u128> {
        varint!(self, u128, u128::BITS)
    }

    /// Reads the length of a sequence or a map, and charges its elements.
    pub(super) fn length(&mut self) -> Result<u64> {
        let length = self.varint(64)?;
        self.note(length);
        self.elements = self.elements.checked_sub(length).ok_or(LENGTH)?;
        Ok(length)
    }

    fn byte_length(&mut self) -> Result<usize> {
        Ok(usize::try_from(self.varint(64)?).map_err(|_| END)?)
    }

    /// Reads an integer of any type; `None` if the node is another type.
    ///
    /// In line, so that the [`Integer`] is never in memory: written in parts and read as a whole, it stalls the processor.
    #[inline(always)]
    pub(super) fn integer(&mut self, node: &Node) -> Result<Option<Integer>> {
        let unzigzag = |number: u64| (number >> 1) as i64 ^ -((number & 1) as i64);
        Ok(Some(match node {
            Node::U8 => Integer::Unsigned(self.byte()?.into()),
            Node::U16 => Integer::Unsigned(self.varint(16)?),
            Node::U32 => Integer::Unsigned(self.varint(32)?),
            Node::U64 => Integer::Unsigned(self.varint(64)?),
            Node::U128 => Integer::UnsignedWide(self.wide_varint()?),
            Node::I8 => Integer::Signed((self.byte()? as i8).into()),
            Node::I16 => Integer::Signed(unzigzag(self.varint(16)?)),
            Node::I32 => Integer::Signed(unzigzag(self.varint(32)?)),
            Node::I64 => Integer::Signed(unzigzag(self.varint(64)?)),
            Node::I128 => {
                let number = self.wide_varint()?;
                Integer::SignedWide((number >> 1) as i128 ^ -((number & 1) as i128))
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn text(&mut self) -> Result<&'de str> {
        Ok(std::str::from_utf8(self.byte_slice()?).map_err(|_| Cause::Malformed("a text is not UTF-8"))?)
    }

    pub(super) fn byte_slice(&mut self) -> Result<&'de [u8]> {
        let length = self.byte_length()?;
        self.take(length)
    }

    pub(super) fn char(&mut self) -> Result<char> {
        let mut chars = self.text()?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(Cause::Malformed("a char is not one character").into()),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Cause::Malformed("a bool is neither 0 nor 1").into()),
        }
    }

    pub(super) fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().map_err(|_| END)?)
    }

    /// Reads the number of a variant, and returns its position.
    pub(super) fn variant(&mut self, count: usize) -> Result<usize> {
        let number = self.varint(32)? as usize;
        self.note(number as u64);
        if number < count {
            Ok(number)
        } else {
            Err(Cause::Malformed("an enum has no variant with this number").into())
        }
    }

    /// Returns the lengths, the variants and the presence of options of a value, whose bytes must be all bytes.
    pub(super) fn tags(mut self, node: NodeIndex) -> Result<Vec<u64>> {
        self.tags = Some(Vec::new());
        self.skip(node, 0)?;
        if !self.bytes.is_empty() {
            return Err(Cause::Malformed("bytes are left behind it").into());
        }
        Ok(self.tags.unwrap_or_default())
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, node: NodeIndex, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Cause::Limit("values are nested deeper than 128 levels").into());
        }
        let shape = self.shape;
        let node = shape.node(node);
        match node {
            Node::Unknown(_) => return Err(Cause::Types { sent: node.kind(), expected: "a known type" }.into()),
            Node::Unit => {}
            Node::Bool => drop(self.bool()?),
            Node::F32 => drop(self.f32()?),
            Node::F64 => drop(self.f64()?),
            Node::Char => drop(self.char()?),
            Node::Text => drop(self.text()?),
            Node::Bytes => drop(self.byte_slice()?),
            Node::Reply(_) => drop(self.varint(32)?),
            Node::Option(content) => {
                let is_some = self.bool()?;
                self.note(is_some.into());
                if is_some {
                    self.skip(*content, depth + 1)?;
                }
            }
            Node::Sequence(element) => {
                for _ in 0..self.length()? {
                    self.skip(*element, depth + 1)?;
                }
            }
            Node::Map(key, value) => {
                for _ in 0..self.length()? {
                    self.skip(*key, depth + 1)?;
                    self.skip(*value, depth + 1)?;
                }
            }
            Node::Array(element, length) => {
                for _ in 0..*length {
                    self.skip(*element, depth + 1)?;
                }
            }
            Node::Tuple(elements) => {
                for element in elements {
                    self.skip(*element, depth + 1)?;
                }
            }
            Node::Struct(fields) => {
                for field in fields {
                    self.skip(field.node, depth + 1)?;
                }
            }
            Node::Enum(variants) => {
                let variant = self.variant(variants.len())?;
                self.skip(variants[variant].node, depth + 1)?;
            }
            Node::Stub(_, content) => self.skip(*content, depth + 1)?,
            integer => {
                self.integer(integer)?;
            }
        }
        Ok(())
    }
}

impl Shape {
    /// Compares two values of one type, as far as their structure is concerned: lengths, variants and options.
    ///
    /// # Errors
    /// The bytes are not a value of the type, or have different structures.
    pub(crate) fn compare_structure(&self, node: NodeIndex, values: [&[u8]; 2]) -> Result<(), String> {
        let [first, second] = values.map(|bytes| Input::new(self, bytes).tags(node));
        let is_equal = first.and_then(|first| Ok(first == second?));
        match is_equal {
            Ok(true) => Ok(()),
            Ok(false) => Err("a value that was written is read as another value".into()),
            Err(cause) => Err(format!("what is written is not what is read: {cause}")),
        }
    }
}
