//! Objects that a thread keeps for reuse: the slots of calls that are over.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// An object for reuse.
pub(super) type Spare = Arc<dyn Any + Send + Sync>;

/// The objects of one thread.
pub(super) struct Spares {
    /// The newest, which is nearly always taken next.
    newest: Cell<Option<Spare>>,
    /// The others, the newest last.
    others: RefCell<Vec<Spare>>,
}

/// The number of objects beside the newest one.
const MAX_OTHERS: usize = 7;

impl Spares {
    pub(super) const fn new() -> Spares {
        Spares { newest: Cell::new(None), others: RefCell::new(Vec::new()) }
    }

    #[inline]
    pub(super) fn take<T: Any + Send + Sync>(&self, fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let newest = match self.newest.take() {
            None => None,
            Some(newest) => match newest.downcast() {
                Ok(newest) if fits(&newest) => return Some(newest),
                Ok(newest) => Some(newest as Spare),
                Err(newest) => Some(newest),
            },
        };
        self.take_other(newest, &|spare| (**spare).downcast_ref().is_some_and(&fits))?.downcast().ok()
    }

    #[inline]
    pub(super) fn put(&self, spare: Spare) {
        if let Some(before) = self.newest.replace(Some(spare)) {
            self.put_other(before);
        }
    }

    /// Takes one of the others, and puts back the newest, which did not fit.
    #[cold]
    fn take_other(&self, newest: Option<Spare>, fits: &dyn Fn(&Spare) -> bool) -> Option<Spare> {
        let mut others = self.others.borrow_mut();
        let found = others.iter().rposition(fits).map(|at| others.remove(at));
        drop(others);
        if let Some(newest) = newest {
            self.put_other(newest);
        }
        found
    }

    #[cold]
    fn put_other(&self, spare: Spare) {
        let mut others = self.others.borrow_mut();
        others.push(spare);
        let oldest = (others.len() > MAX_OTHERS).then(|| others.remove(0));
        // The oldest is dropped without the borrow.
        drop(others);
        drop(oldest);
    }
}
