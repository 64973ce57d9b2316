//! The layer that all others share: pids, node names, exit reasons, errors, and the traits of protocols.
//!
//! Types here hold data. Nothing runs, waits or depends on a node. [`SortedMap`] is the map that the layers above use
//! where they need an order.

mod call_error;
mod codec;
mod definition;
mod error;
mod exit;
#[cfg(any(test, not(feature = "serde")))]
mod message_types;
mod name;
mod pid;
mod protocol;
mod reason;
mod shutdown;
mod sorted_map;
mod system;
mod trace_context;

#[cfg(feature = "serde")]
pub use serde::de::DeserializeOwned;
#[cfg(feature = "serde")]
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use call_error::FailedCall;
pub use call_error::{CallError, CallErrorKind, CallWait, Right};
pub(crate) use codec::Source;
#[cfg(feature = "net")]
pub(crate) use codec::{ByteString, EncodedState};
pub use codec::{Decoder, Encoder, Payload};
#[cfg(feature = "serde")]
pub use codec::{FieldFunctions, FieldWith};
#[cfg(feature = "inspect")]
pub(crate) use definition::Untyped;
#[cfg(feature = "registry")]
pub(crate) use definition::short_name;
pub(crate) use definition::{
    Definition, OwnDefinition, ReceivedDefinition, TypeDefinitions, UnreadMessage, record_type,
};
pub use definition::{
    DefinitionCell, DefinitionCells, DefinitionRecorder, EncodedEvent, FieldError, Fields, ReadEvent,
};
pub(crate) use error::Causes;
pub use error::{CastError, DecodeError, EncodeError, NameError, StartError};
pub use exit::Exit;
#[cfg(feature = "net")]
pub(crate) use exit::shorten;
#[cfg(any(test, not(feature = "serde")))]
pub(crate) use message_types::serializable;
#[cfg(not(feature = "serde"))]
pub use message_types::{Deserialize, DeserializeOwned, Deserializer, Serialize, Serializer};
pub use name::{InvalidName, NodeName};
pub use pid::{MonitorRef, NodeId, Pid};
pub use protocol::{Protocol, Receives, Variant};
pub use reason::Reason;
pub use shutdown::Shutdown;
pub(crate) use sorted_map::SortedMap;
pub use system::{Down, ExitSignal, Member, NodeEvent, Subject, System};
pub(crate) use trace_context::MessageContext;
#[cfg(feature = "trace-context")]
pub use trace_context::{TraceContext, TraceContextError};
