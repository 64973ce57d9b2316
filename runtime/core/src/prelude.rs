//! The names that most programs use, without the macros.

pub use std::time::Duration;

pub use crate::actor::{Actor, Context, Process, Spawn, Stub};
pub use crate::base::{
    CallError, CallErrorKind, CastError, Down, Exit, ExitSignal, MonitorRef, NodeEvent, NodeName, Pid, StartError,
};
pub use crate::call::{Call, Cast, Recipient, Reply};
#[cfg(feature = "net")]
pub use crate::cluster::Cookie;
pub use crate::node::Node;
pub use crate::process::{Mailbox, Receive, Timer};
#[cfg(feature = "registry")]
pub use crate::registry::global;
#[cfg(feature = "net")]
pub use crate::remote::SpawnOn;
#[cfg(all(feature = "net", feature = "supervision"))]
pub use crate::supervisor::StartTreeOn;
#[cfg(feature = "supervision")]
pub use crate::supervisor::{StartTree, TreeStub};
