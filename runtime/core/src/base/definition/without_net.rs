//! Definitions without the feature `net`: generated code compiles, and never runs.

use std::marker::PhantomData;

use std::sync::Arc;

use crate::base::{CallErrorKind, DeserializeOwned, Serialize, Source};

/// The place of a protocol's definition, which is empty without the feature `net`.
pub struct DefinitionCell(());

impl DefinitionCell {
    /// Creates the place.
    #[must_use]
    #[allow(clippy::new_without_default)] // Only generated code makes one.
    pub const fn new() -> DefinitionCell {
        DefinitionCell(())
    }
}

/// The places of the definitions of a generic protocol.
pub struct DefinitionCells(DefinitionCell);

impl DefinitionCells {
    /// Creates the places.
    #[must_use]
    #[allow(clippy::new_without_default)] // Only generated code makes one.
    pub const fn new() -> DefinitionCells {
        DefinitionCells(DefinitionCell::new())
    }

    /// Returns the place of the protocol `M`.
    pub fn of<M: 'static>(&'static self) -> &'static DefinitionCell {
        &self.0
    }
}

/// Records the definition of a protocol: nothing without the feature `net`.
pub struct DefinitionRecorder(());

impl DefinitionRecorder {
    pub(crate) fn new(_: &str) -> DefinitionRecorder {
        DefinitionRecorder(())
    }

    pub(crate) fn finish(self, version: u32) -> OwnDefinition {
        OwnDefinition::without_shape("", version)
    }

    /// Adds the name of a type argument to the name.
    pub fn argument<T: ?Sized>(&mut self) {}

    /// Adds a variant.
    pub fn variant(&mut self, _: &'static [&'static str]) {}

    /// Adds a variant that other nodes do not send.
    pub fn local_variant(&mut self, _: &'static [&'static str]) {}

    /// Adds a field to the last variant.
    pub fn field<T: Serialize + DeserializeOwned + 'static>(&mut self, _: &'static [&'static str]) {}
}

/// The fields of a received message. Without connections no message is received.
pub struct Fields<'a>(PhantomData<&'a ()>);

/// The error of a field.
pub struct FieldError(());

impl Fields<'_> {
    /// Fails, since there is no field.
    ///
    /// # Errors
    /// Always.
    pub fn take<T: DeserializeOwned + 'static>(&mut self, _: &[&'static str]) -> Result<T, FieldError> {
        Err(FieldError(()))
    }

    /// Returns the default, since there is no field.
    ///
    /// # Errors
    /// Never.
    pub fn take_or<T: DeserializeOwned + 'static>(
        &mut self,
        _: &[&'static str],
        default: impl FnOnce() -> T,
    ) -> Result<T, FieldError> {
        Ok(default())
    }
}

/// A definition of this program.
pub(crate) struct Definition {
    pub(crate) name: Box<str>,
    pub(crate) fingerprint: u64,
}

/// A definition of this program.
pub(crate) struct OwnDefinition(Arc<str>);

impl OwnDefinition {
    pub(crate) fn without_shape(_: &str, _: u32) -> OwnDefinition {
        OwnDefinition("there are no connections".into())
    }

    pub(crate) fn get(&self) -> Result<&Arc<Definition>, &Arc<str>> {
        Err(&self.0)
    }
}

impl DefinitionCell {
    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> OwnDefinition) -> &OwnDefinition {
        unreachable!("there are no connections")
    }
}

/// A definition of a peer. Without connections a node has no peers.
pub(crate) enum ReceivedDefinition {}

impl ReceivedDefinition {
    pub(crate) fn get(&self) -> &Arc<Definition> {
        match *self {}
    }

    pub(crate) fn read_value<T>(&self, _: &Source) -> Result<T, CallErrorKind> {
        match *self {}
    }
}

/// The error of a message that cannot be read.
pub(crate) struct UnreadMessage {
    pub(crate) error: CallErrorKind,
    pub(crate) is_permanent: bool,
}

impl From<CallErrorKind> for UnreadMessage {
    fn from(error: CallErrorKind) -> UnreadMessage {
        UnreadMessage { error, is_permanent: false }
    }
}

/// An event of another node. Without connections no event is received.
pub struct EncodedEvent<'a>(PhantomData<&'a ()>);

impl<'a> EncodedEvent<'a> {
    pub(crate) fn new(_: &'a ReceivedDefinition, _: &'a Source) -> EncodedEvent<'a> {
        EncodedEvent(PhantomData)
    }

    /// Reads the event if its type has the name of `T`.
    pub fn read<T: Serialize + DeserializeOwned + 'static>(&self) -> Option<Result<T, CallErrorKind>> {
        None
    }
}

/// Returns a definition of nothing.
#[allow(clippy::extra_unused_type_parameters)]
pub(crate) fn record_type<T>() -> OwnDefinition {
    OwnDefinition::without_shape("", 0)
}
