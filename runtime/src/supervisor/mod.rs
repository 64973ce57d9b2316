//! Floor 7: supervision trees.
//!
//! What to do about a child's end is decided by a [`Plan`], which knows strategy, restart kinds and intensity but
//! no process and no clock; a supervisor is the process that carries it out. It traps exits and is linked to
//! each child. A child has a cell of its own that outlives it, so that a stub from the tree follows it across
//! restarts. After OTP's
//! [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).

mod children;
mod plan;
mod process;
mod spec;
mod tree;

pub use children::Children;
pub use process::{Supervision, SupervisionRef, Supervisor};
pub use spec::{ChildInfo, ChildOptions, Flags, Restart, Shutdown, Strategy};
pub use tree::{StartTree, Tree, TreeStub};
