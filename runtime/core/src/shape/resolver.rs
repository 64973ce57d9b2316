//! The resolver: reads a value by the shape of its writer.
//!
//! Two rules keep it from reading a wrong value:
//! - The writer's shape alone decides which bytes are consumed. Parts that the reader leaves are passed over if they are
//!   fields that it does not have; otherwise they are an error.
//! - A type that the reader demands is either delivered by the call that postcard would make, or is an error. serde's
//!   visitors accept more: `f64` takes a `u64` and loses digits.

mod frames;

use std::any::TypeId;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use self::frames::{Frames, Names, Parts};
use super::core::{Core, Key, Order, Place, ReplyPart, StructType, Text};
use super::deserializer::part;
use super::error::{Cause, Result, ShapeError};
use super::input::{Input, Integer};
use super::node::{Aliases, Field, Node, NodeIndex, Shape};

/// The memory of values of more than 64 bytes, for each byte of the message and beyond that.
const MEMORY_PER_BYTE: u64 = 64;
const SPARE_MEMORY: u64 = 16 << 20;

/// The place of a byte in [`Node::Bytes`] that are read as a sequence.
const BYTE: Place = Place::MAX;
/// The place of a field that was not sent.
const ABSENT: Place = Place::MAX - 1;
/// The error of a type that goes on after the error of a part.
const IGNORED_ERROR: Cause = Cause::Malformed("a type ignores that a part of it cannot be read");
/// The type of a field that was not sent: it has no value.
const NOTHING: &Node = &Node::Enum(Vec::new());

/// The values of one message, by the shape of its writer.
pub(crate) struct Resolver<'s, 'de> {
    input: Input<'s, 'de>,
    /// The aliases of the reader's types.
    aliases: &'s Aliases,
    frames: Frames<'s>,
    /// The bytes of memory that large values may still occupy.
    memory: u64,
}

impl<'s, 'de> Resolver<'s, 'de> {
    /// Creates a resolver of the values in `bytes`, each of which has a node of `shape`. `aliases` are those of the types
    /// that are read.
    pub(crate) fn new(shape: &'s Shape, aliases: &'s Aliases, bytes: &'de [u8]) -> Resolver<'s, 'de> {
        let memory = bytes.len() as u64 * MEMORY_PER_BYTE + SPARE_MEMORY;
        Resolver { input: Input::new(shape, bytes), aliases, frames: Frames::default(), memory }
    }

    /// Reads the next value, whose shape is `node`.
    ///
    /// # Errors
    /// The bytes are not a value of the shape, or a `T` cannot be made of it. Nothing can be read afterwards.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, node: NodeIndex) -> Result<T, ShapeError> {
        let result = part(self, node, false, PhantomData::<T>);
        // The parts behind it were read from the wrong place.
        let result =
            result.and_then(|value| if self.frames.has_failed() { Err(IGNORED_ERROR.into()) } else { Ok(value) });
        result.map_err(|cause| self.frames.locate_error(*cause))
    }

    /// Makes the value of a field that was not sent: `None` of an `Option`.
    ///
    /// # Errors
    /// The field's type is not an option.
    pub(crate) fn read_absent<T: DeserializeOwned>(&mut self, field: &'static str) -> Result<T, ShapeError> {
        self.read(ABSENT).map_err(|_| ShapeError {
            path: String::new(),
            cause: Cause::Missing(field),
            is_permanent: true,
        })
    }

    /// Passes over the next value, and returns its bytes.
    ///
    /// # Errors
    /// The bytes are not a value of the shape.
    pub(crate) fn skip(&mut self, node: NodeIndex) -> Result<&'de [u8], ShapeError> {
        let before = self.input.bytes;
        self.input.skip(node, 0).map_err(|cause| self.frames.locate_error(*cause))?;
        Ok(&before[..before.len() - self.input.bytes.len()])
    }

    /// Reads the following values from other bytes of the same message.
    pub(crate) fn continue_at(&mut self, bytes: &'de [u8]) {
        self.input.bytes = bytes;
    }

    /// Returns the bytes that were not read yet.
    #[cfg(feature = "test")]
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.input.bytes
    }

    /// Returns an error if bytes are left.
    pub(crate) fn finish(mut self) -> Result<(), ShapeError> {
        if self.input.bytes.is_empty() {
            return Ok(());
        }
        Err(self.frames.locate_error(Cause::Malformed("bytes are left behind the last field")))
    }

    fn node(&self, at: Place) -> &'s Node {
        match at {
            BYTE => &Node::U8,
            ABSENT => NOTHING,
            _ => self.input.shape.node(at),
        }
    }

    fn names(&self, ty: StructType) -> Names<'s> {
        Names { all: ty.names, groups: self.aliases.of(ty.visitor) }
    }

    /// Returns the place of the content of an option that the reader takes as a value.
    fn inside(&mut self, mut at: Place, expected: &'static str) -> Result<Place> {
        while let Node::Option(content) = self.node(at) {
            if !self.input.bool()? {
                return Err(Cause::NoValue { expected }.into());
            }
            at = *content;
        }
        Ok(at)
    }

    fn differs<T>(&self, at: Place, expected: &'static str) -> Result<T> {
        Err(Cause::Types { sent: self.node(at).kind(), expected }.into())
    }

    #[inline(always)]
    fn integer(&mut self, at: Place, expected: &'static str) -> Result<Integer> {
        let at = self.inside(at, expected)?;
        match self.input.integer(self.node(at))? {
            Some(integer) => Ok(integer),
            None => self.differs(at, expected),
        }
    }
}

