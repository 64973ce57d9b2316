//! Streams of another node: the messages of a process, and the events of the node.

mod events;
mod feed;
mod trace;

pub(super) use events::NodeEvents;
pub use events::{ObservedEvent, RemoteEvents};
pub use trace::RemoteTracing;
pub(super) use trace::TraceMessages;
