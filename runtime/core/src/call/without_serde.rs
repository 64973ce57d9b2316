//! Without the feature `serde`: stubs and replies can be parts of any message, and no message leaves its node.

use super::{Address, Recipient, Reply};
use crate::base::{Deserialize, DeserializeOwned, Protocol, Serialize};

impl<M: Protocol> Serialize for Address<M> {}
impl<'de, M: Protocol> Deserialize<'de> for Address<M> {}

impl<E> Serialize for Recipient<E> {}
impl<'de, E> Deserialize<'de> for Recipient<E> {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Serialize for Reply<T> {}
impl<'de, T: Serialize + DeserializeOwned + 'static> Deserialize<'de> for Reply<T> {}
