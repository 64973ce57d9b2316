//! Floor 0: data only. Who is who, why a process ended, what may go wrong.
//!
//! Nothing here runs, waits or knows a node; every other floor speaks in these types. [`Sorted`] is the map in which
//! those above keep what has an order.

#[cfg(feature = "net")]
mod codec;
#[cfg(feature = "net")]
mod depth;
mod error;
mod exit;
#[cfg(not(feature = "net"))]
mod local;
mod name;
mod pid;
mod protocol;
mod shutdown;
mod sorted;
#[cfg(not(feature = "serde"))]
mod stand_in;
mod system;
#[cfg(any(test, not(feature = "serde")))]
mod travel;

#[cfg(feature = "serde")]
pub use serde::de::DeserializeOwned;
#[cfg(feature = "serde")]
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(feature = "net")]
pub use codec::{Decoder, Encoder};
pub use error::{CallError, CastError, DecodeError, EncodeError, NameError, StartError};
pub use exit::{Exit, Reason};
#[cfg(not(feature = "net"))]
pub use local::{Decoder, Encoder};
pub use name::{InvalidName, NodeName};
pub use pid::{MonitorRef, NodeId, Pid};
pub use protocol::{Protocol, Receives, Variant};
pub use shutdown::Shutdown;
pub(crate) use sorted::Sorted;
#[cfg(not(feature = "serde"))]
pub use stand_in::{Deserialize, DeserializeOwned, Deserializer, Serialize, Serializer};
pub use system::{Down, ExitSignal, NodeEvent, Subject, System, event};
#[cfg(any(test, not(feature = "serde")))]
pub(crate) use travel::travel;
