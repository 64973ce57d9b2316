//! Registered names, and the paths of supervision trees.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::AnyCell;
use crate::base::NameError;
use crate::sync::{Mutex, PoisonError, RwLock};
use crate::wire::FrameTarget;

/// The registered names of a node's processes. A name is free when its process ends, before links and watchers are
/// notified.
///
/// Beside them are the paths of the roots of supervision trees, for example `/ShopTree`. A path identifies a tree in logs;
/// no process is found by it.
#[derive(Default)]
pub(crate) struct Names {
    names: RwLock<HashMap<String, LocalProcess>>,
    root_paths: Mutex<HashSet<Arc<str>>>,
}

/// The capacity that a map keeps when it is empty.
const MIN_CAPACITY: usize = 64;

/// Returns memory that a map no longer needs.
pub(in crate::node) fn shrink<K: Eq + Hash, V, S: BuildHasher>(map: &mut HashMap<K, V, S>) {
    if map.capacity() > MIN_CAPACITY && map.len() < map.capacity() / 8 {
        map.shrink_to(MIN_CAPACITY.max(map.len() * 2));
    }
}

/// A process of this node.
#[derive(Clone)]
pub(crate) struct LocalProcess {
    /// Zero for a supervised child, whichever of its processes runs.
    pub(crate) number: u64,
    pub(crate) cell: Arc<dyn AnyCell>,
}

impl Names {
    pub(crate) fn register(&self, name: &str, process: LocalProcess) -> Result<(), NameError> {
        if name.is_empty() || name.len() > FrameTarget::MAX_NAME || name.starts_with('/') {
            return Err(NameError::Invalid);
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.contains_key(name) {
            return Err(NameError::Taken(name.to_owned()));
        }
        process.cell.set_name(process.number, name).map_err(|current| match current {
            Some(current) => NameError::Named(current),
            None => NameError::NoProc,
        })?;
        names.insert(name.to_owned(), process);
        Ok(())
    }

    pub(crate) fn unregister(&self, name: &str) -> Result<(), NameError> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let process = names.remove(name).ok_or_else(|| NameError::Unknown(name.to_owned()))?;
        // Under the lock: once the name is free, the process can be registered under another one.
        process.cell.clear_name(process.number);
        shrink(&mut names);
        drop(names);
        Ok(())
    }

    /// Frees the name of a process that ends, if it is still registered under that name.
    pub(crate) fn free(&self, name: &str, number: u64) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.get(name).is_some_and(|process| process.number == number) {
            names.remove(name);
            shrink(&mut names);
        }
    }

    /// Returns the process with this registered name.
    pub(crate) fn find(&self, name: &str) -> Option<LocalProcess> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns all registered names, sorted.
    pub(super) fn all(&self) -> Vec<String> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<String> = names.keys().cloned().collect();
        drop(names);
        all.sort_unstable();
        all
    }

    pub(crate) fn count(&self) -> usize {
        self.names.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Gives a tree's root its path: `path`, or that with the root's number if another tree has it.
    pub(crate) fn claim_root_path(&self, path: &str, number: u64) -> Arc<str> {
        let mut paths = self.root_paths.lock().unwrap_or_else(PoisonError::into_inner);
        let path: Arc<str> = if paths.contains(path) { format!("{path}#{number}").into() } else { Arc::from(path) };
        paths.insert(Arc::clone(&path));
        path
    }

    /// Frees the path of a tree's root.
    pub(crate) fn free_root_path(&self, path: &str) {
        self.root_paths.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}
