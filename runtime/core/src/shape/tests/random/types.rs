//! Types and values as data: random ones, and random edits.

use std::any::TypeId;
use std::collections::HashMap;

use serde::Serialize;

use super::reader::TypeVisitor;
use crate::shape::{Field, Node, NodeIndex};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Type {
    Unit,
    Bool,
    /// The bits, negative if it is signed.
    Int(i32),
    F32,
    F64,
    Char,
    Text,
    Option(Box<Type>),
    List(Box<Type>),
    /// The keys are texts.
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Struct(Parts),
    Enum(Parts),
}

/// Fields or variants.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Parts {
    pub(super) all: Vec<Part>,
    /// The names of all parts, as derive lists them.
    pub(super) listed: &'static [&'static str],
    /// The last variant is `#[serde(other)]`, if it is a unit variant.
    pub(super) has_other: bool,
}

/// A field or a variant.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Part {
    /// The own name, then the aliases.
    pub(super) names: Vec<&'static str>,
    pub(super) ty: Type,
    /// The seed of a field's default value.
    default: Option<u64>,
    /// A variant `V`, `V(A, B)` or `V { a: A }`, in contrast to `V(T)`.
    pub(super) is_inline: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Unit,
    Bool(bool),
    Int(i128),
    /// The bits of the number as an `f64`.
    Float(u64),
    Char(char),
    Text(String),
    Option(Option<Box<Value>>),
    /// The parts of a list, a tuple or a struct.
    Parts(Vec<Value>),
    Map(Vec<(String, Value)>),
    Variant(usize, Box<Value>),
}

/// A random number generator with the same numbers in every run: splitmix64.
pub(super) struct Rng(pub(super) u64);

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const INTEGERS: [(i32, Node); 8] = [
    (8, Node::U8),
    (16, Node::U16),
    (32, Node::U32),
    (64, Node::U64),
    (-8, Node::I8),
    (-16, Node::I16),
    (-32, Node::I32),
    (-64, Node::I64),
];

impl Part {
    pub(super) fn default(&self) -> Option<Value> {
        self.default.map(|seed| Rng(seed).value(&self.ty, &mut Vec::new()))
    }
}

impl Parts {
    pub(super) fn has_aliases(&self) -> bool {
        self.all.iter().any(|part| part.names.len() > 1)
    }

    /// Returns the unit variant that takes unknown ones.
    pub(super) fn other(&self) -> Option<usize> {
        let last = self.all.last()?;
        (self.has_other && last.is_inline && last.ty == Type::Unit).then(|| self.all.len() - 1)
    }

    fn nodes(&self, nodes: &mut Vec<Node>) -> Vec<Field> {
        let field = |part: &Part| {
            let mut names = part.names.iter().map(|name| Box::from(*name));
            let name = names.next().expect("a part has a name");
            Field { name, aliases: names.collect(), node: part.ty.node(nodes) }
        };
        self.all.iter().map(field).collect()
    }
}

