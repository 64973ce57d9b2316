//! Records the definition of a protocol or a type.

use std::any::type_name;
use std::sync::Arc;

use super::own::OwnDefinition;
use crate::base::{Decoder, DeserializeOwned, Serialize, Source};
use crate::shape::{Field, Node, NodeIndex, Recorder, Shape};

/// Records the type of an event or an answer.
pub(crate) fn record_type<T: Serialize + DeserializeOwned + 'static>() -> OwnDefinition {
    DefinitionRecorder::new(type_name::<T>()).finish_type::<T>()
}

/// Records the definition of a protocol. Generated code calls it for each variant and field.
pub struct DefinitionRecorder {
    name: String,
    recorder: Recorder,
    /// The variants with their fields, or without those if other nodes do not send them.
    variants: Vec<(Names, Option<Vec<Field>>)>,
    samples: Vec<Sample>,
    /// The reason why messages of the protocol cannot leave their node.
    problem: Option<Arc<str>>,
}

/// The name of a field or a variant, and its aliases.
type Names = &'static [&'static str];

/// A value of a field as it was written, and as it was written again after it was read.
struct Sample {
    place: String,
    ty: &'static str,
    node: NodeIndex,
    bytes: [Source; 2],
}

impl DefinitionRecorder {
    pub(crate) fn new(name: &str) -> DefinitionRecorder {
        DefinitionRecorder {
            name: name.into(),
            recorder: Recorder::new(),
            variants: Vec::new(),
            samples: Vec::new(),
            problem: None,
        }
    }

    /// Adds the name of a type argument to the name.
    pub fn argument<T: ?Sized>(&mut self) {
        let list = match self.name.strip_suffix('>') {
            Some(list) => format!("{list}, "),
            None => format!("{}<", self.name),
        };
        self.name = format!("{list}{}>", type_name::<T>());
    }

    /// Adds a variant with these names, the own one first.
    pub fn variant(&mut self, names: &'static [&'static str]) {
        self.variants.push((names, Some(Vec::new())));
    }

    /// Adds a variant that other nodes do not send.
    pub fn local_variant(&mut self, names: &'static [&'static str]) {
        self.variants.push((names, None));
    }

    /// Adds a field with these names, the own one first, to the last variant.
    pub fn field<T: Serialize + DeserializeOwned + 'static>(&mut self, names: &'static [&'static str]) {
        let variant = self.variants.last().map_or("", |(names, _)| names[0]);
        let Some(node) = self.record::<T>(format!("the field `{}` of `{variant}`: ", names[0])) else { return };
        if let Some((_, Some(fields))) = self.variants.last_mut() {
            fields.push(named(names, node));
        }
    }

    /// Records a type, and takes samples of it.
    fn record<T: Serialize + DeserializeOwned + 'static>(&mut self, place: String) -> Option<NodeIndex> {
        if self.problem.is_some() {
            return None;
        }
        let recorded = match self.recorder.record::<T>() {
            Ok(recorded) => recorded,
            Err(reason) => {
                self.problem = Some(format!("{place}{reason}").into());
                return None;
            }
        };
        let (samples, problem) = (&mut self.samples, &mut self.problem);
        self.recorder.values::<T>(recorded, |value| match write_twice(&value) {
            Some(Ok(bytes)) => {
                samples.push(Sample { place: place.clone(), ty: type_name::<T>(), node: recorded.0, bytes });
            }
            Some(Err(reason)) => {
                problem.get_or_insert_with(|| mismatch(&place, type_name::<T>(), &reason));
            }
            None => {}
        });
        Some(recorded.0)
    }

    /// Returns the definition of a protocol with the recorded variants.
    pub(crate) fn finish(self, version: u32) -> OwnDefinition {
        let DefinitionRecorder { name, recorder, variants, samples, problem } = self;
        let aliases = recorder.aliases();
        let mut shape = Shape { nodes: recorder.into_nodes() };
        if let Some(problem) = problem.or_else(|| compare(&shape, &samples)) {
            return OwnDefinition::new(&name, version, Err(problem), aliases);
        }
        let mut add = |node| {
            shape.nodes.push(node);
            shape.nodes.len() as NodeIndex - 1
        };
        let variants = variants.into_iter().map(|(names, fields)| {
            let node = fields.map_or_else(|| Node::Unknown("local".into()), Node::Struct);
            named(names, add(node))
        });
        let variants = Node::Enum(variants.collect());
        let root = add(variants);
        OwnDefinition::new(&name, version, Ok(Shape::canonical(&shape.nodes, root).encode()), aliases)
    }

    fn finish_type<T: Serialize + DeserializeOwned + 'static>(mut self) -> OwnDefinition {
        let root = self.record::<T>(String::new()).unwrap_or_default();
        let DefinitionRecorder { name, recorder, samples, problem, .. } = self;
        let aliases = recorder.aliases();
        let shape = Shape { nodes: recorder.into_nodes() };
        let problem = problem.or_else(|| compare(&shape, &samples));
        let encoded = problem.map_or_else(|| Ok(Shape::canonical(&shape.nodes, root).encode()), Err);
        OwnDefinition::new(&name, 0, encoded, aliases)
    }
}

/// Returns a field or a variant with its names.
fn named(names: Names, node: NodeIndex) -> Field {
    Field { name: names[0].into(), aliases: names[1..].iter().map(|alias| (*alias).into()).collect(), node }
}

/// Writes the value, reads it and writes it again. `None` if it cannot be written at all, as a reply outside of a message.
fn write_twice<T: Serialize + DeserializeOwned + 'static>(value: &T) -> Option<Result<[Source; 2], String>> {
    // Not by an `Encoder`: its code is inlined into the code of messages only if nothing else calls it.
    let write = |value: &T| postcard::to_allocvec(value).map(Source::from);
    let written = write(value).ok()?;
    let mut decoder = Decoder::new(&written);
    let read = decoder.field::<T>().and_then(|value| decoder.finish().map(|()| value));
    Some(match read {
        Ok(value) => write(&value).map(|again| [written, again]).map_err(|error| error.to_string()),
        Err(error) => Err(format!("a value that was written cannot be read: {error}")),
    })
}

/// Returns the first type whose `Serialize` does not write what its `Deserialize` reads. Postcard would read wrong values.
fn compare(shape: &Shape, samples: &[Sample]) -> Option<Arc<str>> {
    samples.iter().find_map(|Sample { place, ty, node, bytes: [first, second] }| {
        let result = shape.compare_structure(*node, [first, second]);
        result.err().map(|reason| mismatch(place, ty, &reason))
    })
}

fn mismatch(place: &str, ty: &str, reason: &str) -> Arc<str> {
    format!("{place}`Serialize` and `Deserialize` of `{ty}`, or of a type in it, do not match: {reason}").into()
}
