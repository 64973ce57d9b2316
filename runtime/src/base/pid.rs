use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::NodeName;
use super::pair::{read_pair, write_pair};

/// One life of a node: its name, and an incarnation that differs each time it starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// What the node is called.
    pub name: NodeName,
    /// Which of its lives this is. A pid of an earlier incarnation is [`NoProc`](crate::Exit::NoProc).
    pub incarnation: u64,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

impl NodeId {
    /// A node that nobody can reach. All of a program's have one name; their processes must not be taken for each
    /// other's.
    pub(crate) fn local(incarnation: u64) -> NodeId {
        NodeId { name: NodeName::local(), incarnation }
    }
}

/// The identity of a process: node, incarnation and number. Never used twice. Cheap to clone.
#[derive(Clone)]
pub struct Pid {
    node: Arc<NodeId>,
    number: u64,
}

impl Pid {
    pub(crate) fn new(node: Arc<NodeId>, number: u64) -> Pid {
        Pid { node, number }
    }

    /// The node that the process lives on.
    pub fn node(&self) -> &NodeName {
        &self.node.name
    }

    /// The node with its incarnation.
    pub fn node_id(&self) -> &Arc<NodeId> {
        &self.node
    }

    /// Whether it is a process of this life of a node.
    pub(crate) fn is_of(&self, node: &Arc<NodeId>) -> bool {
        // Nearly always one and the same allocation.
        Arc::ptr_eq(&self.node, node) || self.node == *node
    }

    /// The process's number on that node.
    pub fn number(&self) -> u64 {
        self.number
    }
}

// By hand, since most comparisons are within one node, whose identity is then one and the same allocation.
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

/// One act of watching, made by `cx.monitor(..)`; the [`Down`](crate::Down) that ends it carries the same.
///
/// Unique on the node that made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef(pub(crate) u64);

impl fmt::Debug for MonitorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonitorRef({})", self.0)
    }
}

// What is part of a stub has serde's traits without its derive.

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_pair(serializer, "NodeId", ["name", "incarnation"], &self.name, &self.incarnation)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
        let (name, incarnation) = read_pair(deserializer, "NodeId", &["name", "incarnation"])?;
        Ok(NodeId { name, incarnation })
    }
}

impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_pair(serializer, "Pid", ["node", "number"], &self.node, &self.number)
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pid, D::Error> {
        let (node, number) = read_pair(deserializer, "Pid", &["node", "number"])?;
        Ok(Pid { node, number })
    }
}

impl Serialize for MonitorRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MonitorRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MonitorRef, D::Error> {
        u64::deserialize(deserializer).map(MonitorRef)
    }
}
