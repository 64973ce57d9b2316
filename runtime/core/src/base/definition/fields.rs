//! The fields of a received message, by name.

use std::mem;

use crate::base::DeserializeOwned;
use crate::shape::{Aliases, Cause, Field, Resolver, Shape, ShapeError};

/// The fields of a message that has another shape than its receiver's protocol.
pub struct Fields<'a> {
    fields: &'a [Field],
    /// The bytes of each field; `None` once it was taken.
    parts: Vec<Option<&'a [u8]>>,
    resolver: Resolver<'a, 'a>,
}

/// The reason why a field cannot be read.
pub struct FieldError(pub(crate) ShapeError);

impl<'a> Fields<'a> {
    /// Finds the fields in `bytes`, which must be nothing else. `aliases` are those in the types that are read.
    pub(super) fn new(
        shape: &'a Shape,
        fields: &'a [Field],
        aliases: &'a Aliases,
        bytes: &'a [u8],
    ) -> Result<Fields<'a>, ShapeError> {
        let mut passed = Resolver::new(shape, aliases, bytes);
        let parts = fields.iter().map(|field| passed.skip(field.node).map(Some)).collect::<Result<_, _>>()?;
        passed.finish()?;
        Ok(Fields { fields, parts, resolver: Resolver::new(shape, aliases, bytes) })
    }

    /// Reads the field that has one of these names: its own, then its aliases.
    ///
    /// # Errors
    /// The field was not sent, and its type is not an `Option`. Or the type cannot be made of what was sent.
    pub fn take<T: DeserializeOwned + 'static>(&mut self, names: &[&'static str]) -> Result<T, FieldError> {
        match self.find(names) {
            Some(position) => self.read(position),
            None => self.resolver.read_absent(names[0]).map_err(FieldError),
        }
    }

    /// Reads the field like [`take`](Self::take), or returns the default if it was not sent.
    ///
    /// # Errors
    /// The type cannot be made of what was sent.
    pub fn take_or<T: DeserializeOwned + 'static>(
        &mut self,
        names: &[&'static str],
        default: impl FnOnce() -> T,
    ) -> Result<T, FieldError> {
        self.find(names).map_or_else(|| Ok(default()), |position| self.read(position))
    }

    /// Returns the number of bytes before the place where the last field was read to, in the `bytes` of the message.
    #[cfg(feature = "test")]
    pub(crate) fn position(&self, bytes: &[u8]) -> usize {
        self.resolver.rest().as_ptr() as usize - bytes.as_ptr() as usize
    }

    /// Finds the field whose own name is one of these, else one that has one of these as an alias.
    fn find(&self, names: &[&str]) -> Option<usize> {
        let position = |has: fn(&Field, &str) -> bool| {
            names.iter().find_map(|name| self.fields.iter().position(|field| has(field, name)))
        };
        let by_alias = |field: &Field, name: &str| field.aliases.iter().any(|alias| **alias == *name);
        position(|field, name| *field.name == *name).or_else(|| position(by_alias))
    }

    fn read<T: DeserializeOwned>(&mut self, position: usize) -> Result<T, FieldError> {
        let Field { name, node, .. } = &self.fields[position];
        let Some(bytes) = mem::take(&mut self.parts[position]) else {
            // Two fields of the receiver have names of this one.
            let error = ShapeError { path: String::new(), cause: Cause::Ambiguous, is_permanent: true };
            return Err(FieldError(error.within(name)));
        };
        self.resolver.continue_at(bytes);
        self.resolver.read(*node).map_err(|error| FieldError(error.within(name)))
    }
}
