//! Child specs that are bound to a cell, without the type of the child.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{ChildCell, ChildCells};
#[cfg(any(feature = "registry", feature = "upgrade"))]
use crate::base::EncodedState;
use crate::base::{Exit, Pid};
#[cfg(feature = "upgrade")]
use crate::node::ProcessRecord;
use crate::supervisor::{ChildOptions, SupervisionRef};

/// The specs of all children of a supervisor, bound to their cells. `#[supervisor]` fills it for each start of the
/// supervisor.
pub struct Children {
    cells: Arc<ChildCells>,
    specs: Vec<BoundSpec>,
    /// The function that binds a dynamic child which was handed over.
    #[cfg(feature = "upgrade")]
    adopt_added: Option<AdoptAdded>,
}

/// The spec of one child, bound to the cell in which all incarnations of the child run.
pub(in crate::supervisor) struct BoundSpec {
    pub(in crate::supervisor) id: Arc<str>,
    pub(in crate::supervisor) options: ChildOptions,
    pub(in crate::supervisor) starter: Box<dyn ChildStarter>,
    pub(in crate::supervisor) cell: Arc<dyn ChildCell>,
    /// The child's stub, if the child is a supervisor.
    pub(in crate::supervisor) supervisor: Option<SupervisionRef>,
    /// True if the child is declared by the tree. A declared child that was removed is back when the supervisor
    /// restarts.
    pub(in crate::supervisor) declared: bool,
}

/// Starts a child, independent of its type.
pub(in crate::supervisor) trait ChildStarter: Send {
    /// Makes a new incarnation of the child. `link` runs before the process does.
    ///
    /// Resolves when `init` is done, with `None` if the child ended normally in `init`: OTP's `ignore`. If the start has
    /// failed, resolves when the process has exited, or after [`KILL_LIMIT`].
    fn start(&mut self, link: &dyn Fn(&Pid)) -> StartFuture;

    /// Returns whether the child can be made of the state of an earlier process. Its process runs on this node then.
    #[cfg(feature = "registry")]
    fn is_portable(&self) -> bool {
        false
    }

    /// Makes a new incarnation of a portable child of a state, as [`start`](ChildStarter::start) without it.
    ///
    /// # Errors
    /// The state cannot be read. The child has not been started.
    #[cfg(feature = "registry")]
    fn resume(&mut self, state: &EncodedState, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        let _ = (state, link);
        Err(Exit::error("the child is not portable"))
    }

    /// Continues the process of the child which a predecessor has handed over, as [`start`](ChildStarter::start) without it.
    ///
    /// # Errors
    /// The state cannot be read. The child has not been started.
    #[cfg(feature = "upgrade")]
    fn continue_process(&mut self, process: &ProcessRecord, link: &dyn Fn(&Pid)) -> Result<StartFuture, Exit> {
        let _ = (process, link);
        Err(Exit::error("the child is not portable"))
    }

    /// Returns whether an upgrade is refused if the child cannot continue.
    #[cfg(feature = "upgrade")]
    fn refuses_restart(&self) -> bool {
        false
    }

    /// Returns the state with which each process of a dynamic child starts, if that is known and can be encoded.
    #[cfg(feature = "upgrade")]
    fn initial_state(&mut self) -> Option<EncodedState> {
        None
    }
}

/// The time in which a process exits that was killed or whose start has failed. Only code that blocks its thread, or never
/// awaits, takes longer.
pub(in crate::supervisor) const KILL_LIMIT: Duration = Duration::from_secs(5);

pub(in crate::supervisor) type StartFuture = Pin<Box<dyn Future<Output = Result<Option<Pid>, Exit>> + Send>>;

/// The spec of a child that is added at run time, before the supervisor binds it to a cell.
pub struct UnboundSpec(pub(in crate::supervisor) Box<dyn FnOnce(&ChildCells) -> BoundSpec + Send>);

impl Children {
    pub(in crate::supervisor) fn new(cells: Arc<ChildCells>) -> Children {
        Children {
            cells,
            specs: Vec::new(),
            #[cfg(feature = "upgrade")]
            adopt_added: None,
        }
    }

    pub(in crate::supervisor) fn into_specs(self) -> Vec<BoundSpec> {
        self.specs
    }

    #[cfg(feature = "upgrade")]
    pub(in crate::supervisor) fn set_adopt_added(&mut self, adopt: AdoptAdded) {
        self.adopt_added = Some(adopt);
    }

    #[cfg(feature = "upgrade")]
    pub(in crate::supervisor) fn adopt_added(&self) -> Option<AdoptAdded> {
        self.adopt_added
    }

    /// Adds a child that is declared by the tree.
    pub(in crate::supervisor) fn push_declared(&mut self, spec: BoundSpec) {
        self.specs.push(BoundSpec { declared: true, ..spec });
    }

    pub(in crate::supervisor) fn cells(&self) -> &Arc<ChildCells> {
        &self.cells
    }
}

/// A function that binds a dynamic child which was handed over. `None` if its type is not portable.
#[cfg(feature = "upgrade")]
pub(in crate::supervisor) type AdoptAdded = fn(&ChildCells, AddedChild<'_>) -> Option<BoundSpec>;

/// A child of a supervisor of dynamic children that was handed over.
#[cfg(feature = "upgrade")]
pub(in crate::supervisor) struct AddedChild<'a> {
    pub(in crate::supervisor) id: &'a str,
    pub(in crate::supervisor) options: ChildOptions,
    /// The stubs of the child follow it over restarts.
    pub(in crate::supervisor) is_followed: bool,
    /// The state with which each of its processes starts, if that is known.
    pub(in crate::supervisor) initial_state: Option<EncodedState>,
}
