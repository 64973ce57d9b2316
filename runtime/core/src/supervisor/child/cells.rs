//! The cells of a supervisor's children.
//!
//! A child's cell outlives the child's process. Below a nested supervisor it outlives that supervisor's process too. A
//! stub from a tree holds a cell, so it follows the child across restarts.

use std::any::Any;
use std::collections::HashMap;
#[cfg(feature = "registry")]
use std::sync::OnceLock;
use std::sync::{Arc, Weak};

use crate::actor::{Actor, Ref, Stub};
use crate::base::{Exit, Pid, Protocol};
use crate::call::Address;
#[cfg(feature = "net")]
use crate::call::Recipient;
use crate::node::{Addressable, Node};
use crate::process::{Cell, ExitObserver};
#[cfg(feature = "registry")]
use crate::supervisor::StateTransfer;
use crate::supervisor::{Supervision, SupervisionRef};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The cells of one supervisor's children.
///
/// Those of declared children are kept by id, for the supervisor's next start. A child that is added at run time always has
/// a new one, also if it has the id of a child that was removed: the stubs of that one do not reach it.
pub struct ChildCells {
    node: Node,
    path: Arc<str>,
    supervisor: SupervisionRef,
    declared: Mutex<HashMap<Arc<str>, Arc<dyn ChildCell>>>,
    last_number: AtomicU64,
    /// The function that names the node of each dynamic child, if their field has the option `on`.
    #[cfg(feature = "net")]
    node_of: Mutex<Option<NodeOf>>,
    /// The states of the tree's children, if the tree can continue on another node.
    #[cfg(feature = "registry")]
    transfer: OnceLock<Arc<StateTransfer>>,
    /// The stubs of the declared workers, if the supervisor is on another node.
    #[cfg(feature = "net")]
    elsewhere: Option<HashMap<Arc<str>, Recipient<()>>>,
}

/// A function that names the node of a child.
#[cfg(feature = "net")]
pub(in crate::supervisor) type NodeOf = Arc<dyn Fn() -> String + Send + Sync>;

/// The source of the cell for a child that is being bound.
#[derive(Clone, Copy)]
pub(in crate::supervisor) struct CellSource<'a> {
    cells: &'a ChildCells,
    declared: bool,
}

/// A child's cell, independent of the child's protocol.
pub(in crate::supervisor) trait ChildCell: Any + Send + Sync {
    /// Records the result of a start. If no further start follows, waiting calls fail with `failure`.
    fn record_start(&self, failure: Option<&Exit>);

    /// Refuses messages until the next start. [`for_each_cell`] reaches the cells below.
    fn close(&self);

    /// Refuses messages for good. [`for_each_cell`] reaches the cells below.
    fn remove(&self);

    /// Returns the cells below, if the child is a supervisor.
    fn cells_below(&self) -> Option<&Arc<ChildCells>> {
        None
    }

    /// Takes the cells below, if nothing else refers to them.
    fn take_cells_below(&mut self) -> Vec<Arc<dyn ChildCell>> {
        Vec::new()
    }

    /// Returns the id of the child over its restarts.
    fn child_id(&self) -> Option<Pid>;

    /// Returns the stub that follows the child, without its protocol.
    #[cfg(feature = "net")]
    fn recipient(self: Arc<Self>) -> Recipient<()>;

    /// Returns the process that runs in this cell, also while it is ending.
    fn pid(&self) -> Option<Pid>;

    /// Returns the process on another node for which the process in this cell is the proxy.
    fn proxied(&self) -> Option<Pid> {
        None
    }

    /// Returns whether the process in this cell has an exit reason, so that it ends with its next poll. Otherwise `observer`
    /// is notified when it has.
    fn observe_exit(&self, observer: Weak<dyn ExitObserver>) -> bool;

