//! The rights of a peer.

use std::fmt;

/// A right of a peer on a node. A [`Policy`](crate::Policy) gives and removes rights.
///
/// A peer that has the stub of a process may send messages to it without any of them: the node has sent it the stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Right {
    /// Sends messages to processes by their registered names, and monitors them by name.
    Names,
    /// Starts exported actors.
    Spawn,
    /// Calls exported functions.
    Call,
    /// Ends processes: sends exit signals and requests to stop, and links its own processes to them.
    Exit,
    /// Takes part in groups: lists their members on the node, broadcasts to them, and adds members of its own.
    Groups,
    /// Inspects the node: its processes, trees, metrics, alarms and messages, and the calls that a process waits for.
    Inspect,
    /// Claims keys, such as global names, in the local view of this node. Also receives the states of applications that move
    /// to the peer, with any registry.
    Claim,
}

impl Right {
    pub(crate) const ALL: [Right; 7] =
        [Right::Names, Right::Spawn, Right::Call, Right::Exit, Right::Groups, Right::Inspect, Right::Claim];

    /// Returns the right with this name.
    #[cfg(feature = "net")]
    pub(crate) fn named(name: &str) -> Option<Right> {
        Right::ALL.into_iter().find(|right| right.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Right::Names => "names",
            Right::Spawn => "spawn",
            Right::Call => "call",
            Right::Exit => "exit",
            Right::Groups => "groups",
            Right::Inspect => "inspect",
            Right::Claim => "claim",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
