use std::pin::Pin;
use std::sync::Arc;

use super::{Place, Places};
use crate::base::{Exit, Pid};
use crate::supervisor::{ChildOptions, SupervisionRef};

/// The children of a supervisor while it is being planted: what `#[supervisor]` fills, for each life anew.
pub struct Children {
    places: Arc<Places>,
    slots: Vec<Slot>,
}

/// One child: its options, how it is made, and the place that it lives in across restarts.
pub(in crate::supervisor) struct Slot {
    pub(in crate::supervisor) id: Arc<str>,
    pub(in crate::supervisor) options: ChildOptions,
    pub(in crate::supervisor) home: Box<dyn Home>,
    pub(in crate::supervisor) place: Arc<dyn Place>,
    /// Its stub, if it is a supervisor itself.
    pub(in crate::supervisor) supervisor: Option<SupervisionRef>,
    /// It belongs to the tree's own specification: forgotten, it is back when the supervisor itself is restarted.
    pub(in crate::supervisor) fixed: bool,
}

/// How a child is made, whatever its type.
pub(in crate::supervisor) trait Home: Send {
    /// Makes a new life of the child and has `link` link it before it runs; resolves when its `init` is through,
    /// with nobody if it decided that it is not needed.
    fn start(&mut self, link: &dyn Fn(&Pid)) -> Starting;
}

pub(in crate::supervisor) type Starting = Pin<Box<dyn Future<Output = Result<Option<Pid>, Exit>> + Send>>;

impl Children {
    pub(in crate::supervisor) fn new(places: Arc<Places>) -> Children {
        Children { places, slots: Vec::new() }
    }

    pub(in crate::supervisor) fn into_slots(self) -> Vec<Slot> {
        self.slots
    }

    pub(in crate::supervisor) fn push(&mut self, slot: Slot) {
        self.slots.push(slot);
    }

    pub(in crate::supervisor) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// A child of the tree's own specification.
    pub(in crate::supervisor) fn push_fixed(&mut self, slot: Slot) {
        self.push(Slot { fixed: true, ..slot });
    }
}

/// A child that is still to be planted.
pub struct ChildFactory(pub(in crate::supervisor) Box<dyn FnOnce(&Places) -> Slot + Send>);
