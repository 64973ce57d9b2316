//! Values of a shape, as bytes, that together take each variant, both cases of each option, and the ends of each number.
//!
//! Each *place* of the value, such as a field or the element of a sequence, counts through its own choices. All places
//! take their next choice with each value. If a value is refused, only the place that was read last does.

use crate::shape::recorder::candidates::{CHARS, FLOATS, INTEGERS, LENGTHS, TEXTS, ZEROS};
use crate::shape::{Node, NodeIndex, Shape};

/// The most values of one shape.
const MAX_SAMPLES: u32 = 100_000;
/// A type within itself has the smallest value from this occurrence on. Otherwise the values of a recursive type would not
/// end.
const MAX_OPEN: usize = 2;
/// The ends of the integer types that [`INTEGERS`] does not have, but for the largest number of each.
const ENDS: &[i128] =
    &[i8::MIN as i128, i16::MIN as i128, i16::MAX as i128, i32::MIN as i128, i32::MAX as i128, i128::MIN, i128::MAX];

/// The values of one node.
pub(crate) struct Samples<'s> {
    shape: &'s Shape,
    root: NodeIndex,
    /// The least nesting of a value of each node; `None` if it has no value of known structure.
    heights: Vec<Option<u32>>,
    place: Place,
    /// The choices in the current value: where their bytes end, and the place.
    choices: Vec<(usize, Path)>,
    /// The nodes around the value that is written, and its own.
    open: Vec<NodeIndex>,
    /// The number of replies in the current value.
    replies: u32,
    left: u32,
}

/// The indexes of the parts from the root to a place.
type Path = Vec<usize>;

/// A place, and its current choice.
#[derive(Default)]
struct Place {
    choice: usize,
    /// A choice that was accepted.
    accepted: Option<usize>,
    /// All choices were taken.
    is_done: bool,
    parts: Vec<Place>,
}

impl<'s> Samples<'s> {
    /// Returns `None` if the node has no value of known structure.
    pub(crate) fn new(shape: &'s Shape, root: NodeIndex) -> Option<Samples<'s>> {
        let heights = heights(shape);
        heights[root as usize]?;
        let (place, choices) = (Place::default(), Vec::new());
        Some(Samples { shape, root, heights, place, choices, open: Vec::new(), replies: 0, left: MAX_SAMPLES })
    }

    /// Returns true if there are too many values, and some were left out.
    pub(crate) fn is_cut(&self) -> bool {
        !self.place.is_done
    }

    /// Returns the next value and the number of replies in it. `None` if all were returned, or too many.
    pub(crate) fn next(&mut self) -> Option<(Vec<u8>, u32)> {
        if self.place.is_done || self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.choices.clear();
        self.replies = 0;
        self.open.clear();
        let (mut place, mut bytes) = (std::mem::take(&mut self.place), Vec::new());
        self.write(self.root, Some(&mut place), &mut Vec::new(), &mut bytes);
        self.place = place;
        Some((bytes, self.replies))
    }

    /// The value was accepted: each place moves on.
    pub(crate) fn accept(&mut self) {
        self.place.advance(self.shape, self.root, &self.heights);
    }

    /// The value was refused when so many of its bytes were read. The place that was read last moves on. Returns true if
    /// it was never accepted and has no further choice.
    pub(crate) fn refuse(&mut self, position: usize) -> bool {
        let read = self.choices.iter().rposition(|(end, _)| *end <= position);
        let (mut node, mut place) = (self.root, &mut self.place);
        for part in read.map_or(&[][..], |choice| &self.choices[choice].1) {
            node = part_of(self.shape.node(node), *part);
            place = &mut place.parts[*part];
        }
        if read.is_none() || place.is_done {
            // Not the fault of one choice.
            self.accept();
            return false;
        }
        place.step(self.shape.node(node), &self.heights);
        place.is_done && place.accepted.is_none()
    }

    /// Writes a value. Without a place it is the smallest one.
    fn write(&mut self, node: NodeIndex, mut place: Option<&mut Place>, path: &mut Path, out: &mut Vec<u8>) {
        let shape = self.shape;
        let ty = shape.node(node);
        if self.open.iter().filter(|open| **open == node).count() >= MAX_OPEN {
            place = None;
        }
        self.open.push(node);
        let choice = match &mut place {
            Some(place) => {
                place.parts.resize_with(part_count(ty), Place::default);
                place.current(ty, &self.heights)
            }
            None => smallest(ty, &self.heights),
        };
        let begin = out.len();
        write_choice(ty, choice, &mut self.replies, out);
        if place.is_some() && (choice_count(ty) > 0 || out.len() > begin) {
            self.choices.push((out.len(), path.clone()));
        }
        let mut write_part = |samples: &mut Self, part: usize, place: &mut Option<&mut Place>| {
            path.push(part);
            let inner = place.as_mut().map(|place| &mut place.parts[part]);
            samples.write(part_of(ty, part), inner, path, out);
            path.pop();
        };
        match ty {
            Node::Option(_) | Node::Sequence(_) if choice == 1 => write_part(self, 0, &mut place),
            Node::Map(..) if choice == 1 => (0..2).for_each(|part| write_part(self, part, &mut place)),
            Node::Enum(_) => write_part(self, choice, &mut place),
            Node::Array(_, length) => (0..*length).for_each(|_| write_part(self, 0, &mut place)),
            Node::Stub(..) => write_part(self, 0, &mut place),
            Node::Tuple(_) | Node::Struct(_) => {
                (0..part_count(ty)).for_each(|part| write_part(self, part, &mut place));
            }
            _ => {}
        }
        self.open.pop();
    }
}

impl Place {
    /// Returns the choice that stands at the place.
    fn current(&mut self, ty: &Node, heights: &[Option<u32>]) -> usize {
        if self.is_done {
            return self.accepted.unwrap_or_else(|| smallest(ty, heights));
        }
        self.skip_impossible(ty, heights);
        self.choice
    }

