use std::any::Any;
use std::sync::Arc;

use crate::base::{ExitSignal, Pid};
use crate::call::Reply;
use crate::supervisor::child::ChildFactory;
use crate::supervisor::plan::Note;
use crate::supervisor::protocol::local_only::LocalOnly;
use crate::supervisor::{ChildCount, ChildError, ChildId, ChildInfo, SupervisorInfo};

/// What a supervisor understands.
#[protocol]
pub enum Supervision {
    /// Its children in start order, as OTP's `which_children`.
    Children {
        /// The answer.
        reply: Reply<Vec<ChildInfo>>,
    },
    /// How many children it has, as OTP's `count_children`.
    Count {
        /// The answer.
        reply: Reply<ChildCount>,
    },
    /// Itself and its children; [`TreeStub::describe`](crate::TreeStub::describe) puts a whole tree together.
    SupervisorInfo {
        /// The answer.
        reply: Reply<SupervisorInfo>,
    },
    /// Stops a child and keeps its specification, unless it is temporary.
    Terminate {
        /// Which.
        child: ChildId,
        /// When it is gone.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Starts a child that is down.
    Restart {
        /// Which.
        child: ChildId,
        /// The process, if it did not decide otherwise.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// Forgets a child that is down.
    Delete {
        /// Which.
        child: ChildId,
        /// When it is forgotten.
        reply: Reply<Result<(), ChildError>>,
    },
    /// A child's place.
    #[doc(hidden)]
    Find {
        /// Which.
        child: ChildId,
        /// Its cell.
        reply: Reply<Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>>,
    },
    /// A further child.
    #[doc(hidden)]
    Add {
        /// How it is planted.
        seed: LocalOnly<ChildFactory>,
        /// The process, if it did not decide otherwise.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// The supervisor's own note.
    #[doc(hidden)]
    Retry {
        /// Whom to start again.
        note: LocalOnly<Note>,
    },
    /// A child ended, or the supervisor's parent did.
    #[from]
    Exit(ExitSignal),
}
