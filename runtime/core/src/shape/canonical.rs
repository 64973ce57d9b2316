//! The canonical form of a shape.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Node, NodeIndex, Shape};

impl Shape {
    /// Returns the smallest shape that is equal to the one with this root, numbered from the root on. Nodes that no reader
    /// can distinguish are merged, also recursive ones. So two shapes are equal if, and only if, their canonical forms are.
    pub(crate) fn canonical(nodes: &[Node], root: NodeIndex) -> Shape {
        let classes = classes(nodes);
        let mut representatives = HashMap::new();
        for (node, class) in nodes.iter().zip(&classes) {
            representatives.entry(*class).or_insert(node);
        }
        let root = classes[root as usize];
        let mut numbers = HashMap::from([(root, 0)]);
        let mut canonical = vec![Node::Unit];
        let mut waiting = vec![root];
        while let Some(class) = waiting.pop() {
            let mut found = Vec::new();
            let node = representatives[&class].map_children(|child| {
                let child = classes[child as usize];
                *numbers.entry(child).or_insert_with(|| {
                    canonical.push(Node::Unit);
                    found.push(child);
                    canonical.len() as NodeIndex - 1
                })
            });
            canonical[numbers[&class] as usize] = uniform(node);
            waiting.extend(found.into_iter().rev());
        }
        Shape { nodes: canonical }
    }
}

/// Returns a number for each node. Two nodes have the same number if no reader can distinguish them.
///
/// This is the refinement of a partition: nodes are equal until their parts are found to differ.
fn classes(nodes: &[Node]) -> Vec<NodeIndex> {
    let heads: Vec<Node> = nodes.iter().map(|node| node.map_children(|_| 0)).collect();
    let mut classes = number(heads.iter());
    let mut count = 0;
    loop {
        let parts = |node: &Node| {
            let mut parts = Vec::new();
            node.each_child(|child| parts.push(classes[child as usize]));
            parts
        };
        let keys: Vec<_> = nodes.iter().zip(&classes).map(|(node, class)| (*class, parts(node))).collect();
        let next = number(keys.iter());
        let next_count = next.iter().max().map_or(0, |last| last + 1);
        if next_count == count {
            return next;
        }
        (classes, count) = (next, next_count);
    }
}

/// Numbers equal keys alike.
fn number<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> Vec<NodeIndex> {
    let mut numbers = HashMap::new();
    keys.map(|key| {
        let next = numbers.len() as NodeIndex;
        *numbers.entry(key).or_insert(next)
    })
    .collect()
}

/// Returns a tuple of equal elements as an array, as which it has the same bytes.
fn uniform(node: Node) -> Node {
    match &node {
        Node::Tuple(elements) if elements.len() > 1 && elements.iter().all(|element| *element == elements[0]) => {
            Node::Array(elements[0], elements.len() as u32)
        }
        _ => node,
    }
}
