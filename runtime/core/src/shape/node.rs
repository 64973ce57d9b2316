//! The nodes of a shape.

use std::any::TypeId;

use serde::{Deserialize, Serialize};

/// The index of a node in its [`Shape`].
pub(crate) type NodeIndex = u32;

/// The structure of a type: nodes that refer to each other by index. The root is the first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) nodes: Vec<Node>,
}

/// A named part of a struct or an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// Further names by which the type reads the part. A type of another version may have one of them.
    pub(crate) aliases: Vec<Box<str>>,
    pub(crate) node: NodeIndex,
}

impl Field {
    /// Returns the field or the variant that has the name of this one, else one of which either has the other's name as an
    /// alias.
    #[cfg(feature = "test")]
    pub(crate) fn find<'f>(&self, among: &'f [Field]) -> Option<&'f Field> {
        let is_alias = |of: &Field, name: &Field| of.aliases.contains(&name.name);
        let by_name = among.iter().find(|other| other.name == self.name);
        by_name.or_else(|| among.iter().find(|other| is_alias(other, self) || is_alias(self, other)))
    }
}

/// The names of the types of one program that have aliases.
///
/// A list, since most programs have none, and others few.
#[derive(Default)]
pub(crate) struct Aliases(Vec<(TypeId, Vec<Vec<&'static str>>)>);

impl Aliases {
    /// Returns the names of each field or variant of a type. `visitor` is the type of its visitor for serde.
    pub(super) fn of(&self, visitor: TypeId) -> Option<&Vec<Vec<&'static str>>> {
        self.0.iter().find(|(ty, _)| *ty == visitor).map(|(_, names)| names)
    }
}

impl FromIterator<(TypeId, Vec<Vec<&'static str>>)> for Aliases {
    fn from_iter<I: IntoIterator<Item = (TypeId, Vec<Vec<&'static str>>)>>(types: I) -> Aliases {
        Aliases(types.into_iter().collect())
    }
}

/// The structure of one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Node {
    /// Not found while the type was recorded: the type has no value, or it refused each value that was tried. The name
    /// is that of a Rust type that contains it.
    Unknown(Box<str>),
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option(NodeIndex),
    /// Elements behind their number.
    Sequence(NodeIndex),
    /// Keys and values behind their number.
    Map(NodeIndex, NodeIndex),
    Tuple(Vec<NodeIndex>),
    /// Equal elements without their number, which is known.
    Array(NodeIndex, u32),
    Struct(Vec<Field>),
    /// The position of a variant is its number in the bytes. Its node is the content.
    Enum(Vec<Field>),
    /// The reply of a call: a number in the bytes. The node is that of the answer.
    Reply(NodeIndex),
    /// A stub of the protocol with this name, whose bytes have the structure of the node.
    Stub(Box<str>, NodeIndex),
}

impl Node {
    /// Calls `each` with every node that this one refers to, in order.
    pub(crate) fn each_child(&self, mut each: impl FnMut(NodeIndex)) {
        match self {
            Node::Option(child)
            | Node::Sequence(child)
            | Node::Array(child, _)
            | Node::Reply(child)
            | Node::Stub(_, child) => each(*child),
            Node::Map(key, value) => {
                each(*key);
                each(*value);
            }
            Node::Tuple(children) => children.iter().for_each(|child| each(*child)),
            Node::Struct(fields) | Node::Enum(fields) => fields.iter().for_each(|field| each(field.node)),
            _ => {}
        }
    }

    /// Returns the same node with other references.
    pub(crate) fn map_children(&self, mut map: impl FnMut(NodeIndex) -> NodeIndex) -> Node {
        let mut node = self.clone();
        match &mut node {
            Node::Option(child)
            | Node::Sequence(child)
            | Node::Array(child, _)
            | Node::Reply(child)
            | Node::Stub(_, child) => *child = map(*child),
            Node::Map(key, value) => {
                *key = map(*key);
                *value = map(*value);
            }
            Node::Tuple(children) => children.iter_mut().for_each(|child| *child = map(*child)),
            Node::Struct(fields) | Node::Enum(fields) => {
                fields.iter_mut().for_each(|field| field.node = map(field.node));
            }
            _ => {}
        }
        node
    }

    /// Returns the kind of type, for errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Node::Unknown(_) => "a value of unknown structure",
            Node::Unit => "()",
            Node::Bool => "bool",
            Node::I8 => "i8",
            Node::I16 => "i16",
            Node::I32 => "i32",
            Node::I64 => "i64",
            Node::I128 => "i128",
            Node::U8 => "u8",
            Node::U16 => "u16",
            Node::U32 => "u32",
            Node::U64 => "u64",
            Node::U128 => "u128",
            Node::F32 => "f32",
            Node::F64 => "f64",
            Node::Char => "char",
            Node::Text => "String",
            Node::Bytes => "bytes",
            Node::Option(_) => "Option",
            Node::Sequence(_) => "a sequence",
            Node::Map(..) => "a map",
            Node::Tuple(_) => "a tuple",
            Node::Array(..) => "an array",
            Node::Struct(_) => "a struct",
            Node::Enum(_) => "an enum",
            Node::Reply(_) => "a reply",
            Node::Stub(..) => "a stub",
        }
    }
}

impl Shape {
    /// Returns the fields or the variants of a node; none if it is another type.
    #[cfg(feature = "test")]
    pub(crate) fn parts(&self, index: NodeIndex) -> &[Field] {
        match self.node(index) {
            Node::Struct(fields) | Node::Enum(fields) => fields,
            _ => &[],
        }
    }

    pub(crate) fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index as usize]
    }
}
