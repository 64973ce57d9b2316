//! Floor 7: supervision trees.
//!
//! What to do about a child's end is decided by a `Plan`, which knows strategy, restart kinds and intensity but
//! no process and no clock; a [`SupervisorProcess`] is the process that carries it out. It traps exits and is linked to
//! each child. A child has a place of its own (`places.rs`) that outlives it, and below a nested supervisor that
//! one too, so that a stub from the tree follows it across restarts. After OTP's
//! [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
//!
//! Invariants: a child starts in its place only when its predecessor is gone, so no two live there and none is
//! left behind · a child stays linked until it is gone, so a killed supervisor leaves nobody · the supervisor
//! takes the next message only when the last one's actions are done; told to stop meanwhile, it waits for the `init`
//! of a child no longer than that one's `shutdown` (`shutdown_wait.rs`) · its end closes the places of what was
//! added at run time; those of a tree's fields wait for the supervisor's next life, or go with the root.

mod child;
mod description;
mod error;
mod info;
mod options;
mod plan;
mod process;
mod protocol;
mod spec;
mod tree;

pub use child::{Children, Places};
pub use description::Description;
pub use error::ChildError;
pub use info::{ChildCount, ChildId, ChildInfo, ChildState, SupervisorInfo};
pub use options::{
    AutoShutdown, Backoff, ChildOptions, InvalidOptions, Restart, Strategy, SupervisorOptions, WhileDown,
};
pub use protocol::{Supervision, SupervisionRef};
pub use spec::ChildSpec;
pub(crate) use tree::PendingTree;
pub use tree::{
    Anew, AnewChild, AnewNothing, AnewSubtree, Child, ChildStub, Dynamic, Fresh, Held, OneShot, Restartable,
    StartChild, StartTree, Startable, Subtree, SubtreeStub, Supervisor, Tree, TreeRoot, TreeStub,
};

#[cfg(any(test, not(feature = "serde")))]
crate::base::travel! {
    [] SupervisorInfo, [] Description, [] ChildId, [] Strategy, [] Restart, [] AutoShutdown, [] WhileDown, [] Backoff, [] SupervisorOptions, [] ChildState, [] ChildInfo, [] ChildCount, [] ChildError, [] InvalidOptions,
}
