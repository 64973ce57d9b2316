use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::AnyCell;
use crate::base::NameError;
use crate::sync::{PoisonError, RwLock};
use crate::wire::FrameTarget;

/// The names of a node's processes. A name is free the moment its process ends, before anybody hears of that.
///
/// Beside them stand the places of supervision trees, as `/ChatTree/storage/log`: a place is a name for whoever
/// lives there, through all its lives.
#[derive(Default)]
pub(crate) struct Names {
    names: RwLock<HashMap<String, LocalProcess>>,
    places: RwLock<HashMap<Arc<str>, Arc<dyn AnyCell>>>,
}

/// A directory of so many keeps its room, however few have a name.
const ROOM: usize = 64;

/// Gives back the room of a crowd that has gone.
fn give_back<K: Eq + Hash, V>(directory: &mut HashMap<K, V>) {
    if directory.capacity() > ROOM && directory.len() < directory.capacity() / 8 {
        directory.shrink_to(ROOM.max(directory.len() * 2));
    }
}

/// Who has a name.
#[derive(Clone)]
pub(crate) struct LocalProcess {
    pub(crate) number: u64,
    pub(crate) cell: Arc<dyn AnyCell>,
}

impl Names {
    pub(crate) fn register(&self, name: &str, named: LocalProcess) -> Result<(), NameError> {
        if name.is_empty() || name.len() > FrameTarget::MAX_NAME || name.starts_with('/') {
            return Err(NameError::Invalid);
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.contains_key(name) {
            return Err(NameError::Taken(name.to_owned()));
        }
        named.cell.set_name(named.number, name).map_err(|has| match has {
            Some(other) => NameError::Named(other),
            None => NameError::NoProc,
        })?;
        names.insert(name.to_owned(), named);
        Ok(())
    }

    pub(crate) fn unregister(&self, name: &str) -> Result<(), NameError> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let named = names.remove(name).ok_or_else(|| NameError::Unknown(name.to_owned()))?;
        // Under the lock: whoever does not find the name any more may give its bearer another.
        named.cell.clear_name(named.number);
        give_back(&mut names);
        drop(names);
        Ok(())
    }

    /// Frees the name of a process that ends, if it still has it.
    pub(crate) fn free(&self, name: &str, number: u64) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.get(name).is_some_and(|named| named.number == number) {
            names.remove(name);
            give_back(&mut names);
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<LocalProcess> {
        let named = self.names.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if named.is_some() || !name.starts_with('/') {
            return named;
        }
        let cell = self.cell_at(name).filter(|place| place.is_path_exported())?;
        Some(LocalProcess { number: cell.running_number(), cell })
    }

    pub(crate) fn count(&self) -> usize {
        self.names.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Gives a tree's root its place: `base`, or that with the root's number if another tree has it.
    pub(crate) fn claim_path(&self, base: &str, number: u64, root: Arc<dyn AnyCell>) -> Arc<str> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let path: Arc<str> =
            if places.contains_key(base) { format!("{base}#{number}").into() } else { Arc::from(base) };
        places.insert(Arc::clone(&path), root);
        path
    }

    pub(crate) fn insert_path(&self, path: &Arc<str>, cell: Arc<dyn AnyCell>) {
        self.places.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(path), cell);
    }

    pub(crate) fn remove_path(&self, path: &str) {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let removed = places.remove(path);
        give_back(&mut places);
        drop(places);
        drop(removed);
    }

    pub(crate) fn cell_at(&self, path: &str) -> Option<Arc<dyn AnyCell>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}