impl Type {
    fn children(&mut self) -> Vec<&mut Type> {
        match self {
            Type::Option(ty) | Type::List(ty) | Type::Map(ty) => vec![ty],
            Type::Tuple(types) => types.iter_mut().collect(),
            Type::Struct(parts) | Type::Enum(parts) => parts.all.iter_mut().map(|part| &mut part.ty).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the number of parts of a tuple or a struct; `None` for a list.
    pub(super) fn part_count(&self) -> Option<usize> {
        match self {
            Type::Tuple(types) => Some(types.len()),
            Type::Struct(parts) => Some(parts.all.len()),
            _ => None,
        }
    }

    /// Returns the type of a part of a list, a tuple or a struct.
    pub(super) fn part(&self, at: usize) -> &Type {
        match self {
            Type::List(element) => element,
            Type::Tuple(types) => &types[at],
            Type::Struct(parts) => &parts.all[at].ty,
            _ => unreachable!("{self:?} has no parts"),
        }
    }

    /// Computes what depends on the names. Only one struct or enum keeps its aliases: aliases are found by the type of
    /// the visitor, and each of those with aliases would need one of its own.
    pub(super) fn finish(&mut self, aliases: &mut HashMap<TypeId, Vec<Vec<&'static str>>>) {
        if let Type::Struct(parts) | Type::Enum(parts) = self {
            if !aliases.is_empty() {
                parts.all.iter_mut().for_each(|part| part.names.truncate(1));
            }
            let names: Vec<_> = parts.all.iter().map(|part| part.names.clone()).collect();
            parts.listed = names.concat().leak();
            if parts.has_aliases() {
                aliases.insert(TypeId::of::<TypeVisitor<true>>(), names);
            }
        }
        self.children().into_iter().for_each(|child| child.finish(aliases));
    }

    /// Appends the nodes of the type, and returns the index of its own.
    pub(super) fn node(&self, nodes: &mut Vec<Node>) -> NodeIndex {
        let node = match self {
            Type::Unit => Node::Unit,
            Type::Bool => Node::Bool,
            Type::Int(bits) => INTEGERS.iter().find(|(of, _)| of == bits).expect("it is in the list").1.clone(),
            Type::F32 => Node::F32,
            Type::F64 => Node::F64,
            Type::Char => Node::Char,
            Type::Text => Node::Text,
            Type::Option(ty) => Node::Option(ty.node(nodes)),
            Type::List(ty) => Node::Sequence(ty.node(nodes)),
            Type::Map(ty) => Node::Map(Type::Text.node(nodes), ty.node(nodes)),
            Type::Tuple(types) => Node::Tuple(types.iter().map(|ty| ty.node(nodes)).collect()),
            Type::Struct(parts) => Node::Struct(parts.nodes(nodes)),
            Type::Enum(parts) => Node::Enum(parts.nodes(nodes)),
        };
        nodes.push(node);
        nodes.len() as NodeIndex - 1
    }
}

/// Appends postcard's bytes. An integer has the same ones in each width above 8 bits.
fn put<T: Serialize>(leaf: T, to: &mut Vec<u8>) -> T {
    to.extend(postcard::to_allocvec(&leaf).expect("a leaf can be written"));
    leaf
}

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(super) fn ty(&mut self, depth: usize) -> Type {
        let kind = match depth {
            0 => self.below(8),
            3 => 14 + self.below(6),
            _ => self.below(20),
        };
        match kind {
            0..4 => self.pick(&[Type::Unit, Type::Bool, Type::F32, Type::F64, Type::Char, Type::Text, Type::Text]),
            4..8 => Type::Int(self.pick(&INTEGERS).0),
            8 | 9 => {
                let content = self.ty(depth - 1);
                Type::Option(Box::new(if self.one_in(4) { Type::Option(Box::new(content)) } else { content }))
            }
            10 => Type::List(Box::new(self.ty(depth - 1))),
            11 => Type::Map(Box::new(self.ty(depth - 1))),
            // Equal types are an array.
            12 => Type::Tuple(vec![self.ty(depth - 1); 1 + self.below(3)]),
            13 => Type::Tuple((0..=self.below(3)).map(|_| self.ty(depth - 1)).collect()),
            kind => {
                let mut parts = Parts { has_other: self.one_in(2), ..Parts::default() };
                (0..=self.below(4)).for_each(|_| self.add(&mut parts, depth - 1));

                if kind < 17 { Type::Struct(parts) } else { Type::Enum(parts) }
            }
        }
    }

    /// Adds a field or a variant with a new name, and sometimes an alias to any.
    fn add(&mut self, parts: &mut Parts, depth: usize) {
        let Some(name) = self.name(parts) else { return };
        let ty = match parts.all.last() {
            // Parts of equal types could be confused.
            Some(last) if self.one_in(3) => last.ty.clone(),
            _ if self.one_in(5) => Type::Unit,
            _ => self.ty(depth),
        };
        let default = self.one_in(2).then(|| self.next());
        let part = Part { names: vec![name], ty, default, is_inline: !self.one_in(3) };
        parts.all.insert(self.below(parts.all.len() + 1), part);
        if self.one_in(5) {
            let (alias, at) = (self.name(parts), self.below(parts.all.len()));
            parts.all[at].names.extend(alias);
        }
    }

    /// Returns a name that no part has.
    fn name(&mut self, parts: &Parts) -> Option<&'static str> {
        let names = NAMES.iter().cycle().skip(self.below(NAMES.len())).take(NAMES.len());
        names.copied().find(|name| !parts.all.iter().any(|part| part.names.contains(name)))
    }

