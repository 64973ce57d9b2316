//! The protocol of supervisors, before its expansion.

use std::any::Any;
use std::sync::Arc;

use crate::base::{Down, ExitSignal, Pid};
use crate::call::{Recipient, Reply};
use crate::supervisor::child::UnboundSpec;
use crate::supervisor::plan::PendingRetry;
use crate::supervisor::protocol::local_only::LocalOnly;
use crate::supervisor::{ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, SupervisorInfo};

/// The protocol of every supervisor.
///
/// [`TreeStub`](crate::TreeStub) has a method for each request. After OTP's
/// [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
#[protocol]
pub enum Supervision {
    /// Lists the children in start order, as OTP's `which_children`.
    Children {
        /// Receives the children.
        reply: Reply<Vec<ChildInfo>>,
    },
    /// Counts the children, as OTP's `count_children`.
    Count {
        /// Receives the numbers.
        reply: Reply<ChildCount>,
    },
    /// Describes the supervisor and its children. [`TreeStub::describe`](crate::TreeStub::describe) describes a whole
    /// tree.
    Info {
        /// Receives the description.
        reply: Reply<SupervisorInfo>,
    },
    /// Sends the events of the children to a process.
    #[doc(hidden)]
    Subscribe {
        /// The process.
        subscriber: Recipient<ChildEvent>,
        /// Receives the result.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Stops a child. Its spec is kept, unless the child is temporary.
    Terminate {
        /// The child.
        child: ChildId,
        /// Receives the result when the child is gone.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Starts a child that is down.
    Restart {
        /// The child.
        child: ChildId,
        /// Receives the process, or `None` if the child ended normally in its `init`.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// Removes a child that is down.
    Delete {
        /// The child.
        child: ChildId,
        /// Receives the result.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Looks up the cell of a child.
    #[doc(hidden)]
    Find {
        /// The child.
        child: ChildId,
        /// Receives the cell.
        reply: Reply<Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>>,
    },
    /// Adds a child and starts it.
    #[doc(hidden)]
    Add {
        /// Makes the child's spec.
        unbound: LocalOnly<UnboundSpec>,
        /// Receives the process, or `None` if the child ended normally in its `init`.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// Retries a restart. The supervisor sends it to itself.
    #[doc(hidden)]
    Retry {
        /// The restart.
        retry: LocalOnly<PendingRetry>,
    },
    /// Reports the exit of a child, or of the supervisor's parent.
    #[from]
    Exit(ExitSignal),
    /// Reports the exit of a subscriber.
    #[from]
    Down(Down),
}
