//! Process and node identities.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::NodeName;

/// The identity of a running node: its name, and an incarnation that differs each time it starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NodeId {
    /// The node's name.
    pub name: NodeName,
    /// The incarnation: a number that is chosen when the node starts. A pid of an earlier incarnation is a process that
    /// no longer exists, so requests to it fail with [`NoProc`](crate::Exit::NoProc).
    pub incarnation: u64,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

impl NodeId {
    /// Returns the identity of a node that is not in a cluster. All of these have one name, and the incarnation
    /// distinguishes their processes.
    pub(crate) fn local(incarnation: u64) -> NodeId {
        NodeId { name: NodeName::local(), incarnation }
    }
}

/// The identity of a process: its node's name and incarnation, and a number. A pid is never reused. Cloning is cheap.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pid {
    node: Arc<NodeId>,
    number: u64,
}

impl Pid {
    pub(crate) fn new(node: Arc<NodeId>, number: u64) -> Pid {
        Pid { node, number }
    }

    /// Returns the name of the process's node.
    pub fn node(&self) -> &NodeName {
        &self.node.name
    }

    /// Returns the identity of the process's node.
    pub fn node_id(&self) -> &Arc<NodeId> {
        &self.node
    }

    /// Returns whether the process runs, or ran, on this incarnation of a node.
    pub(crate) fn belongs_to(&self, node: &Arc<NodeId>) -> bool {
        // The same allocation in nearly all cases.
        Arc::ptr_eq(&self.node, node) || self.node == *node
    }

    /// Returns the process's number on that node.
    pub fn number(&self) -> u64 {
        self.number
    }
}

// Not derived: most comparisons are within one node, where both pids share the allocation of the node's identity.
impl PartialEq for Pid {
    fn eq(&self, other: &Pid) -> bool {
        self.number == other.number && (Arc::ptr_eq(&self.node, &other.node) || self.node == other.node)
    }
}

impl Eq for Pid {}

impl Ord for Pid {
    fn cmp(&self, other: &Pid) -> Ordering {
        let node = if Arc::ptr_eq(&self.node, &other.node) { Ordering::Equal } else { self.node.cmp(&other.node) };
        node.then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Pid {
    fn partial_cmp(&self, other: &Pid) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Pid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} {}>", self.node.name, self.number)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of a monitor, from `cx.monitor(..)`. The [`Down`](crate::Down) of the monitor has the same.
///
/// Unique on the node of the monitoring process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MonitorRef(pub(crate) u64);

impl fmt::Debug for MonitorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonitorRef({})", self.0)
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use std::sync::Arc;

    use crate::base::{NodeId, NodeName, Pid};

    /// Deserializes a pid, or fails with a message that contains `expected`.
    fn check(json: &str, expected: Result<(), &str>) {
        let pid = Pid::new(Arc::new(NodeId { name: NodeName::new("a@b").unwrap(), incarnation: 7 }), 9);
        match (serde_json::from_str::<Pid>(json), expected) {
            (Ok(read), Ok(())) => assert_eq!(read, pid, "{json}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{json}: {error}"),
            (read, expected) => panic!("{json}: {read:?}, not {expected:?}"),
        }
        let written = r#"{"node":{"name":"a@b","incarnation":7},"number":9}"#;
        assert_eq!(serde_json::to_string(&pid).unwrap(), written);
    }

    #[test]
    fn fields_are_read_by_name_or_in_order() {
        check(r#"{"node":{"name":"a@b","incarnation":7},"number":9}"#, Ok(()));
        check(r#"{"number":9,"more":[1],"node":{"incarnation":7,"name":"a@b"}}"#, Ok(()));
        check(r#"[["a@b",7],9]"#, Ok(()));
        check(r#"{"number":9}"#, Err("missing field `node`"));
        check(r#"{"number":9,"number":9}"#, Err("duplicate field `number`"));
        check(r#"[["a@b",7]]"#, Err("invalid length 1, expected struct Pid"));
        check("9", Err("expected struct Pid"));
    }
}