    /// Changes the type, or one within it.
    pub(super) fn edit(&mut self, ty: &mut Type) {
        let mut children = ty.children();
        if !children.is_empty() && !self.one_in(3) {
            let child = self.below(children.len());
            return self.edit(children[child]);
        }
        let choice = self.below(6);
        match ty {
            Type::Struct(parts) if choice > 0 => self.edit_parts(parts, 0),
            Type::Enum(parts) if choice > 0 => self.edit_parts(parts, 1),
            Type::Int(bits) if choice > 1 => *bits = self.pick(&INTEGERS).0,
            Type::F32 if choice > 2 => *ty = Type::F64,
            Type::Char if choice > 2 => *ty = Type::Text,
            Type::Option(content) if choice > 1 => {
                *ty = (**content).clone();
                if let (Type::Option(content), 2..4) = (&*ty, choice) {
                    *ty = (**content).clone();
                }
            }
            Type::List(element) if choice > 2 => *ty = Type::Tuple(vec![(**element).clone(); 1 + self.below(3)]),
            Type::Tuple(types) if choice > 2 => *ty = Type::List(Box::new(self.pick(types))),
            _ if choice > 0 => *ty = Type::Option(Box::new(ty.clone())),
            _ => *ty = self.ty(1),
        }
    }

    fn edit_parts(&mut self, parts: &mut Parts, fewest: usize) {
        let (choice, count) = (self.below(12), parts.all.len());
        if choice < 2 || count == 0 {
            return self.add(parts, 1);
        }
        let (at, new_name) = (self.below(count), self.name(parts));
        let part = &mut parts.all[at];
        match choice {
            2 | 3 if count > fewest => drop(parts.all.remove(at)),
            // Renamed.
            4 => part.names[0] = new_name.unwrap_or(part.names[0]),
            // Renamed, and the old name is an alias.
            5 | 6 => part.names.splice(..0, new_name).for_each(drop),
            7 => part.names.rotate_left(1),
            // An alias becomes a part of its own.
            8 if part.names.len() > 1 => {
                let split = Part { names: part.names.split_off(1), default: Some(self.next()), ..part.clone() };
                parts.all.push(split);
            }
            9 => {
                part.default = self.one_in(2).then(|| self.next());
                part.is_inline ^= true;
                parts.has_other = self.one_in(2);
            }
            _ => parts.all.swap(at, self.below(count)),
        }
    }

    /// Returns a value of the type, and appends postcard's bytes of it.
    pub(super) fn value(&mut self, ty: &Type, to: &mut Vec<u8>) -> Value {
        match ty {
            Type::Unit => Value::Unit,
            Type::Bool => Value::Bool(put(self.one_in(2), to)),
            Type::Int(bits) => {
                // Any number of bits, so that narrower types have some of the values.
                let unused = 63 - self.below(bits.unsigned_abs() as usize);
                Value::Int(match bits {
                    8 => put((self.next() >> unused) as u8, to).into(),
                    -8 => put((self.next() as i64 >> unused) as i8, to).into(),
                    1.. => put(self.next() >> unused, to).into(),
                    _ => put(self.next() as i64 >> unused, to).into(),
                })
            }
            Type::F32 => Value::Float(f64::from(put(self.next() as i64 as f32 / 1000.0, to)).to_bits()),
            Type::F64 => Value::Float(put(self.pick(&[0.1, -0.0, 1e300, f64::INFINITY]), to).to_bits()),
            Type::Char => Value::Char(put(self.pick(&['x', '\0', 'é', '🦀']), to)),
            Type::Text => Value::Text(put(self.pick(&["", "x", "two words", "🦀"]), to).into()),
            Type::Option(content) => {
                let is_some = put(!self.one_in(3), to);
                Value::Option(is_some.then(|| self.value(content, to).into()))
            }
            Type::List(element) => {
                let count = put(self.below(4), to);
                Value::Parts((0..count).map(|_| self.value(element, to)).collect())
            }
            Type::Map(content) => {
                let count = put(self.below(3), to);
                let entry = |_| (put(self.pick(&NAMES), to).into(), self.value(content, to));
                Value::Map((0..count).map(entry).collect())
            }
            Type::Tuple(types) => Value::Parts(types.iter().map(|ty| self.value(ty, to)).collect()),
            Type::Struct(parts) => Value::Parts(parts.all.iter().map(|part| self.value(&part.ty, to)).collect()),
            Type::Enum(parts) => {
                let index = self.below(parts.all.len());
                put(index as u32, to);
                Value::Variant(index, self.value(&parts.all[index].ty, to).into())
            }
        }
    }
}
