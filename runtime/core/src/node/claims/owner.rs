//! The owner of a global name or a key, and the messages that wait for one.

#[cfg(feature = "registry")]
use crate::base::NodeName;
use crate::base::Pid;
#[cfg(feature = "registry")]
use crate::node::LocalProcess;

/// The owner of a global name or a key.
#[derive(Clone)]
pub(crate) enum Owner {
    Pid(Pid),
    /// A process of this node.
    #[cfg(feature = "registry")]
    Process(LocalProcess),
    /// The process that has the key on another node, which starts a missing one.
    #[cfg(feature = "registry")]
    Node(NodeName),
}

/// A message that waits for the owner of a global name or a key.
pub(crate) trait AwaitsOwner: Send + Sync {
    /// Sends the message. Returns `false` if that was not possible: the message waits for the next owner, or for a
    /// connection to this one.
    fn send_to(&self, owner: &Owner) -> bool;

    /// Drops the message if it has waited for too long: one of another node, or one whose sender does not wait for it.
    /// Returns `true` if it waits no more.
    #[cfg(feature = "registry")]
    fn expire(&self) -> bool;
}
