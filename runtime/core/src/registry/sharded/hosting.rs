//! The start of processes for keys.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Actor, Constructor, NewProcess, Process, Resumed};
use crate::base::{EncodedState, Exit};
use crate::node::{LocalProcess, Node};

/// The functions of a node that hosts a sharded actor.
pub(super) struct Hosting {
    start: Box<Start>,
    read: Read,
    /// The state of the actor can be handed over.
    pub(super) is_portable: bool,
    /// The time without a message after which a process ends.
    pub(super) idle: Option<Duration>,
}

type Start = dyn Fn(&Node, &str) -> Option<NewKey> + Send + Sync;
type Read = fn(&Node, &EncodedState) -> Result<ReadState, Exit>;

/// A function that makes the process of a key from a state that was read.
pub(super) type ReadState = Box<dyn FnOnce(&Node, &str) -> Option<NewKey>>;

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
            let (make, key) = (Arc::clone(&make), key_of(name).to_owned());
            let (process, local) = new_process::<C::Actor>(node, name)?;
            let run: Box<dyn FnOnce() + Send> = Box::new(move || process.run_made(move || make(key)));
            Some((local, run))
        };
        let is_portable = <C::Actor as Actor>::OPTIONS.portability.is_some();
        Hosting { start: Box::new(start), read: read::<C::Actor>, is_portable, idle }
    }

    /// Makes a process for the key with this name, such as `/rooms/lobby`.
    pub(super) fn start(&self, node: &Node, name: &str) -> Option<NewKey> {
        (self.start)(node, name)
    }

    /// Reads a state that a process is to continue.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(super) fn read(&self, node: &Node, state: &EncodedState) -> Result<ReadState, Exit> {
        (self.read)(node, state)
    }
}

fn read<A: Process>(node: &Node, state: &EncodedState) -> Result<ReadState, Exit> {
    let actor = Resumed::<A>::read(node, state)?;
    Ok(Box::new(|node, name| {
        let (process, local) = new_process::<A>(node, name)?;
        let run: Box<dyn FnOnce() + Send> = Box::new(move || drop(process.run(actor, None)));
        Some((local, run))
    }))
}

fn new_process<A: Process>(node: &Node, name: &str) -> Option<(NewProcess<A>, LocalProcess)> {
    let process = NewProcess::<A>::without_parent(node.clone(), None);
    let local = process.local();
    // The name is in reports, and frees the key at the end of the process.
    local.cell.set_name(local.number, name).ok()?;
    Some((process, local))
}

/// Returns the key with this name.
fn key_of(name: &str) -> &str {
    let key = name.strip_prefix('/').and_then(|name| name.split_once('/'));
    key.map_or("", |(_, key)| key)
}