    /// Returns the `Cell` with its protocol's type.
    fn into_cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Protocol> ChildCell for Cell<M> {
    fn record_start(&self, failure: Option<&Exit>) {
        Cell::set_start_failure(self, failure);
    }

    fn close(&self) {
        Cell::close(self);
    }

    fn remove(&self) {
        Cell::close(self);
    }

    fn child_id(&self) -> Option<Pid> {
        Addressable::child_id(self)
    }

    fn pid(&self) -> Option<Pid> {
        self.current_number().map(|number| self.node().pid(number))
    }

    fn proxied(&self) -> Option<Pid> {
        Cell::proxied(self)
    }

    fn observe_exit(&self, observer: Weak<dyn ExitObserver>) -> bool {
        Cell::observe_exit(self, observer)
    }

    #[cfg(feature = "net")]
    fn recipient(self: Arc<Self>) -> Recipient<()> {
        Recipient::of(&Address::following(self))
    }

    fn into_cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// The cell of a nested supervisor, together with the cells of its children.
pub(in crate::supervisor) struct SupervisorCell {
    pub(in crate::supervisor) cell: Arc<Cell<Supervision>>,
    pub(in crate::supervisor) children: Arc<ChildCells>,
}

impl ChildCell for SupervisorCell {
    fn record_start(&self, failure: Option<&Exit>) {
        self.cell.record_start(failure);
    }

    fn close(&self) {
        self.cell.close();
    }

    fn remove(&self) {
        self.cell.remove();
    }

    fn cells_below(&self) -> Option<&Arc<ChildCells>> {
        Some(&self.children)
    }

    fn take_cells_below(&mut self) -> Vec<Arc<dyn ChildCell>> {
        Arc::get_mut(&mut self.children).map(ChildCells::take_all).unwrap_or_default()
    }

    fn child_id(&self) -> Option<Pid> {
        Addressable::child_id(&*self.cell)
    }

    fn pid(&self) -> Option<Pid> {
        self.cell.pid()
    }

    fn observe_exit(&self, observer: Weak<dyn ExitObserver>) -> bool {
        Cell::observe_exit(&self.cell, observer)
    }

    #[cfg(feature = "net")]
    fn recipient(self: Arc<Self>) -> Recipient<()> {
        Arc::clone(&self.cell).recipient()
    }

    fn into_cell(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.cell) as Arc<dyn Any + Send + Sync>
    }
}

impl ChildCells {
    pub(in crate::supervisor) fn new(node: Node, path: Arc<str>, supervisor: SupervisionRef) -> Arc<ChildCells> {
        Arc::new(ChildCells {
            node,
            path,
            supervisor,
            declared: Mutex::default(),
            last_number: AtomicU64::new(0),
            #[cfg(feature = "net")]
            node_of: Mutex::default(),
            #[cfg(feature = "registry")]
            transfer: OnceLock::new(),
            #[cfg(feature = "net")]
            elsewhere: None,
        })
    }

    /// Makes the cells of a supervisor of another node. They have no processes, and are the source of stubs.
    #[cfg(feature = "net")]
    pub(super) fn elsewhere(
        node: Node,
        supervisor: SupervisionRef,
        workers: HashMap<Arc<str>, Recipient<()>>,
    ) -> Arc<ChildCells> {
        let mut cells = ChildCells::new(node, "".into(), supervisor);
        if let Some(cells) = Arc::get_mut(&mut cells) {
            cells.elsewhere = Some(workers);
        }
        cells
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<dyn ChildCell>>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::supervisor) fn node(&self) -> &Node {
        &self.node
    }

    /// Returns the supervisor's path in the trees of its node, such as `/ChatTree/storage`.
    pub(in crate::supervisor) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Returns the supervisor's stub. The stub of a nested supervisor follows it across restarts.
    pub fn supervisor(&self) -> SupervisionRef {
        self.supervisor.clone()
    }

    /// Returns the stub of the declared child with this id.
    pub(in crate::supervisor) fn stub<A: Actor>(&self, id: &str) -> Ref<A> {
        #[cfg(feature = "net")]
        if let Some(workers) = &self.elsewhere {
            return Ref::<A>::__new(Address::of(&self.node, workers.get(id)));
        }
        following::<A>(&self.declared().cell::<A>(id))
    }

    /// Returns the cell of the declared supervisor with this id.
    pub(in crate::supervisor) fn supervisor_cell(&self, id: &str) -> Arc<SupervisorCell> {
        self.declared().supervisor_cell(id)
    }

    /// Returns the cells of declared children: one for each id.
    pub(in crate::supervisor) fn declared(&self) -> CellSource<'_> {
        CellSource { cells: self, declared: true }
    }

