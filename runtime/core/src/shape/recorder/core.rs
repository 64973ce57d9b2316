//! The recorder as the source of values.

use std::any::TypeId;

use super::Recorder;
use super::candidates::{CHARS, FLOATS, LENGTHS, TEXTS, ZEROS};
use super::graph::{Identity, Kind, SlotId, TypeKey};
use super::walk::{Frame, Visit};
use crate::shape::Node;
use crate::shape::core::{Core, Key, Order, Place, ReplyPart, StructType, Text};
use crate::shape::error::{Cause, Result};

/// The reason why a run that has no frame ends: the type used an access after its end.
const MISUSED: &str = "the type reads parts of a value that has ended";

impl Recorder {
    /// Notes the type of a value without parts.
    fn leaf(&mut self, at: Place, node: Node) -> Result<SlotId> {
        self.find(at as SlotId, TypeKey::of_kind(Kind::Leaf(node), Identity::Kind, 0))?;
        Ok(at as SlotId)
    }

    /// Returns the integer that stands at a place.
    fn integer<T: TryFrom<i128> + Default>(&mut self, at: Place, node: Node) -> Result<T> {
        let slot = self.leaf(at, node)?;
        Ok(self.choose_integer(slot).unwrap_or_default())
    }

    fn float(&mut self, at: Place, node: Node) -> Result<f32> {
        let slot = self.leaf(at, node)?;
        Ok(FLOATS[self.choose(slot, FLOATS.len())])
    }

    fn frame(&mut self) -> Result<&mut Frame> {
        match self.run.frames.last_mut() {
            Some(frame) => Ok(frame),
            None => Err(Cause::Malformed(MISUSED).into()),
        }
    }

    /// Enters a collection with fewer elements than `limit`.
    fn enter_collection(&mut self, at: Place, kind: Kind, visitor: TypeId, limit: usize) -> Result<()> {
        let (visit, arity) = if kind == Kind::Map { (Visit::Entries, 2) } else { (Visit::Elements, 1) };
        let entry = self.find_composite(at, TypeKey::of_kind(kind, Identity::Visitor(visitor), arity))?;
        let length = self.choose_length(&entry, limit);
        let slots = self.graph.nodes[entry.node].slots.repeat(length);
        self.push(&entry, visit, slots);
        Ok(())
    }

    /// Enters a value that has a part at each of its slots.
    fn enter_all(&mut self, at: Place, key: TypeKey) -> Result<()> {
        let entry = self.find_composite(at, key)?;
        let slots = self.graph.nodes[entry.node].slots.clone();
        self.push(&entry, Visit::Elements, slots);
        Ok(())
    }

    /// Takes note of what a probed key means.
    fn note_probe<T>(&mut self, node: usize, meaning: Option<u64>) -> Result<T> {
        let names = &mut self.graph.nodes[node].names;
        self.graph.progress += 1;
        if let Some(count) = names.note_probe(meaning) {
            if self.graph.nodes[node].kind == Kind::Enum {
                self.graph.nodes[node].names.accept_first_names();
            }
            self.graph.truncate(node, count);
        }
        self.end_run()
    }
}

impl TypeKey {
    fn of_struct(kind: Kind, ty: StructType) -> Self {
        let StructType { name, names, visitor, .. } = ty;
        TypeKey { kind, identity: Identity::Visitor(visitor), name, names, arity: names.len() }
    }
}

impl<'de> Core<'de> for Recorder {
    fn bool(&mut self, at: Place) -> Result<bool> {
        let slot = self.leaf(at, Node::Bool)?;
        Ok(self.choose(slot, 2) == 1)
    }

    fn unsigned(&mut self, at: Place, bits: u32) -> Result<u64> {
        match bits {
            8 => self.integer::<u8>(at, Node::U8).map(u64::from),
            16 => self.integer::<u16>(at, Node::U16).map(u64::from),
            32 => self.integer::<u32>(at, Node::U32).map(u64::from),
            _ => self.integer(at, Node::U64),
        }
    }

    fn signed(&mut self, at: Place, bits: u32) -> Result<i64> {
        match bits {
            8 => self.integer::<i8>(at, Node::I8).map(i64::from),
            16 => self.integer::<i16>(at, Node::I16).map(i64::from),
            32 => self.integer::<i32>(at, Node::I32).map(i64::from),
            _ => self.integer(at, Node::I64),
        }
    }

    fn unsigned_wide(&mut self, at: Place) -> Result<u128> {
        self.integer(at, Node::U128)
    }

    fn signed_wide(&mut self, at: Place) -> Result<i128> {
        self.integer(at, Node::I128)
    }

    fn f32(&mut self, at: Place) -> Result<f32> {
        self.float(at, Node::F32)
    }

    fn f64(&mut self, at: Place) -> Result<f64> {
        self.float(at, Node::F64).map(f64::from)
    }

    fn char(&mut self, at: Place) -> Result<char> {
        let slot = self.leaf(at, Node::Char)?;
        Ok(CHARS[self.choose(slot, CHARS.len())])
    }

