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

mod builder;
mod child;
mod children;
mod description;
mod dynamic;
mod local_only;
mod places;
mod plan;
mod process;
mod protocol;
mod report;
mod shutdown_wait;
mod spec;
mod tree;

pub use builder::{ChildSpec, Supervisor};
pub use child::{Anew, AnewChild, AnewNothing, AnewSubtree, Child, ChildStub, Fresh, Held, Subtree, SubtreeStub};
pub use children::Children;
pub use description::{Description, SupervisorInfo};
pub use dynamic::{Dynamic, OneShot, Restartable, StartChild, Startable};
pub(crate) use local_only::LocalOnly;
pub use places::Places;
pub use process::ChildId;
pub(crate) use process::{ChildFactory, SupervisorProcess};
pub use protocol::{Supervision, SupervisionRef};
pub use spec::{
    AutoShutdown, Backoff, ChildCount, ChildError, ChildInfo, ChildOptions, ChildState, InvalidOptions, Restart,
    Strategy, SupervisorOptions, WhileDown,
};
pub(crate) use tree::PendingTree;
pub use tree::{StartTree, Tree, TreeRoot, TreeStub};

#[cfg(any(test, not(feature = "serde")))]
crate::base::travel! {
    [] SupervisorInfo, [] Description, [] ChildId, [] Strategy, [] Restart, [] AutoShutdown, [] WhileDown, [] Backoff, [] SupervisorOptions, [] ChildState, [] ChildInfo, [] ChildCount, [] ChildError, [] InvalidOptions,
}
