//! Floor 0: data only. Who is who, why a process ended, what may go wrong.
//!
//! Nothing here runs, waits or knows a node; every other floor speaks in these types.

mod codec;
mod depth;
mod error;
mod exit;
mod name;
mod pid;
mod protocol;
mod system;

pub use codec::{Decoder, Encoder};
pub use error::{CallError, CastError, DecodeError, EncodeError, NameError, StartError};
pub use exit::{Exit, Reason};
pub use name::{InvalidName, NodeName};
pub use pid::{MonitorRef, NodeId, Pid};
pub use protocol::{Protocol, Receives, Variant};
pub use system::{Down, ExitSignal, NodeEvent, Subject, System, event};
