//! Shapes as bytes, and the check of a shape that a peer sends.

use super::{Node, Shape};

impl Shape {
    /// The most bytes of a shape that is sent.
    pub(crate) const MAX_ENCODED: usize = 32 * 1024;
    /// The most passes over the nodes of a shape. Those of a type refer to nodes behind them, and need few.
    const MAX_PASSES: usize = 100;
    /// The most parts of a value that have no bytes, unless a length precedes them.
    const MAX_PARTS: u64 = 1 << 10;

    /// Encodes a canonical shape.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a shape has serde's plain types only")
    }

    /// Decodes and checks the shape of a peer.
    ///
    /// # Errors
    /// The bytes are not a shape, or its values could not be read with bounded effort.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Shape, &'static str> {
        let (shape, rest) = postcard::take_from_bytes::<Shape>(bytes).map_err(|_| "the bytes are not a shape")?;
        if !rest.is_empty() {
            return Err("bytes are left behind a shape");
        }
        shape.check().map(|()| shape)
    }

    fn check(&self) -> Result<(), &'static str> {
        let nodes = &self.nodes;
        let mut in_range = !nodes.is_empty();
        for node in nodes {
            node.each_child(|child| in_range &= (child as usize) < nodes.len());
        }
        if !in_range {
            return Err("a shape refers to a node that it does not have");
        }
        // A struct that contains itself has no value: to pass over one would never end.
        let mut finite = vec![false; nodes.len()];
        let mut is_simple = fixpoint(nodes, &mut finite, |node, finite| match node {
            Node::Option(_) | Node::Sequence(_) | Node::Map(..) | Node::Reply(_) => true,
            Node::Enum(variants) => variants.is_empty() || variants.iter().any(|variant| finite[variant.node as usize]),
            _ => {
                let mut all = true;
                node.each_child(|child| all &= finite[child as usize]);
                all
            }
        });
        if is_simple && finite.contains(&false) {
            return Err("a shape has a type without a finite value");
        }
        // Nested tuples could make no byte stand for any number of parts.
        let mut parts = vec![0; nodes.len()];
        is_simple &= fixpoint(nodes, &mut parts, |node, parts| {
            let count = match node {
                Node::Unit => 1,
                Node::Array(element, length) => u64::from(*length).saturating_mul(parts[*element as usize]),
                Node::Tuple(_) | Node::Struct(_) | Node::Stub(..) => {
                    let (mut sum, mut is_empty) = (0_u64, true);
                    node.each_child(|child| {
                        sum = sum.saturating_add(parts[child as usize]);
                        is_empty = false;
                    });
                    if is_empty { 1 } else { sum }
                }
                // Begins with a byte.
                _ => 0,
            };
            count.min(Shape::MAX_PARTS)
        });
        if !is_simple {
            return Err("the nodes of a shape are in an order that takes too long");
        }
        if parts.contains(&Shape::MAX_PARTS) {
            return Err("a type of a shape has too many parts");
        }
        Ok(())
    }
}

/// Computes a property of each node from those of its parts, until none changes. The property must only grow. Returns
/// `false` if that takes too many passes.
fn fixpoint<P: Copy + PartialEq>(nodes: &[Node], properties: &mut [P], of: impl Fn(&Node, &[P]) -> P) -> bool {
    for _ in 0..Shape::MAX_PASSES {
        let mut changed = false;
        // Parts mostly have higher indexes.
        for index in (0..nodes.len()).rev() {
            let property = of(&nodes[index], properties);
            changed |= properties[index] != property;
            properties[index] = property;
        }
        if !changed {
            return true;
        }
    }
    false
}
