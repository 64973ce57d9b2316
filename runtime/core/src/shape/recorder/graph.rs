//! The graph of a recording: a node per type, and slots by which nodes refer to each other.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};

use super::names::Names;
use crate::shape::{Aliases, Node, NodeIndex};

pub(super) type SlotId = usize;
pub(super) type NodeId = usize;

pub(super) const TOO_LARGE: &str = "the type is too large";

const MAX_NODES: usize = 20_000;
const MAX_SLOTS: usize = 1_000_000;

/// The kind of a node.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Leaf(Node),
    Option,
    Sequence,
    Map,
    Tuple,
    Struct,
    Enum,
    Reply,
    Stub(&'static str),
}

/// Two places have the same type if their keys are equal.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct TypeKey {
    pub(super) kind: Kind,
    pub(super) identity: Identity,
    pub(super) name: &'static str,
    pub(super) names: &'static [&'static str],
    /// The number of slots.
    pub(super) arity: usize,
}

/// Distinguishes types of one kind and name.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// The kind is enough.
    Kind,
    /// The type of serde's visitor. It differs between generic instances, and between types of one name.
    Visitor(TypeId),
    /// The slot, if no visitor is known.
    Slot(SlotId),
}

/// A place of a node at which another node stands.
pub(super) struct Slot {
    /// `None` for a root.
    pub(super) parent: Option<NodeId>,
    /// The position among the slots of the parent.
    pub(super) index: usize,
    pub(super) target: Option<NodeId>,
    /// The number of the invented value that stands here while other places are explored.
    pub(super) candidate: usize,
    pub(super) visits: u32,
    pub(super) refusals: u32,
    /// Set once the candidates were used up, and started again at the first one.
    pub(super) has_wrapped: bool,
    /// Set if the type refused each candidate.
    pub(super) is_refused: bool,
    /// The name of the recorded type in which nothing was found here.
    pub(super) owner: &'static str,
}

/// A type that was found.
pub(super) struct TypeNode {
    pub(super) kind: Kind,
    pub(super) slots: Vec<SlotId>,
    /// Of fields or variants.
    pub(super) names: Names,
    /// The number of values of this type in the current run that are not yet complete.
    pub(super) open: u32,
    /// The last run that explored this node.
    pub(super) explored_in: u64,
}

#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<TypeNode>,
    pub(super) slots: Vec<Slot>,
    ids: HashMap<TypeKey, NodeId>,
    /// Grows with everything that is found out.
    pub(super) progress: u64,
    /// Per node, the depth of its smallest value. `None` if no finite value is known.
    heights: Vec<Option<u32>>,
    /// The progress for which the heights were determined.
    heights_at: Option<u64>,
}

impl TypeKey {
    pub(super) fn of_kind(kind: Kind, identity: Identity, arity: usize) -> Self {
        TypeKey { kind, identity, name: "", names: &[], arity }
    }
}

impl Graph {
    /// Adds a slot. A slot without a parent is a root.
    pub(super) fn add_slot(&mut self, parent: Option<NodeId>, index: usize) -> SlotId {
        self.slots.push(Slot {
            parent,
            index,
            target: None,
            candidate: 0,
            visits: 0,
            refusals: 0,
            has_wrapped: false,
            is_refused: false,
            owner: "",
        });
        self.slots.len() - 1
    }

