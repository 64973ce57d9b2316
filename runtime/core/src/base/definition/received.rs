//! The definitions that a peer has sent, and messages that are read by them.

use std::any::{TypeId, type_name};
use std::sync::{Arc, OnceLock};

use super::fields::Fields;
use super::own::{Definition, OwnDefinition, shortened};
use super::recorder::record_type;
#[cfg(feature = "inspect")]
use super::untyped::Untyped;
use crate::base::{CallErrorKind, DecodeError, Decoder, DeserializeOwned, Serialize, Source};
use crate::shape::{Field, Node, Resolver, Shape, ShapeError};

/// A definition of a peer.
pub(crate) struct ReceivedDefinition {
    definition: Arc<Definition>,
    /// Decoded when a message is read by it.
    shape: OnceLock<Result<Shape, &'static str>>,
    /// A type of this program that was read by this definition, with its own.
    own: OnceLock<(TypeId, OwnDefinition)>,
}

/// The error of a message that cannot be read.
pub(crate) struct UnreadMessage {
    pub(crate) error: CallErrorKind,
    /// No message of this variant and this definition can be read.
    pub(crate) is_permanent: bool,
}

/// An event of another node, before it is decoded.
pub struct EncodedEvent<'a> {
    definition: &'a ReceivedDefinition,
    payload: &'a Source,
}

impl ReceivedDefinition {
    pub(crate) fn new(definition: Arc<Definition>) -> ReceivedDefinition {
        ReceivedDefinition { definition, shape: OnceLock::new(), own: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &Arc<Definition> {
        &self.definition
    }

    fn name(&self) -> &str {
        &self.definition.name
    }

    fn shape(&self) -> Result<&Shape, CallErrorKind> {
        let shape = self.shape.get_or_init(|| match &*self.definition.shape {
            [] => Err("its shape was not sent: it is too large, or there are too many"),
            encoded => Shape::decode(encoded),
        });
        shape.as_ref().map_err(|reason| incompatible(self.name(), reason))
    }

    /// Returns the variant of a message and its fields, whose definition is not that of the receiver's protocol.
    ///
    /// # Errors
    /// It is another protocol, or the bytes are not a message of it.
    pub(crate) fn fields<'a>(
        &'a self,
        own: &'a OwnDefinition,
        variant: u32,
        bytes: &'a [u8],
    ) -> Result<(&'a Field, Fields<'a>), UnreadMessage> {
        let variants = self.variants(own)?;
        let unknown = || CallErrorKind::Decode(DecodeError::Variant(variant));
        let variant = variants.get(variant as usize).ok_or_else(unknown)?;
        let shape = self.shape()?;
        let Node::Struct(fields) = shape.node(variant.node) else {
            return Err(CallErrorKind::Decode(DecodeError::Local).into());
        };
        let fields = Fields::new(shape, fields, own.aliases(), bytes);
        Ok((variant, fields.map_err(|error| self.unread(variant, &error))?))
    }

    /// Returns the error of a message of this variant.
    pub(crate) fn unread(&self, variant: &Field, error: &ShapeError) -> UnreadMessage {
        let name = format!("{}::{}", self.name(), variant.name);
        UnreadMessage { error: unreadable(&name, error), is_permanent: error.is_permanent }
    }

    /// Returns the error of a message whose receiver does not have the variant.
    pub(crate) fn unknown(&self, variant: &Field) -> UnreadMessage {
        let name = format!("{}::{}", self.name(), variant.name);
        UnreadMessage { error: incompatible(&name, "the receiver has no such variant"), is_permanent: true }
    }

    /// Returns the variants, if this is a definition of the protocol `own`.
    fn variants(&self, own: &OwnDefinition) -> Result<&[Field], UnreadMessage> {
        let permanent = |reason: &str| UnreadMessage { error: incompatible(self.name(), reason), is_permanent: true };
        let own = own.get().map_err(|reason| permanent(reason))?;
        if self.name() != &*own.name {
            // Another process may have the protocol.
            return Err(incompatible(self.name(), &format!("the receiver has the protocol `{}`", own.name)).into());
        }
        if self.definition.version != own.version {
            let reason = format!("version {} was sent, {} is expected", self.definition.version, own.version);
            return Err(permanent(&reason));
        }
        match self.shape()?.node(0) {
            Node::Enum(variants) => Ok(variants),
            _ => Err(permanent("its shape is not that of a protocol")),
        }
    }

    /// Reads the value of an event or an answer.
    ///
    /// # Errors
    /// The bytes are not of the peer's type, or a `T` cannot be made of them.
    pub(crate) fn read_value<T: Serialize + DeserializeOwned + 'static>(
        &self,
        payload: &Source,
    ) -> Result<T, CallErrorKind> {
        #[cfg(feature = "inspect")]
        if let Some(untyped) = Untyped::received(&self.definition.shape, payload) {
            return Ok(untyped);
        }
        let recorded;
        let (ty, own) = self.own.get_or_init(|| (TypeId::of::<T>(), record_type::<T>()));
        // Two types of one name are possible if two versions of a crate are linked.
        let own = if *ty == TypeId::of::<T>() {
            own
        } else {
            recorded = record_type::<T>();
            &recorded
        };
        if own.get().is_ok_and(|own| own.fingerprint == self.definition.fingerprint) {
            let mut decoder = Decoder::new(payload);
            let value = decoder.field().and_then(|value| decoder.finish().map(|()| value));
            return value.map_err(CallErrorKind::Decode);
        }
        let mut resolver = Resolver::new(self.shape()?, own.aliases(), payload);
        let value = resolver.read(0).and_then(|value| resolver.finish().map(|()| value));
        value.map_err(|error| unreadable(self.name(), &error))
    }
}

impl<'a> EncodedEvent<'a> {
    pub(crate) fn new(definition: &'a ReceivedDefinition, payload: &'a Source) -> EncodedEvent<'a> {
        EncodedEvent { definition, payload }
    }

    /// Reads the event if its type has the name of `T`.
    pub fn read<T: Serialize + DeserializeOwned + 'static>(&self) -> Option<Result<T, CallErrorKind>> {
        let is_named = self.definition.name() == &*shortened(type_name::<T>());
        is_named.then(|| self.definition.read_value(self.payload))
    }
}

impl From<CallErrorKind> for UnreadMessage {
    fn from(error: CallErrorKind) -> UnreadMessage {
        UnreadMessage { error, is_permanent: false }
    }
}

fn unreadable(name: &str, error: &ShapeError) -> CallErrorKind {
    if error.cause.is_of_bytes() {
        return CallErrorKind::Decode(DecodeError::Malformed(error.to_string().into()));
    }
    incompatible(name, &error.to_string())
}

fn incompatible(name: &str, reason: &str) -> CallErrorKind {
    CallErrorKind::Incompatible(format!("`{name}`: {reason}").into())
}
