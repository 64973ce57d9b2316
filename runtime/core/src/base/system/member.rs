//! The description of a node of the cluster.

use std::collections::BTreeMap;

use crate::base::{NodeId, NodeName};

/// A node of the cluster, in the view of another one.
///
/// From [`Node::members`](crate::Node::members) and from [`NodeEvent::Joined`](crate::NodeEvent::Joined).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Member {
    /// The name and the incarnation.
    pub id: NodeId,
    /// The address at which other nodes dial it; `None` if it only dials.
    pub address: Option<String>,
    /// The values that the node was started with: see [`NodeBuilder::metadata`](crate::NodeBuilder::metadata). The node
    /// itself states them, so they do not prove a right.
    pub metadata: BTreeMap<String, String>,
    /// `true` if there is a connection to it now.
    pub is_connected: bool,
}

impl Member {
    /// Returns the node's name.
    pub fn name(&self) -> &NodeName {
        &self.id.name
    }
}
