//! The definitions of the types of events and answers.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::OwnDefinition;

/// The definitions by type. Bounded, since a program has a bounded number of types.
#[derive(Default)]
pub(crate) struct TypeDefinitions(Mutex<HashMap<TypeId, Arc<OwnDefinition>>>);

impl TypeDefinitions {
    /// Returns the definition of the type `T`, which `record` makes if it is not there.
    pub(crate) fn get_or_record<T: 'static>(&self, record: impl FnOnce() -> OwnDefinition) -> Arc<OwnDefinition> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(definition) = lock().get(&TypeId::of::<T>()) {
            return Arc::clone(definition);
        }
        // Without the lock: this runs the code of types.
        let definition = Arc::new(record());
        Arc::clone(lock().entry(TypeId::of::<T>()).or_insert(definition))
    }
}