    fn text(&mut self, at: Place) -> Result<Text<'de>> {
        let slot = self.leaf(at, Node::Text)?;
        Ok(Text::Borrowed(TEXTS[self.choose(slot, TEXTS.len())]))
    }

    fn bytes(&mut self, at: Place) -> Result<&'de [u8]> {
        let slot = self.leaf(at, Node::Bytes)?;
        Ok(&ZEROS[..LENGTHS[self.choose(slot, LENGTHS.len())]])
    }

    fn unit(&mut self, at: Place) -> Result<()> {
        self.leaf(at, Node::Unit).map(drop)
    }

    fn ignore(&mut self, _: Place) -> Result<()> {
        Err(self.refuse_type("the type passes over a value without its structure"))
    }

    fn refuse(&mut self, _: Place, reason: &'static str) -> Box<Cause> {
        self.refuse_type(reason)
    }

    fn stub(&mut self, at: Place, protocol: &'static str) -> Result<Place> {
        let node = self.find(at as SlotId, TypeKey::of_kind(Kind::Stub(protocol), Identity::Kind, 1))?;
        let content = self.graph.nodes[node].slots[0];
        self.pass_into_stub(content);
        Ok(content as Place)
    }

    fn reply(&mut self, at: Place) -> Result<ReplyPart> {
        self.enter_all(at, TypeKey::of_kind(Kind::Reply, Identity::Slot(at as SlotId), 1))?;
        Ok(ReplyPart::Answer)
    }

    fn enter_option(&mut self, at: Place, visitor: TypeId) -> Result<()> {
        self.enter_collection(at, Kind::Option, visitor, 2)
    }

    fn enter_sequence(&mut self, at: Place, length: Option<usize>, visitor: TypeId) -> Result<()> {
        match length {
            None => self.enter_collection(at, Kind::Sequence, visitor, 4),
            Some(length) => self.enter_all(at, TypeKey::of_kind(Kind::Tuple, Identity::Visitor(visitor), length)),
        }
    }

    fn enter_map(&mut self, at: Place, visitor: TypeId) -> Result<()> {
        self.enter_collection(at, Kind::Map, visitor, 2)
    }

    fn enter_struct(&mut self, at: Place, ty: StructType) -> Result<Order> {
        let entry = self.find_composite(at, TypeKey::of_struct(Kind::Struct, ty))?;
        let (visit, slots) = self.choose_fields(&entry);
        self.push(&entry, visit, slots);
        Ok(if visit == Visit::Elements { Order::Position } else { Order::Name })
    }

    fn enter_enum(&mut self, at: Place, ty: StructType) -> Result<()> {
        let entry = self.find_composite(at, TypeKey::of_struct(Kind::Enum, ty))?;
        if entry.looks_around() && self.graph.nodes[entry.node].names.is_probing() {
            self.push(&entry, Visit::Probe, vec![]);
            return Ok(());
        }
        match self.choose_variant(&entry) {
            Some(slot) => {
                self.push(&entry, Visit::Variant, vec![slot]);
                Ok(())
            }
            None => self.end_run(),
        }
    }

    fn leave(&mut self, error: Option<&Cause>) -> Result<()> {
        let Some(frame) = self.run.frames.pop() else { return Ok(()) };
        let node = &mut self.graph.nodes[frame.node];
        node.open -= 1;
        if frame.explores {
            node.explored_in = self.run.number;
        }
        match frame.visit {
            Visit::Elements => self.conclude_elements(&frame, error.is_none()),
            Visit::Fields | Visit::Probe if frame.next == 0 => {
                node.names.settle_without_keys();
                self.graph.progress += 1;
                return self.end_run();
            }
            Visit::Repeat => {
                let field = self.graph.slots[frame.slots[0]].index;
                if let Some(Cause::Duplicate(own)) = error
                    && node.names.note_own_name(field, own)
                {
                    self.graph.progress += 1;
                    return self.end_run();
                }
                if !self.run.is_ended {
                    node.names.note_silence();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Place>> {
        let frame = self.frame()?;
        let slot = frame.slots.get(frame.next).copied();
        frame.next += usize::from(slot.is_some());
        Ok(slot.map(|slot| slot as Place))
    }

    fn key(&mut self) -> Result<Option<Key<'_>>> {
        let frame = self.frame()?;
        let Frame { node, visit, .. } = *frame;
        if visit == Visit::Probe {
            frame.next += 1;
            return Ok((frame.next == 1).then(|| self.graph.nodes[node].names.probe()));
        }
        let Some(slot) = frame.slots.get(frame.next).copied() else { return Ok(None) };
        frame.next += if visit == Visit::Entries { 2 } else { 1 };
        let index = self.graph.slots[slot].index;
        Ok(Some(match visit {
            Visit::Entries => Key::Value(slot as Place),
            Visit::Variant => Key::Index(index as u32),
            _ => Key::Name(self.graph.nodes[node].names.label(index)),
        }))
    }

    fn key_means(&mut self, meaning: Option<u64>) -> Result<()> {
        let frame = self.frame()?;
        let node = frame.node;
        match (frame.visit, frame.slots.first().copied()) {
            (Visit::Probe, _) => self.note_probe(node, meaning),
            (Visit::Variant, Some(slot)) => {
                let names = &mut self.graph.nodes[node].names;
                if names.note_index(self.graph.slots[slot].index, meaning) {
                    return Ok(());
                }
                names.start_probing();
                self.graph.progress += 1;
                self.end_run()
            }
            _ => Ok(()),
        }
    }

    fn value(&mut self) -> Result<Place> {
        let frame = self.frame()?;
        match frame.next.checked_sub(1).and_then(|last| frame.slots.get(last)) {
            Some(slot) => Ok(*slot as Place),
            None => self.end_run(),
        }
    }

    fn unit_variant(&mut self) -> Result<()> {
        let at = Core::value(self)?;
        Core::begin(self, at);
        let result = Core::unit(self, at);
        Core::end(self, at, result.is_ok());
        result
    }

    fn size_hint(&self) -> Option<usize> {
        let frame = self.run.frames.last()?;
        let left = frame.slots.len().saturating_sub(frame.next);
        Some(if frame.visit == Visit::Entries { left / 2 } else { left })
    }

    fn charge(&mut self, _: usize) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, at: Place) {
        self.begin_part(at as SlotId);
    }

    fn end(&mut self, _: Place, is_read: bool) {
        self.end_part(is_read);
    }
}
