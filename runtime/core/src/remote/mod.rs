//! Layer 8: processes that are started on other nodes, and functions that are called there.
//!
//! # A start
//! The starter's node sends a *request* with the actor's name, the arguments of its constructor and a reply. If the other
//! node exports the actor, it makes a process that waits at a *gate*, and answers with its stub. The starter links and
//! monitors that process, and then opens the gate: the process makes its actor and runs its `init`.
//!
//! So nothing of the process runs before the link and the monitor exist, and its stub arrives before any of its signals.
//! The gate is the reply of a call that the new process has made to the starter. If the starter gives up or exits, or if
//! the connection is lost, that call fails, and the process exits without having run.
//!
//! # A supervised child
//! A proxy in the child's cell starts the process, and passes messages and signals on. See `placed`.
//!
//! # A call of a function
//! Each call runs in a process of its own, as in Erlang's
//! [`erpc`](https://www.erlang.org/doc/apps/kernel/erpc.html). If the caller does not wait any more, its node notifies
//! the other one, which kills the process.

mod argument;
mod constructor;
mod error;
mod export;
mod function;
mod multicall;
mod named;
mod placed;
mod request;
mod spawn;
mod starting;

#[cfg(feature = "supervision")]
pub(crate) use argument::Argument;
pub use constructor::RemoteConstructor;
pub use error::SpawnError;
pub use export::{ExportProbe, NoConstructors, NotExported};
#[cfg(feature = "inspect")]
pub(crate) use function::call_untyped;
pub use function::{RemoteCall, RemoteFunction, RemoteParam, call_on};
pub(crate) use function::{call_at, serve_call};
pub use multicall::multicall;
pub use placed::Placed;
pub use spawn::SpawnOn;
pub use starting::Starting;