    /// Passes over variants that have no value.
    fn skip_impossible(&mut self, ty: &Node, heights: &[Option<u32>]) {
        if let Node::Enum(variants) = ty {
            while variants.get(self.choice).is_some_and(|variant| heights[variant.node as usize].is_none()) {
                self.choice += 1;
            }
        }
    }

    /// Moves on to the next choice of this place.
    fn step(&mut self, ty: &Node, heights: &[Option<u32>]) {
        self.choice += 1;
        self.skip_impossible(ty, heights);
        self.is_done = self.choice >= choice_count(ty);
    }

    /// Moves on in this place and all its parts, since the value was accepted.
    fn advance(&mut self, shape: &Shape, node: NodeIndex, heights: &[Option<u32>]) {
        if self.is_done {
            return;
        }
        let ty = shape.node(node);
        let has_choice = choice_count(ty) > 0;
        for part in parts_of_choice(ty, self.choice) {
            if let Some(place) = self.parts.get_mut(part) {
                place.advance(shape, part_of(ty, part), heights);
            }
        }
        let is_left =
            parts_of_choice(ty, self.choice).any(|part| self.parts.get(part).is_some_and(|part| !part.is_done));
        if has_choice {
            self.accepted = Some(self.choice);
        }
        match (is_left, has_choice) {
            (true, _) => {}
            (false, true) => self.step(ty, heights),
            (false, false) => self.is_done = true,
        }
    }
}

/// Returns the parts that a value with this choice has.
fn parts_of_choice(ty: &Node, choice: usize) -> std::ops::Range<usize> {
    match ty {
        Node::Enum(_) => choice..choice + 1,
        Node::Option(_) | Node::Sequence(_) | Node::Map(..) if choice == 0 => 0..0,
        _ => 0..part_count(ty),
    }
}

fn part_count(ty: &Node) -> usize {
    match ty {
        Node::Map(..) => 2,
        Node::Option(_) | Node::Sequence(_) | Node::Array(..) | Node::Stub(..) => 1,
        Node::Tuple(elements) => elements.len(),
        Node::Struct(fields) | Node::Enum(fields) => fields.len(),
        _ => 0,
    }
}

fn part_of(ty: &Node, part: usize) -> NodeIndex {
    match ty {
        Node::Map(key, value) => [*key, *value][part],
        Node::Tuple(elements) => elements[part],
        Node::Struct(fields) | Node::Enum(fields) => fields[part].node,
        Node::Option(content) | Node::Sequence(content) | Node::Array(content, _) | Node::Stub(_, content) => *content,
        _ => unreachable!("a type without parts"),
    }
}

/// Returns the number of choices; 0 if the value depends on its parts only.
fn choice_count(ty: &Node) -> usize {
    match ty {
        Node::Option(_) | Node::Sequence(_) | Node::Map(..) | Node::Bool => 2,
        Node::Enum(variants) => variants.len(),
        Node::F32 | Node::F64 => FLOATS.len(),
        Node::Char => CHARS.len(),
        Node::Text => TEXTS.len(),
        Node::Bytes => LENGTHS.len(),
        _ => integers(ty).count(),
    }
}

/// Returns the choice of the smallest value.
fn smallest(ty: &Node, heights: &[Option<u32>]) -> usize {
    let Node::Enum(variants) = ty else { return 0 };
    let height = |variant: &usize| heights[variants[*variant].node as usize].unwrap_or(u32::MAX);
    (0..variants.len()).min_by_key(height).unwrap_or(0)
}

/// Returns the integers of a type, and the bytes of each.
fn integers(ty: &Node) -> Box<dyn Iterator<Item = Vec<u8>>> {
    fn fitting<T: TryFrom<i128> + serde::Serialize + 'static>(max: T) -> Box<dyn Iterator<Item = Vec<u8>>> {
        let fitting = INTEGERS.iter().chain(ENDS).filter_map(|integer| T::try_from(*integer).ok());
        Box::new(fitting.chain([max]).filter_map(|integer| postcard::to_allocvec(&integer).ok()))
    }
    match ty {
        Node::U8 => fitting(u8::MAX),
        Node::U16 => fitting(u16::MAX),
        Node::U32 => fitting(u32::MAX),
        Node::U64 => fitting(u64::MAX),
        Node::U128 => fitting(u128::MAX),
        Node::I8 => fitting(i8::MAX),
        Node::I16 => fitting(i16::MAX),
        Node::I32 => fitting(i32::MAX),
        Node::I64 => fitting(i64::MAX),
        Node::I128 => fitting(i128::MAX),
        _ => Box::new(std::iter::empty()),
    }
}

