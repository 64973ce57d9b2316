//! The arguments of a request, which are encoded together with it.

use serde::ser::Error;
use serde::{Serialize, Serializer};

use crate::base::DeserializeOwned;
use crate::node::Node;
use crate::process::EncodedValue;

/// A value that is serialized as an [`EncodedValue`]. Replies in it become a part of the message.
pub(crate) struct Argument<T> {
    pub(crate) node: Node,
    pub(crate) value: T,
}

impl<T: Serialize + DeserializeOwned + 'static> Serialize for Argument<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EncodedValue::of(&self.node, &self.value).map_err(S::Error::custom)?.serialize(serializer)
    }
}
