//! The nodes of the cluster that have a database: a fixed list, the same on each of them.

use std::sync::Arc;

use greenroom::prelude::*;

/// The names of the nodes, in order. A clone is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    names: Arc<[NodeName]>,
    own: usize,
}

impl Nodes {
    /// Creates the list of a node and the others.
    pub(crate) fn new(own: &NodeName, others: impl IntoIterator<Item = NodeName>) -> Nodes {
        let mut names: Vec<NodeName> = others.into_iter().chain([own.clone()]).collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        let at = names.iter().position(|name| name == own).unwrap_or_default();
        Nodes { names: names.into(), own: at }
    }

    /// Returns the index of the own node.
    pub(crate) fn own(&self) -> usize {
        self.own
    }

    /// Returns the names of all nodes.
    pub(crate) fn names(&self) -> &[NodeName] {
        &self.names
    }

    /// Returns the names of the other nodes.
    pub(crate) fn others(&self) -> impl Iterator<Item = &NodeName> {
        self.names.iter().enumerate().filter(|(index, _)| *index != self.own).map(|(_, name)| name)
    }

    /// Returns the number of nodes that are a majority.
    pub(crate) fn majority(&self) -> usize {
        self.names.len() / 2 + 1
    }
}
