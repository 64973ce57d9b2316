//! The start of processes for keys.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Constructor, NewProcess};
use crate::node::{LocalProcess, Node};

/// The functions of a node that hosts a sharded actor.
pub(super) struct Hosting {
    start: Box<Start>,
    /// The time without a message after which a process ends.
    pub(super) idle: Option<Duration>,
}

type Start = dyn Fn(&Node, &str) -> Option<NewKey> + Send + Sync;

/// A process that can be reached, and the function that runs it.
type NewKey = (LocalProcess, Box<dyn FnOnce() + Send>);

impl Hosting {
    /// Creates the functions for an actor that `make` makes of a key.
    pub(super) fn new<C: Constructor>(
        make: impl Fn(String) -> C + Send + Sync + 'static,
        idle: Option<Duration>,
    ) -> Hosting {
        let make = Arc::new(make);
        let start = move |node: &Node, name: &str| {
            let process = NewProcess::<C::Actor>::without_parent(node.clone(), None);
            let local = process.local();
            // The name is in reports, and frees the key at the end of the process.
            local.cell.set_name(local.number, name).ok()?;
            let (make, key) = (Arc::clone(&make), key_of(name).to_owned());
            let run: Box<dyn FnOnce() + Send> = Box::new(move || process.run_made(move || make(key)));
            Some((local, run))
        };
        Hosting { start: Box::new(start), idle }
    }

    /// Makes a process for the key with this name, such as `/rooms/lobby`.
    pub(super) fn start(&self, node: &Node, name: &str) -> Option<NewKey> {
        (self.start)(node, name)
    }
}

/// Returns the key with this name.
fn key_of(name: &str) -> &str {
    let key = name.strip_prefix('/').and_then(|name| name.split_once('/'));
    key.map_or("", |(_, key)| key)
}
