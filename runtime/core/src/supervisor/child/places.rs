//! Where children live: a place for each, that outlives the child and, below a nested supervisor, also the
//! supervisor. A stub from the tree is a place's; that is why it follows the child across restarts.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use crate::actor::{Actor, Ref, Stub};
use crate::base::{Exit, Pid, Protocol};
use crate::call::Address;
use crate::node::{Node, Resident};
use crate::process::Cell;
use crate::supervisor::{Supervision, SupervisionRef};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The places of one supervisor's children.
pub struct Places {
    node: Node,
    path: Arc<str>,
    supervisor: SupervisionRef,
    places: Mutex<HashMap<Arc<str>, Arc<dyn Place>>>,
    unnamed: AtomicU64,
}

/// A child's place, whatever its type.
pub(in crate::supervisor) trait Place: Any + Send + Sync {
    /// How a start here went: what waits for the next one hears of a failure, should there be none.
    fn note_start(&self, failure: Option<&Exit>);

    /// Nobody is about to live here: what is sent is refused until somebody does.
    fn close(&self);

    /// Nobody will live here again.
    fn abandon(&self);

    /// Who lives here, or still clears up.
    fn resident(&self) -> Option<Pid>;

    /// The cell, for whoever knows its protocol.
    fn cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Protocol> Place for Cell<M> {
    fn note_start(&self, failure: Option<&Exit>) {
        Cell::set_start_failure(self, failure);
    }

    fn close(&self) {
        Cell::close(self);
    }

    fn abandon(&self) {
        Cell::close(self);
        if let Some(path) = self.path() {
            self.node().names().remove_place(path);
        }
    }

    fn resident(&self) -> Option<Pid> {
        Cell::current_number(self).map(|number| self.node().pid(number))
    }

    fn cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// The place of a nested supervisor, with those of its children.
pub(in crate::supervisor) struct Nested {
    pub(in crate::supervisor) cell: Arc<Cell<Supervision>>,
    pub(in crate::supervisor) places: Arc<Places>,
}

impl Place for Nested {
    fn note_start(&self, failure: Option<&Exit>) {
        self.cell.note_start(failure);
    }

    fn close(&self) {
        self.cell.close();
        self.places.close();
    }

    fn abandon(&self) {
        Place::abandon(&*self.cell);
        self.places.abandon();
    }

    fn resident(&self) -> Option<Pid> {
        Place::resident(&*self.cell)
    }

    fn cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.cell) as Arc<dyn Any + Send + Sync>
    }
}

impl Places {
    pub(in crate::supervisor) fn new(node: Node, path: Arc<str>, supervisor: SupervisionRef) -> Arc<Places> {
        Arc::new(Places { node, path, supervisor, places: Mutex::default(), unnamed: AtomicU64::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<dyn Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::supervisor) fn node(&self) -> &Node {
        &self.node
    }

    /// Where the supervisor stands among the trees of its node, as `/ChatTree/storage`.
    pub(in crate::supervisor) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The supervisor's stub; a nested one's follows it across restarts.
    pub fn supervisor(&self) -> SupervisionRef {
        self.supervisor.clone()
    }

    /// The stub of a child.
    pub(in crate::supervisor) fn stub<A: Actor>(&self, id: &str) -> Ref<A> {
        Ref::<A>::__new(Address::following(self.cell::<A>(id)))
    }

    /// An id for a child that was given none.
    pub(in crate::supervisor) fn number(&self) -> Arc<str> {
        format!("#{}", self.unnamed.fetch_add(1, Ordering::Relaxed) + 1).into()
    }

    pub(in crate::supervisor) fn cell<A: Actor>(&self, id: &str) -> Arc<Cell<A::Protocol>> {
        self.place(id, |path| {
            let cell = Cell::new(self.node.clone(), Some(Arc::clone(path)), A::OPTIONS.bounds());
            self.node.names().add_place(path, Arc::clone(&cell) as Arc<dyn Resident>);
            cell
        })
    }

    pub(in crate::supervisor) fn nested(&self, id: &str) -> Arc<Nested> {
        self.place(id, |path| {
            let cell = Cell::<Supervision>::new(self.node.clone(), Some(Arc::clone(path)), None);
            self.node.names().add_place(path, Arc::clone(&cell) as Arc<dyn Resident>);
            let stub = SupervisionRef::__new(Address::following(Arc::clone(&cell)));
            Arc::new(Nested { cell, places: Places::new(self.node.clone(), Arc::clone(path), stub) })
        })
    }

    /// The place of this id, made if there is none of this kind.
    fn place<P: Place>(&self, id: &str, make: impl FnOnce(&Arc<str>) -> Arc<P>) -> Arc<P> {
        let mut places = self.lock();
        if let Some(place) = places.get(id)
            && let Ok(place) = (Arc::clone(place) as Arc<dyn Any + Send + Sync>).downcast()
        {
            return place;
        }
        let place = make(&format!("{}/{}", self.path, segment(id)).into());
        places.insert(id.into(), Arc::clone(&place) as Arc<dyn Place>);
        place
    }

    /// The child of this id is forgotten, and its place with it.
    pub(in crate::supervisor) fn remove(&self, id: &str) {
        let place = self.lock().remove(id);
        if let Some(place) = place {
            place.abandon();
        }
    }

    fn all(&self) -> Vec<Arc<dyn Place>> {
        self.lock().values().cloned().collect()
    }

    fn close(&self) {
        self.all().iter().for_each(|place| place.close());
    }

    pub(in crate::supervisor) fn abandon(&self) {
        self.all().iter().for_each(|place| place.abandon());
    }

    /// The tree is gone.
    pub(in crate::supervisor) fn uproot(&self) {
        self.abandon();
        self.node.names().remove_place(&self.path);
    }
}

/// An id, or a name, as a part of a path: any text, but between two slashes it must not look like two.
pub(in crate::supervisor) fn segment(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}
