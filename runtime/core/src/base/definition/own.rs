//! The definitions of this program's protocols.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ring::digest::{SHA256, digest};

use crate::shape::{Aliases, Shape};

/// The name, the version and the shape of a protocol, or of the type of an event or an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) name: Box<str>,
    pub(crate) version: u32,
    /// Distinguishes the definition from all others.
    pub(crate) fingerprint: u64,
    /// The encoded shape. Empty if it is not known, or is too large to be sent.
    pub(crate) shape: Box<[u8]>,
}

impl Definition {
    /// The longest name, in bytes. Of a longer one, the start and a hash are used.
    pub(crate) const MAX_NAME: usize = 255;

    fn new(name: &str, version: u32, shape: Vec<u8>) -> Definition {
        let parts = [&(name.len() as u64).to_le_bytes(), name.as_bytes(), &version.to_le_bytes(), &shape];
        let fingerprint = hash(&parts.concat());
        let shape = if shape.len() <= Shape::MAX_ENCODED { shape } else { Vec::new() };
        Definition { name: shortened(name), version, fingerprint, shape: shape.into() }
    }

    /// Returns the definition for a peer that has too many shapes.
    pub(crate) fn without_shape(&self) -> Definition {
        Definition { name: self.name.clone(), version: self.version, fingerprint: self.fingerprint, shape: [].into() }
    }

    /// Returns a definition for tests, with a shape of no type.
    #[cfg(test)]
    pub(crate) fn sample(fingerprint: u64, name: &str) -> Arc<Definition> {
        Arc::new(Definition { name: name.into(), version: 3, fingerprint, shape: name.as_bytes().into() })
    }
}

/// Returns the first 64 bits of the SHA-256 hash.
fn hash(bytes: &[u8]) -> u64 {
    let hash = digest(&SHA256, bytes);
    hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Returns a name of at most [`Definition::MAX_NAME`] bytes: of a longer one, the start and a hash.
pub(crate) fn shortened(name: &str) -> Box<str> {
    if name.len() <= Definition::MAX_NAME {
        return name.into();
    }
    let start = name.floor_char_boundary(Definition::MAX_NAME - 20);
    format!("{}…#{:016x}", &name[..start], hash(name.as_bytes())).into()
}

/// A definition of this program.
pub(crate) struct OwnDefinition {
    definition: Arc<Definition>,
    /// The aliases in its types.
    aliases: Aliases,
    /// The reason why messages of the protocol cannot leave their node.
    problem: Option<Arc<str>>,
}

impl OwnDefinition {
    /// Returns the definition of a protocol or a type whose shape is not known: its name and version alone.
    pub(crate) fn without_shape(name: &str, version: u32) -> OwnDefinition {
        OwnDefinition::new(name, version, Ok(Vec::new()), Aliases::default())
    }

    /// Returns the definition of a protocol of another program, for messages that are written by its shape.
    #[cfg(feature = "inspect")]
    pub(crate) fn foreign(name: &str, version: u32, shape: Vec<u8>) -> OwnDefinition {
        OwnDefinition::new(name, version, Ok(shape), Aliases::default())
    }

    /// `shape` is the encoded shape, or the reason why messages cannot leave their node.
    pub(super) fn new(name: &str, version: u32, shape: Result<Vec<u8>, Arc<str>>, aliases: Aliases) -> OwnDefinition {
        let (shape, problem) = shape.map_or_else(|problem| (Vec::new(), Some(problem)), |shape| (shape, None));
        OwnDefinition { definition: Arc::new(Definition::new(name, version, shape)), aliases, problem }
    }

    pub(crate) fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Returns the definition.
    ///
    /// # Errors
    /// The reason why messages of the protocol cannot leave their node.
    pub(crate) fn get(&self) -> Result<&Arc<Definition>, &Arc<str>> {
        self.problem.as_ref().map_or(Ok(&self.definition), Err)
    }
}

/// The place of a protocol's definition. Generated code has one for each protocol.
pub struct DefinitionCell(OnceLock<OwnDefinition>);

impl DefinitionCell {
    /// Creates an empty place.
    #[must_use]
    #[allow(clippy::new_without_default)] // Only generated code makes one.
    pub const fn new() -> DefinitionCell {
        DefinitionCell(OnceLock::new())
    }

    #[inline]
    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> OwnDefinition) -> &OwnDefinition {
        self.0.get_or_init(init)
    }
}

/// The places of the definitions of a generic protocol: one for each combination of its type arguments.
pub struct DefinitionCells(Mutex<Option<HashMap<TypeId, &'static DefinitionCell>>>);

impl DefinitionCells {
    /// Creates the places.
    #[must_use]
    #[allow(clippy::new_without_default)] // Only generated code makes one.
    pub const fn new() -> DefinitionCells {
        DefinitionCells(Mutex::new(None))
    }

    /// Returns the place of the protocol `M`. Its memory is never freed: a program has a bounded number of types.
    pub fn of<M: 'static>(&'static self) -> &'static DefinitionCell {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = cells.get_or_insert_default();
        cells.entry(TypeId::of::<M>()).or_insert_with(|| Box::leak(Box::new(DefinitionCell::new())))
    }
}