    /// Returns the node of this type, and makes it the target of the slot. Fails with the reason why the type is not
    /// supported.
    pub(super) fn link(&mut self, slot: SlotId, key: TypeKey) -> Result<NodeId, &'static str> {
        let node = match self.ids.get(&key) {
            Some(node) => *node,
            None => self.add_node(key)?,
        };
        match self.slots[slot].target {
            None => {
                self.slots[slot].target = Some(node);
                self.progress += 1;
                Ok(node)
            }
            Some(target) if target == node => Ok(node),
            Some(_) => Err("the structure of the type depends on the value"),
        }
    }

    fn add_node(&mut self, key: TypeKey) -> Result<NodeId, &'static str> {
        let id = self.nodes.len();
        if id >= MAX_NODES || key.arity > MAX_SLOTS - self.slots.len().min(MAX_SLOTS) {
            return Err(TOO_LARGE);
        }
        let slots = (0..key.arity).map(|index| self.add_slot(Some(id), index)).collect();
        self.nodes.push(TypeNode {
            slots,
            names: Names::new(key.names),
            kind: key.kind.clone(),
            open: 0,
            explored_in: 0,
        });
        self.ids.insert(key, id);
        self.progress += 1;
        Ok(id)
    }

    /// Keeps only the first slots of the node: the others stood for aliases.
    pub(super) fn truncate(&mut self, node: NodeId, length: usize) {
        self.nodes[node].slots.truncate(length);
        self.progress += 1;
    }

    /// True if something can be found out at the slot itself.
    pub(super) fn is_unknown(&self, slot: SlotId) -> bool {
        self.slots[slot].target.is_none_or(|node| self.nodes[node].names.is_unclear())
    }

    /// Returns, per node, true if something unknown can be reached from it.
    pub(super) fn unfinished(&self) -> Vec<bool> {
        let mut unfinished: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| node.names.is_unclear() || node.slots.iter().any(|s| self.is_unknown(*s)))
            .collect();
        loop {
            let mut has_changed = false;
            for id in (0..self.nodes.len()).rev() {
                let reaches = |slot: &SlotId| self.slots[*slot].target.is_some_and(|target| unfinished[target]);
                if !unfinished[id] && self.nodes[id].slots.iter().any(reaches) {
                    unfinished[id] = true;
                    has_changed = true;
                }
            }
            if !has_changed {
                return unfinished;
            }
        }
    }

    /// Returns, per node that can be reached from the root, the slot by which a shortest way enters it.
    fn entrances(&self, root: SlotId) -> Vec<Option<SlotId>> {
        let mut entrances = vec![None; self.nodes.len()];
        let mut queue = VecDeque::from([root]);
        while let Some(slot) = queue.pop_front() {
            if let Some(target) = self.slots[slot].target
                && entrances[target].is_none()
            {
                entrances[target] = Some(slot);
                queue.extend(&self.nodes[target].slots);
            }
        }
        entrances
    }

    /// Returns the root and all slots that can be reached from it.
    pub(super) fn reachable(&self, root: SlotId) -> Vec<SlotId> {
        let entrances = self.entrances(root);
        let nodes = self.nodes.iter().zip(entrances).filter(|(_, entrance)| entrance.is_some());
        std::iter::once(root).chain(nodes.flat_map(|(node, _)| node.slots.iter().copied())).collect()
    }

    /// Returns the slots on a shortest way from the root to a slot, with both.
    pub(super) fn path(&self, root: SlotId, slot: SlotId) -> Option<Vec<SlotId>> {
        let entrances = self.entrances(root);
        let mut path = vec![slot];
        let mut slot = slot;
        while slot != root {
            slot = entrances[self.slots[slot].parent?]?;
            path.push(slot);
        }
        path.reverse();
        Some(path)
    }

    /// Returns the depth of the smallest value of a node.
    pub(super) fn height(&mut self, node: NodeId) -> Option<u32> {
        if self.heights_at != Some(self.progress) {
            self.heights = self.find_heights();
            self.heights_at = Some(self.progress);
        }
        self.heights[node]
    }

    /// Returns the depth of the smallest value that is accepted at a slot.
    pub(super) fn slot_height(&mut self, slot: SlotId) -> Option<u32> {
        let Slot { target, is_refused, .. } = self.slots[slot];
        target.filter(|_| !is_refused).and_then(|node| self.height(node))
    }

    fn find_heights(&self) -> Vec<Option<u32>> {
        let mut heights: Vec<Option<u32>> = vec![None; self.nodes.len()];
        loop {
            let mut has_changed = false;
            for (id, node) in self.nodes.iter().enumerate() {
                let mut of_slots = node.slots.iter().map(|slot| {
                    let Slot { target, is_refused, .. } = self.slots[*slot];
                    target.filter(|_| !is_refused).and_then(|target| heights[target])
                });
                let height = match node.kind {
                    Kind::Leaf(_) | Kind::Option | Kind::Sequence | Kind::Map => Some(0),
                    Kind::Tuple | Kind::Struct | Kind::Reply | Kind::Stub(_) => {
                        of_slots.try_fold(0, |height, of_slot| Some(height.max(of_slot? + 1)))
                    }
                    Kind::Enum => of_slots.flatten().min().map(|height| height + 1),
                };
                if height.is_some_and(|height| heights[id].is_none_or(|old| height < old)) {
                    heights[id] = height;
                    has_changed = true;
                }
            }
            if !has_changed {
                return heights;
            }
        }
    }

    /// Returns the name of a slot in its node, if it has one.
    pub(super) fn label(&self, slot: SlotId) -> Option<String> {
        let Slot { parent, index, .. } = self.slots[slot];
        let node = &self.nodes[parent?];
        match node.kind {
            Kind::Struct | Kind::Enum => Some(node.names.label(index).to_owned()),
            Kind::Tuple => Some(index.to_string()),
            _ => None,
        }
    }

    /// Returns the names of the types that have aliases.
    pub(super) fn aliases(&self) -> Aliases {
        let of_type = |(key, id): (&TypeKey, &NodeId)| match key.identity {
            Identity::Visitor(visitor) => Some((visitor, self.nodes[*id].names.with_aliases()?)),
            Identity::Kind | Identity::Slot(_) => None,
        };
        self.ids.iter().filter_map(of_type).collect()
    }

    /// Returns the nodes in the order of their numbers, and behind them the unknown ones.
    pub(super) fn into_nodes(self) -> Vec<Node> {
        let mut unknown: Vec<&'static str> = vec![];
        let known = self.nodes.len();
        let mut nodes = Vec::with_capacity(known);
        for node in &self.nodes {
            let mut child = |index: usize| -> NodeIndex {
                let Slot { target, owner, .. } = self.slots[node.slots[index]];
                let id = target.unwrap_or_else(|| {
                    known
                        + unknown.iter().position(|name| *name == owner).unwrap_or_else(|| {
                            unknown.push(owner);
                            unknown.len() - 1
                        })
                });
                id as NodeIndex
            };
            let length = node.slots.len();
            let field = |index, child| node.names.field(index, child);
            nodes.push(match &node.kind {
                Kind::Leaf(leaf) => leaf.clone(),
                Kind::Option => Node::Option(child(0)),
                Kind::Sequence => Node::Sequence(child(0)),
                Kind::Map => Node::Map(child(0), child(1)),
                Kind::Tuple => Node::Tuple((0..length).map(child).collect()),
                Kind::Struct => Node::Struct((0..length).map(|index| field(index, child(index))).collect()),
                Kind::Enum => Node::Enum((0..length).map(|index| field(index, child(index))).collect()),
                Kind::Reply => Node::Reply(child(0)),
                Kind::Stub(protocol) => Node::Stub((*protocol).into(), child(0)),
            });
        }
        nodes.extend(unknown.into_iter().map(|name| Node::Unknown(name.into())));
        nodes
    }
}