/// Names of integer types by their bits.
fn integer_name(is_signed: bool, bits: u32) -> &'static str {
    match (is_signed, bits) {
        (false, 8) => "u8",
        (false, 16) => "u16",
        (false, 32) => "u32",
        (false, 64) => "u64",
        (false, _) => "u128",
        (true, 8) => "i8",
        (true, 16) => "i16",
        (true, 32) => "i32",
        (true, 64) => "i64",
        (true, _) => "i128",
    }
}

impl<'s, 'de> Core<'de> for Resolver<'s, 'de> {
    fn bool(&mut self, at: Place) -> Result<bool> {
        let at = self.inside(at, "bool")?;
        match self.node(at) {
            Node::Bool => self.input.bool(),
            _ => self.differs(at, "bool"),
        }
    }

    fn unsigned(&mut self, at: Place, bits: u32) -> Result<u64> {
        let expected = integer_name(false, bits);
        let number = self.integer(at, expected)?.to::<u64>();
        number.filter(|number| *number <= u64::MAX >> (64 - bits)).ok_or_else(|| Cause::Range { expected }.into())
    }

    fn signed(&mut self, at: Place, bits: u32) -> Result<i64> {
        let expected = integer_name(true, bits);
        let (number, unused) = (self.integer(at, expected)?.to::<i64>(), 64 - bits);
        number.filter(|number| (number << unused) >> unused == *number).ok_or_else(|| Cause::Range { expected }.into())
    }

    fn unsigned_wide(&mut self, at: Place) -> Result<u128> {
        self.integer(at, "u128")?.to().ok_or_else(|| Cause::Range { expected: "u128" }.into())
    }

    fn signed_wide(&mut self, at: Place) -> Result<i128> {
        self.integer(at, "i128")?.to().ok_or_else(|| Cause::Range { expected: "i128" }.into())
    }

    fn f32(&mut self, at: Place) -> Result<f32> {
        let at = self.inside(at, "f32")?;
        match self.node(at) {
            Node::F32 => self.input.f32(),
            _ => self.differs(at, "f32"),
        }
    }

    fn f64(&mut self, at: Place) -> Result<f64> {
        let at = self.inside(at, "f64")?;
        match self.node(at) {
            Node::F64 => self.input.f64(),
            Node::F32 => self.input.f32().map(f64::from),
            // Each of their numbers is an f64 exactly.
            node @ (Node::U8 | Node::U16 | Node::U32 | Node::I8 | Node::I16 | Node::I32) => {
                let number = self.input.integer(node)?.and_then(|number| number.to::<i64>());
                number.map_or_else(|| self.differs(at, "f64"), |number| Ok(number as f64))
            }
            _ => self.differs(at, "f64"),
        }
    }

    fn char(&mut self, at: Place) -> Result<char> {
        let at = self.inside(at, "char")?;
        match self.node(at) {
            Node::Char => self.input.char(),
            _ => self.differs(at, "char"),
        }
    }

    fn text(&mut self, at: Place) -> Result<Text<'de>> {
        let at = self.inside(at, "String")?;
        match self.node(at) {
            Node::Text => self.input.text().map(Text::Borrowed),
            Node::Char => self.input.char().map(Text::Char),
            _ => self.differs(at, "String"),
        }
    }

    fn bytes(&mut self, at: Place) -> Result<&'de [u8]> {
        let at = self.inside(at, "bytes")?;
        match self.node(at) {
            Node::Bytes => self.input.byte_slice(),
            Node::Sequence(element) if *self.node(*element) == Node::U8 => self.input.byte_slice(),
            Node::Array(element, length) if *self.node(*element) == Node::U8 => self.input.take(*length as usize),
            _ => self.differs(at, "bytes"),
        }
    }

    fn unit(&mut self, at: Place) -> Result<()> {
        let at = self.inside(at, "()")?;
        match self.node(at) {
            Node::Unit => Ok(()),
            _ => self.differs(at, "()"),
        }
    }

    fn ignore(&mut self, at: Place) -> Result<()> {
        match at {
            BYTE => self.input.byte().map(drop),
            ABSENT => self.differs(at, "a value"),
            _ => self.input.skip(at, self.frames.depth()),
        }
    }

    fn refuse(&mut self, _: Place, reason: &'static str) -> Box<Cause> {
        Cause::Unsupported(reason).into()
    }

    fn stub(&mut self, at: Place, protocol: &'static str) -> Result<Place> {
        let at = self.inside(at, "a stub")?;
        match self.node(at) {
            Node::Stub(name, content) if **name == *protocol => Ok(*content),
            Node::Stub(..) => Err(Cause::Types { sent: "a stub of another protocol", expected: protocol }.into()),
            _ => self.differs(at, "a stub"),
        }
    }

    fn reply(&mut self, at: Place) -> Result<ReplyPart> {
        let at = self.inside(at, "a reply")?;
        match self.node(at) {
            Node::Reply(_) => Ok(ReplyPart::Number(self.input.varint(32)? as u32)),
            _ => self.differs(at, "a reply"),
        }
    }

    fn enter_option(&mut self, at: Place, _: TypeId) -> Result<()> {
        let content = match self.node(at) {
            Node::Option(content) => self.input.bool()?.then_some(*content),
            _ => Some(at).filter(|at| *at != ABSENT),
        };
        self.frames.enter(Parts::Option(content))
    }

    fn enter_sequence(&mut self, at: Place, length: Option<usize>, _: TypeId) -> Result<()> {
        let expected = if length.is_some() { "a tuple" } else { "a sequence" };
        let at = self.inside(at, expected)?;
        let (parts, count) = match self.node(at) {
            Node::Sequence(element) => {
                let count = self.input.length()?;
                (Parts::Elements(*element, count), count)
            }
            Node::Array(element, count) => (Parts::Elements(*element, u64::from(*count)), u64::from(*count)),
            Node::Tuple(elements) => (Parts::Tuple(elements), elements.len() as u64),
            Node::Bytes if length.is_none() => {
                let count = self.input.length()?;
                (Parts::Elements(BYTE, count), count)
            }
            _ => return self.differs(at, expected),
        };
        if length.is_some_and(|length| length as u64 != count) {
            return Err(Cause::Length.into());
        }
        self.frames.enter(parts)
    }

    fn enter_map(&mut self, at: Place, _: TypeId) -> Result<()> {
        let at = self.inside(at, "a map")?;
        match self.node(at) {
            Node::Map(key, value) => {
                let count = self.input.length()?;
                self.frames.enter(Parts::Entries(*key, *value, count))
            }
            _ => self.differs(at, "a map"),
        }
    }

    fn enter_struct(&mut self, at: Place, ty: StructType) -> Result<Order> {
        let at = self.inside(at, "a struct")?;
        let fields: &[Field] = match self.node(at) {
            Node::Struct(fields) => fields,
            // A variant that had no fields.
            Node::Unit if ty.is_variant => &[],
            _ => return self.differs(at, "a struct"),
        };
        // By position, as postcard: faster, and the only way into a visitor without `visit_map`.
        let names = self.names(ty);
        let is_equal = names.groups.is_none()
            && fields.len() == ty.names.len()
            && fields.iter().zip(ty.names).all(|(field, name)| *field.name == **name);
        self.frames.enter(Parts::Fields(fields, names))?;
        Ok(if is_equal { Order::Position } else { Order::Name })
    }

    fn enter_enum(&mut self, at: Place, ty: StructType) -> Result<()> {
        let at = self.inside(at, "an enum")?;
        match self.node(at) {
            Node::Enum(variants) => {
                let variant = &variants[self.input.variant(variants.len())?];
                let names = self.names(ty);
                self.frames.enter(Parts::Variant { variant, names, is_read: false })
            }
            _ => self.differs(at, "an enum"),
        }
    }

    fn leave(&mut self, error: Option<&Cause>) -> Result<()> {
        let depth = self.frames.depth();
        let Some(frame) = self.frames.leave(error) else { return Ok(()) };
        if error.is_some() {
            return Ok(());
        }
        let is_left = match frame.parts {
            Parts::Elements(_, count) | Parts::Entries(_, _, count) => count > 0 || frame.is_pending,
            Parts::Fields(fields, _) => frame.next < fields.len() || frame.is_pending,
            Parts::Tuple(elements) => frame.next < elements.len(),
            Parts::Variant { variant, is_read: false, .. } => {
                self.input.skip(variant.node, depth)?;
                false
            }
            Parts::Option(_) | Parts::Variant { .. } => false,
        };
        if is_left {
            return Err(Cause::Other("the type's `Deserialize` did not read all parts of the value".into()).into());
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Place>> {
        let frame = self.frames.top()?;
        frame.next += 1;
        Ok(match &mut frame.parts {
            Parts::Option(content) => content.take(),
            Parts::Elements(element, left) if *left > 0 => {
                *left -= 1;
                Some(*element)
            }
            Parts::Tuple(elements) => elements.get(frame.next - 1).copied(),
            Parts::Fields(fields, _) => fields.get(frame.next - 1).map(|field| field.node),
            Parts::Elements(..) | Parts::Entries(..) | Parts::Variant { .. } => None,
        })
    }

    fn key(&mut self) -> Result<Option<Key<'_>>> {
        if self.frames.top()?.is_pending {
            // The reader went on without the value.
            let at = self.value()?;
            self.ignore(at)?;
        }
        let frame = self.frames.top()?;
        match &mut frame.parts {
            Parts::Variant { variant, names, .. } => names.of(variant).map(|name| Some(Key::Name(name))),
            Parts::Fields(fields, names) => {
                let Some(field) = fields.get(frame.next) else { return Ok(None) };
                frame.next += 1;
                frame.is_pending = true;
                names.of(field).map(|name| Some(Key::Name(name)))
            }
            Parts::Entries(key, _, left) if *left > 0 => {
                *left -= 1;
                frame.next += 1;
                frame.is_pending = true;
                Ok(Some(Key::Value(*key)))
            }
            _ => Ok(None),
        }
    }

    fn value(&mut self) -> Result<Place> {
        let frame = self.frames.top()?;
        let was_pending = std::mem::take(&mut frame.is_pending);
        match &mut frame.parts {
            Parts::Variant { variant, is_read, .. } => {
                *is_read = true;
                Ok(variant.node)
            }
            Parts::Fields(fields, _) if was_pending => Ok(fields[frame.next - 1].node),
            Parts::Entries(_, value, _) if was_pending => Ok(*value),
            _ => Err(Cause::Other("the type's `Deserialize` reads a value without its key".into()).into()),
        }
    }

    fn unit_variant(&mut self) -> Result<()> {
        let depth = self.frames.depth();
        let Parts::Variant { variant, names, is_read } = &mut self.frames.top()?.parts else { return Ok(()) };
        *is_read = true;
        let (variant, is_known) = (*variant, names.of(variant).map(|name| names.all.contains(&name))?);
        if is_known && !matches!(self.node(variant.node), Node::Unit) {
            return self.differs(variant.node, "a variant without content");
        }
        // A variant that the reader does not know, and takes as its `#[serde(other)]`.
        self.input.skip(variant.node, depth)
    }

    fn size_hint(&self) -> Option<usize> {
        let frame = self.frames.last()?;
        let count = match &frame.parts {
            Parts::Elements(_, left) | Parts::Entries(_, _, left) => usize::try_from(*left).ok()?,
            Parts::Tuple(elements) => elements.len() - frame.next.min(elements.len()),
            Parts::Fields(fields, _) => fields.len() - frame.next.min(fields.len()),
            Parts::Option(_) | Parts::Variant { .. } => return None,
        };
        Some(count)
    }

    fn charge(&mut self, size: usize) -> Result<()> {
        self.memory = self
            .memory
            .checked_sub(size as u64)
            .ok_or(Cause::Limit("the values occupy far more memory than the message has bytes"))?;
        Ok(())
    }

    fn end(&mut self, _: Place, is_read: bool) {
        if !is_read {
            self.frames.fail_part();
        }
    }
}
