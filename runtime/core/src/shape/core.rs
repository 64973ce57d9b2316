//! The interface between serde's `Deserializer` and the source of its values.

use std::any::TypeId;

use super::error::{Cause, Result};

/// A place of a value. The core gives it a meaning.
pub(super) type Place = u32;

/// The order in which the fields of a struct are visited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Position,
    Name,
}

/// The key of the next field, variant or entry.
pub(super) enum Key<'a> {
    Name(&'a str),
    /// The number of a field or a variant.
    Index(u32),
    /// The key of a map.
    Value(Place),
}

/// The parts of a text.
pub(super) enum Text<'de> {
    Borrowed(&'de str),
    Char(char),
}

/// A reply.
pub(super) enum ReplyPart {
    /// The answer's type is to be recorded. The reply was entered.
    Answer,
    Number(u32),
}

/// The source of the values.
///
/// `visitor` is the type of serde's visitor. It identifies the type that is deserialized.
pub(super) trait Core<'de> {
    fn bool(&mut self, at: Place) -> Result<bool>;
    fn unsigned(&mut self, at: Place, bits: u32) -> Result<u64>;
    fn signed(&mut self, at: Place, bits: u32) -> Result<i64>;
    fn unsigned_wide(&mut self, at: Place) -> Result<u128>;
    fn signed_wide(&mut self, at: Place) -> Result<i128>;
    fn f32(&mut self, at: Place) -> Result<f32>;
    fn f64(&mut self, at: Place) -> Result<f64>;
    fn char(&mut self, at: Place) -> Result<char>;
    fn text(&mut self, at: Place) -> Result<Text<'de>>;
    fn bytes(&mut self, at: Place) -> Result<&'de [u8]>;
    fn unit(&mut self, at: Place) -> Result<()>;
    /// Passes over the value.
    fn ignore(&mut self, at: Place) -> Result<()>;
    /// Notes that the type is not supported.
    fn refuse(&mut self, at: Place, reason: &'static str) -> Box<Cause>;
    /// Returns the place of a stub's content.
    fn stub(&mut self, at: Place, protocol: &'static str) -> Result<Place>;
    fn reply(&mut self, at: Place) -> Result<ReplyPart>;

    // Enter a composite value. `leave` follows each that succeeds.
    fn enter_option(&mut self, at: Place, visitor: TypeId) -> Result<()>;
    /// `length` is that of a tuple.
    fn enter_sequence(&mut self, at: Place, length: Option<usize>, visitor: TypeId) -> Result<()>;
    fn enter_map(&mut self, at: Place, visitor: TypeId) -> Result<()>;
    fn enter_struct(&mut self, at: Place, ty: StructType) -> Result<Order>;
    fn enter_enum(&mut self, at: Place, ty: StructType) -> Result<()>;
    /// Leaves the value that was entered last. `error` is set if its type refused it.
    fn leave(&mut self, error: Option<&Cause>) -> Result<()>;

    // The parts of the value that was entered last.
    /// Returns the next element, or the content of an option.
    fn next(&mut self) -> Result<Option<Place>>;
    /// Returns the next key of a map or a struct, or the variant of an enum.
    fn key(&mut self) -> Result<Option<Key<'_>>>;
    /// Takes note of what a key was taken for: equal numbers mean the same field. `None` if it was refused. Only a recorder
    /// is notified.
    fn key_means(&mut self, meaning: Option<u64>) -> Result<()> {
        let _ = meaning;
        Ok(())
    }
    /// Returns the value that belongs to the last key, or the variant's content.
    fn value(&mut self) -> Result<Place>;
    /// The reader's variant has no content.
    fn unit_variant(&mut self) -> Result<()>;
    /// Returns the number of parts that are left, if it is known.
    fn size_hint(&self) -> Option<usize>;

    /// A value of more than 64 bytes of memory is read next.
    fn charge(&mut self, size: usize) -> Result<()>;
    /// A part begins. Only a recorder is notified.
    fn begin(&mut self, at: Place) {
        let _ = at;
    }
    /// A part could not be deserialized. A recorder is also notified of each part that could.
    fn end(&mut self, at: Place, is_read: bool) {
        let _ = (at, is_read);
    }
}

/// A struct, an enum, or the struct in a variant.
#[derive(Clone, Copy)]
pub(super) struct StructType {
    pub(super) name: &'static str,
    /// Of the fields or variants, with their aliases.
    pub(super) names: &'static [&'static str],
    pub(super) visitor: TypeId,
    pub(super) is_variant: bool,
}
