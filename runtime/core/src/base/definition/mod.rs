//! Definitions of protocols: what two nodes compare before one reads a message of the other.
//!
//! A definition is the protocol's name, its version and its [shape](crate::shape). A node sends it before the first
//! message, and compares a fingerprint of it afterwards. Two nodes with the same definition read messages by position, as
//! postcard does. With another shape of the same protocol, the receiver reads messages by the names of their fields.
//!
//! The types of events and of answers have definitions, too. Their name is the path of the type.
//!
//! Without the feature `net` no message leaves its node, and the items here have no content.

#[cfg(feature = "net")]
mod fields;
#[cfg(feature = "net")]
mod own;
#[cfg(feature = "net")]
mod received;
#[cfg(feature = "net")]
mod recorder;
#[cfg(test)]
#[cfg(feature = "net")]
mod tests;
mod types;
#[cfg(feature = "inspect")]
mod untyped;
#[cfg(not(feature = "net"))]
mod without_net;

use super::CallErrorKind;
#[cfg(feature = "net")]
pub use fields::{FieldError, Fields};
#[cfg(feature = "registry")]
pub(crate) use own::shortened as short_name;
#[cfg(feature = "net")]
pub(crate) use own::{Definition, OwnDefinition};
#[cfg(feature = "net")]
pub use own::{DefinitionCell, DefinitionCells};
#[cfg(feature = "net")]
pub use received::EncodedEvent;
#[cfg(feature = "net")]
pub(crate) use received::{ReceivedDefinition, UnreadMessage};
#[cfg(feature = "net")]
pub use recorder::DefinitionRecorder;
#[cfg(feature = "net")]
pub(crate) use recorder::record_type;
pub(crate) use types::TypeDefinitions;
#[cfg(feature = "inspect")]
pub(crate) use untyped::Untyped;
#[cfg(not(feature = "net"))]
pub(crate) use without_net::{Definition, OwnDefinition, ReceivedDefinition, UnreadMessage, record_type};
#[cfg(not(feature = "net"))]
pub use without_net::{DefinitionCell, DefinitionCells, DefinitionRecorder, EncodedEvent, FieldError, Fields};

/// An event of another node that was converted to a message, or the error.
pub type ReadEvent<M> = Result<M, CallErrorKind>;
