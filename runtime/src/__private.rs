//! What generated code is made of: the only path that it names. Not for use by hand, and free to change.

pub use serde::de::DeserializeOwned;
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::actor::{Actor, Context, Handle, Options, Outcome, Process, Ref, Stub, Stubbed, serve};
pub use crate::base::{
    DecodeError, Decoder, Down, EncodeError, Encoder, Exit, ExitSignal, NodeEvent, Protocol, Receives, System, Variant,
};
pub use crate::call::{Address, Call, Cast, Reply};
pub use crate::entry::{Report, TestClock, main, test};
pub use crate::mailbox::Want;
pub use crate::process::{Mailbox, Receive};
pub use crate::supervisor::{
    Again, AutoShutdown, Backoff, ChildOptions, Children, Dynamic, Flags, Once, Places, Restart, Shutdown, Strategy,
    SupervisionRef as SupervisorRef, Tree, TreeStub, WhileDown,
};