/// Writes the bytes that depend on the choice alone.
fn write_choice(ty: &Node, choice: usize, replies: &mut u32, out: &mut Vec<u8>) {
    let mut write = |bytes: postcard::Result<Vec<u8>>| out.extend(bytes.unwrap_or_default());
    match ty {
        Node::Option(_) | Node::Sequence(_) | Node::Map(..) | Node::Bool => write(Ok(vec![choice as u8])),
        Node::Enum(_) => write(postcard::to_allocvec(&(choice as u32))),
        Node::F32 => write(postcard::to_allocvec(&FLOATS[choice])),
        Node::F64 => write(postcard::to_allocvec(&f64::from(FLOATS[choice]))),
        Node::Char => write(postcard::to_allocvec(&CHARS[choice])),
        Node::Text => write(postcard::to_allocvec(TEXTS[choice])),
        Node::Bytes => write(postcard::to_allocvec(&ZEROS[..LENGTHS[choice]])),
        Node::Reply(_) => {
            write(postcard::to_allocvec(replies));
            *replies += 1;
        }
        _ => write(Ok(integers(ty).nth(choice).unwrap_or_default())),
    }
}

/// Returns the least nesting of a value of each node.
fn heights(shape: &Shape) -> Vec<Option<u32>> {
    let mut heights = vec![None; shape.nodes.len()];
    loop {
        let mut has_changed = false;
        for index in (0..shape.nodes.len()).rev() {
            let of = |node: &NodeIndex| heights[*node as usize];
            let height = match &shape.nodes[index] {
                Node::Unknown(_) => None,
                Node::Option(_) | Node::Sequence(_) | Node::Map(..) => Some(0),
                Node::Enum(variants) => variants.iter().filter_map(|variant| of(&variant.node)).min(),
                ty => {
                    (0..part_count(ty)).map(|part| of(&part_of(ty, part))).try_fold(0, |max, part| Some(part?.max(max)))
                }
            };
            let height = height.map(|height: u32| height + 1);
            has_changed |= heights[index] != height;
            heights[index] = height;
        }
        if !has_changed {
            return heights;
        }
    }
}
