//! Floor 7: supervision trees.
//!
//! What to do about a child's end is decided by a `Plan`, which knows strategy, restart kinds and intensity but
//! no process and no clock; a [`Parent`] is the process that carries it out. It traps exits and is linked to
//! each child. A child has a place of its own (`places.rs`) that outlives it, and below a nested supervisor that
//! one too, so that a stub from the tree follows it across restarts. After OTP's
//! [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
//!
//! Invariants: a child starts in its place only when its predecessor is gone, so no two live there and none is
//! left behind · a child stays linked until it is gone, so a killed supervisor leaves nobody · the supervisor
//! takes the next message only when the last one's actions are done; told to stop meanwhile, it waits for the `init`
//! of a child no longer than that one's `shutdown` (`patience.rs`) · its end closes the places of what was
//! added at run time; those of a tree's fields wait for the supervisor's next life, or go with the root.

mod builder;
mod child;
mod children;
mod dynamic;
mod here;
mod outline;
mod patience;
mod places;
mod plan;
mod process;
mod protocol;
mod report;
mod spec;
mod tree;

pub use builder::{ChildSpec, Supervisor};
pub use child::{Anew, AnewChild, AnewNothing, AnewSubtree, Child, ChildStub, Fresh, Held, Subtree, SubtreeStub};
pub use children::Children;
pub use dynamic::{Again, Dynamic, Once, Startable, Starting};
pub(crate) use here::Here;
pub use outline::{Description, Outline};
pub use places::Places;
pub use process::ChildId;
pub(crate) use process::{Parent, Seed};
pub use protocol::{Supervision, SupervisionRef};
pub use spec::{
    AutoShutdown, Backoff, ChildCount, ChildError, ChildInfo, ChildOptions, ChildState, Flags, Mismatch, Restart,
    Strategy, WhileDown,
};
pub(crate) use tree::Sapling;
pub use tree::{Root, StartTree, Tree, TreeStub};

#[cfg(any(test, not(feature = "serde")))]
crate::base::travel! {
    [] Outline, [] Description, [] ChildId, [] Strategy, [] Restart, [] AutoShutdown, [] WhileDown, [] Backoff, [] Flags, [] ChildState, [] ChildInfo, [] ChildCount, [] ChildError, [] Mismatch,
}
