//! Layer 9: supervision trees.
//!
//! A supervisor starts its children, restarts them when they fail, and stops them. Its decisions are made by the pure
//! state machine in `plan`, which has strategies, restart kinds and intensity, but no process and no clock. The process
//! in `process` executes them. It traps exits and is linked to each child. After OTP's
//! [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
//!
//! The modules, each of which imports only those above it:
//!
//! | module | contents |
//! |---|---|
//! | `options`, `error` | the options of supervisors and children; the error of requests |
//! | `plan` | the decisions |
//! | `transfer` | the states of children that continue on another node |
//! | `protocol`, `info`, `events`, `child` | the messages to a supervisor, their answers, its events, and the cells of its children |
//! | `process` | the supervisor's process |
//! | `spec` | child specs, and the starters of children |
//! | `description`, `tree` | `#[supervisor]`, [`Supervisor`], [`Dynamic`], and the stubs; trees on other nodes |
//!
//! The process of a child with the option `on` runs on another node. Its cell here has a proxy, which is an ordinary child
//! for the supervisor: see the module `remote`.
//!
//! Each child has a cell of its own, which outlives the child's process. Below a nested supervisor it outlives that
//! supervisor's process too. A stub from the tree holds the cell, so it follows the child across restarts.
//!
//! Invariants:
//! - A child starts only when the previous process in its cell is gone, so a cell never has two processes. A process on
//!   another node counts as gone, too, when the connection to that node is lost.
//! - A child stays linked until it is gone, so a supervisor that is killed leaves no child behind.
//! - The supervisor takes the next message only after the actions of the last one. A stop request while a child is
//!   starting waits for its `init` no longer than the child's `shutdown`.
//! - When a supervisor exits, the cells of children that were added at run time are removed. The cells of a tree's fields
//!   stay for the supervisor's next start. They are removed when the root of the tree exits.

mod child;
mod description;
mod error;
mod events;
mod info;
mod options;
mod plan;
mod process;
mod protocol;
mod spec;
#[cfg(feature = "registry")]
mod transfer;
mod tree;

#[cfg(feature = "net")]
pub(crate) use child::SentCells;
pub use child::{ChildCells, Children};
#[cfg(feature = "net")]
pub(crate) use description::Descent;
pub use description::Description;
pub use error::ChildError;
pub use info::{ChildChange, ChildCount, ChildEvent, ChildId, ChildInfo, SupervisorInfo};
pub use options::{
    AutoShutdown, Backoff, ChildOptions, InvalidOptions, Restart, Strategy, SupervisorOptions, WhileDown,
};
pub use plan::ChildState;
pub use protocol::{Supervision, SupervisionRef};
pub use spec::ChildSpec;
#[cfg(feature = "registry")]
pub(crate) use transfer::{StateTransfer, TreeStates};
pub(crate) use tree::PendingTree;
#[cfg(feature = "registry")]
pub(crate) use tree::SharedTree;
pub use tree::{
    Child, ChildStub, DefaultProbe, DefaultProbeChild, DefaultProbeOther, DefaultProbeSubtree, Dynamic, Elsewhere,
    MakeDefault, OneShot, Restartable, StartChild, StartTree, Startable, StoredStub, Subtree, SubtreeStub, Supervisor,
    Tree, TreeRoot, TreeStub,
};
#[cfg(feature = "net")]
pub use tree::{ChildNode, Places, Placing, RemoteTree, StartTreeOn, child_node, placed};
#[cfg(feature = "net")]
pub(crate) use tree::{TreeRequest, export_tree, request_tree};

#[cfg(any(test, not(feature = "serde")))]
crate::base::serializable! {
    [] SupervisorInfo, [] Description, [] ChildId, [] Strategy, [] Restart, [] AutoShutdown, [] WhileDown, [] Backoff,
    [] SupervisorOptions, [] ChildState, [] ChildInfo, [] ChildCount, [] ChildEvent, [] ChildChange, [] ChildError, [] InvalidOptions,
}
