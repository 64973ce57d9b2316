//! A value as bytes, with the shape of its type, for a reader that can have another version of the type.

use serde::{Deserialize, Serialize};

use super::type_definition;
#[cfg(feature = "inspect")]
use crate::base::Untyped;
use crate::base::{ByteString, Decoder, DeserializeOwned, Source};
use crate::node::Node;
use crate::shape::{Resolver, Shape};

/// A value, and the shape of its type.
#[derive(Serialize, Deserialize)]
pub(crate) struct EncodedValue {
    shape: ByteString,
    value: ByteString,
}

#[cfg(feature = "inspect")]
impl From<Untyped> for EncodedValue {
    fn from(Untyped { shape, value }: Untyped) -> EncodedValue {
        EncodedValue { shape: ByteString(shape), value: ByteString(value) }
    }
}

impl EncodedValue {
    /// Encodes a value.
    ///
    /// # Errors
    /// The reason why the type has no shape, or the value cannot be written.
    pub(crate) fn of<T: Serialize + DeserializeOwned + 'static>(
        node: &Node,
        value: &T,
    ) -> Result<EncodedValue, String> {
        let own = type_definition::<T>(node);
        let shape = own.get().map_err(ToString::to_string)?.shape.to_vec();
        if shape.is_empty() {
            return Err(format!("its shape has more than {} bytes, or its recording panicked", Shape::MAX_ENCODED));
        }
        let value = postcard::to_allocvec(value).map_err(|error| error.to_string())?;
        Ok(EncodedValue { shape: ByteString(shape), value: ByteString(value) })
    }

    /// Returns the shape of the writer's type.
    ///
    /// # Errors
    /// The bytes are not a shape.
    pub(crate) fn shape(&self) -> Result<Shape, &'static str> {
        Shape::decode(&self.shape.0)
    }

    /// Reads the value by position if the type has the writer's shape; `None` if it has another one.
    ///
    /// # Errors
    /// The bytes are not a value of the type.
    pub(crate) fn read_equal<T: Serialize + DeserializeOwned + 'static>(
        &self,
        node: &Node,
    ) -> Option<Result<T, String>> {
        let own = type_definition::<T>(node);
        own.get().ok().filter(|own| *own.shape == *self.shape.0)?;
        let value = Source::from(self.value.0.clone());
        let mut decoder = Decoder::new(&value);
        let value = decoder.field().and_then(|value| decoder.finish().map(|()| value));
        Some(value.map_err(|error| error.to_string()))
    }

    /// Reads the value by names. `shape` is that of the writer's type.
    ///
    /// # Errors
    /// The type cannot be made of the value.
    pub(crate) fn read_by_name<T: Serialize + DeserializeOwned + 'static>(
        &self,
        node: &Node,
        shape: &Shape,
    ) -> Result<T, String> {
        let own = type_definition::<T>(node);
        let mut resolver = Resolver::new(shape, own.aliases(), &self.value.0);
        let value = resolver.read(0).and_then(|value| resolver.finish().map(|()| value));
        value.map_err(|error| error.to_string())
    }

    /// Reads the value by position or by names.
    ///
    /// # Errors
    /// The type cannot be made of the value.
    pub(crate) fn read<T: Serialize + DeserializeOwned + 'static>(&self, node: &Node) -> Result<T, String> {
        self.read_equal(node).unwrap_or_else(|| self.read_by_name(node, &self.shape()?))
    }
}