    /// Returns the cells of children that are added at run time: a new one each time.
    pub(in crate::supervisor) fn added(&self) -> CellSource<'_> {
        CellSource { cells: self, declared: false }
    }

    /// Returns an unused id for a child without one.
    pub(in crate::supervisor) fn next_id(&self) -> Arc<str> {
        format!("#{}", self.last_number.fetch_add(1, Ordering::Relaxed) + 1).into()
    }

    /// Returns the last number of which an id was made.
    #[cfg(feature = "upgrade")]
    pub(in crate::supervisor) fn last_number(&self) -> u64 {
        self.last_number.load(Ordering::Relaxed)
    }

    /// Makes the next ids of numbers above `last`.
    #[cfg(feature = "upgrade")]
    pub(in crate::supervisor) fn continue_numbers(&self, last: u64) {
        self.last_number.fetch_max(last, Ordering::Relaxed);
    }

    #[cfg(feature = "net")]
    pub(in crate::supervisor) fn set_node_of(&self, node_of: NodeOf) {
        *self.node_of.lock().unwrap_or_else(PoisonError::into_inner) = Some(node_of);
    }

    /// Returns the function that names the node of each dynamic child. By default that is the supervisor's node.
    #[cfg(feature = "net")]
    pub(in crate::supervisor) fn node_of(&self) -> NodeOf {
        let node_of = self.node_of.lock().unwrap_or_else(PoisonError::into_inner).clone();
        node_of.unwrap_or_else(|| {
            let own = self.node.name().to_string();
            Arc::new(move || own.clone())
        })
    }

    /// Lets the states of the children, and of those below them, continue. Called before the children are added.
    #[cfg(feature = "registry")]
    pub(in crate::supervisor) fn set_transfer(&self, transfer: Arc<StateTransfer>) {
        // Not set before: the cells of a root are new.
        let _ = self.transfer.set(transfer);
    }

    #[cfg(feature = "registry")]
    pub(in crate::supervisor) fn transfer(&self) -> Option<&Arc<StateTransfer>> {
        self.transfer.get()
    }

    /// Returns the path of the child with this id.
    pub(in crate::supervisor) fn path_of(&self, id: &str) -> String {
        format!("{}/{}", self.path, path_segment(id))
    }

    fn all(&self) -> Vec<Arc<dyn ChildCell>> {
        self.lock().values().cloned().collect()
    }

    fn take_all(&mut self) -> Vec<Arc<dyn ChildCell>> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// Removes all cells and gives up the path of the tree, whose root this supervisor is.
    pub(in crate::supervisor) fn remove_tree(&self) {
        for_each_cell(self.all(), ChildCell::remove);
        self.node.names().free_root_path(&self.path);
    }
}

/// Without recursion: a tree can be deeper than the stack.
impl Drop for ChildCells {
    fn drop(&mut self) {
        let mut pending = self.take_all();
        while let Some(mut cell) = pending.pop() {
            if let Some(cell) = Arc::get_mut(&mut cell) {
                pending.extend(cell.take_cells_below());
            }
        }
    }
}

/// Calls `f` with these cells and all cells below them. Without recursion: a tree can be deeper than the stack.
pub(in crate::supervisor) fn for_each_cell(mut pending: Vec<Arc<dyn ChildCell>>, f: impl Fn(&dyn ChildCell)) {
    while let Some(cell) = pending.pop() {
        f(&*cell);
        if let Some(below) = cell.cells_below() {
            pending.extend(below.all());
        }
    }
}

impl CellSource<'_> {
    pub(in crate::supervisor) fn cell<A: Actor>(self, id: &str) -> Arc<Cell<A::Protocol>> {
        self.get_or_make(id, |node, path| Cell::new(node.clone(), Some(path), A::OPTIONS.bounds()))
    }

    pub(in crate::supervisor) fn supervisor_cell(self, id: &str) -> Arc<SupervisorCell> {
        self.get_or_make(id, |node, path| {
            let cell = Cell::new(node.clone(), Some(Arc::clone(&path)), None);
            let stub = SupervisionRef::__new(Address::following(Arc::clone(&cell)));
            let children = ChildCells::new(node.clone(), path, stub);
            #[cfg(feature = "registry")]
            if let Some(transfer) = self.cells.transfer() {
                children.set_transfer(Arc::clone(transfer));
            }
            Arc::new(SupervisorCell { cell, children })
        })
    }

    /// Returns the cell of the declared child with this id, or makes one.
    fn get_or_make<C: ChildCell>(self, id: &str, make: impl FnOnce(&Node, Arc<str>) -> Arc<C>) -> Arc<C> {
        let CellSource { cells, declared } = self;
        let make = || make(&cells.node, cells.path_of(id).into());
        if !declared {
            return make();
        }
        let mut declared = cells.lock();
        if let Some(cell) = declared.get(id)
            && let Ok(cell) = (Arc::clone(cell) as Arc<dyn Any + Send + Sync>).downcast()
        {
            return cell;
        }
        let cell = make();
        declared.insert(id.into(), Arc::clone(&cell) as Arc<dyn ChildCell>);
        cell
    }
}

/// Returns a stub that follows the child in this cell.
pub(in crate::supervisor) fn following<A: Actor>(cell: &Arc<Cell<A::Protocol>>) -> Ref<A> {
    Ref::<A>::__new(Address::following(Arc::clone(cell)))
}

/// Encodes an id or a name as one segment of a path: any text is valid, but a slash separates segments.
pub(in crate::supervisor) fn path_segment(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}

/// Returns the id of which [`path_segment`] made this segment.
pub(in crate::supervisor) fn segment_id(segment: &str) -> String {
    segment.replace("%2F", "/").replace("%25", "%")
}
