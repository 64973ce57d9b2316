//! Requests to one process of a node: show the state of a server, suspend and resume it, end a process.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::answer::MAX_LIST;
use super::inspection::Inspection;
use super::question::Question;
use crate::base::{Exit, Pid, Right, shorten};
use crate::call::{CallName, SysError};
use crate::node::{Node, RequestError, ServerRequest};
use crate::remote::RemoteCall;
use crate::wire::{Epoch, Signal};

#[derive(Serialize, Deserialize)]
pub(super) struct ServerState {
    pid: Pid,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Suspend {
    pid: Pid,
    resume: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ExitProcess {
    pid: Pid,
    reason: Exit,
}

impl Question for ServerState {
    type Answer = Result<String, SysError>;
    const NAME: &'static str = "inspect::state";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::state" };

    async fn answer(self, node: Node) -> Result<String, SysError> {
        let state = request(&node, &self.pid, ServerRequest::State).await?;
        Ok(shorten(&state, MAX_LIST).into_owned())
    }
}

impl Question for Suspend {
    type Answer = Result<(), SysError>;
    const NAME: &'static str = "inspect::suspend";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::suspend" };
    const RIGHT: Right = Right::Exit;

    async fn answer(self, node: Node) -> Result<(), SysError> {
        let make = if self.resume { ServerRequest::Resume } else { ServerRequest::Suspend };
        request(&node, &self.pid, make).await
    }
}

impl Question for ExitProcess {
    type Answer = bool;
    const NAME: &'static str = "inspect::exit";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::exit" };
    const RIGHT: Right = Right::Exit;

    async fn answer(self, node: Node) -> bool {
        let ExitProcess { pid, reason } = self;
        let is_alive = node.table().get(pid.number()).is_some_and(|cell| cell.is_alive(pid.number()));
        if !is_alive || !pid.belongs_to(node.id()) {
            return false;
        }
        node.signal(&node.pid(Node::SYSTEM), &pid, Epoch::LOCAL, Signal::Exit { linked: false, reason });
        true
    }
}

/// Makes a request to a server of this node, and waits for its answer as long as the caller does.
async fn request<T>(
    node: &Node,
    pid: &Pid,
    make: impl FnOnce(oneshot::Sender<T>) -> ServerRequest,
) -> Result<T, SysError> {
    let cell = node.table().get(pid.number()).filter(|_| pid.belongs_to(node.id())).ok_or(SysError::NoProc)?;
    let (sender, receiver) = oneshot::channel();
    cell.request_server(pid.number(), make(sender)).map_err(|error| match error {
        RequestError::Gone => SysError::NoProc,
        RequestError::NotAllowed => SysError::NotAllowed,
        RequestError::Elsewhere => SysError::Elsewhere,
    })?;
    receiver.await.map_err(|_| SysError::NoProc)
}

impl Inspection {
    /// Returns the state of a server, formatted with its `Debug`: see [`Sys::state`](crate::Sys::state). Its first 48 KiB
    /// are returned.
    ///
    /// The answer has an error if the process has ended, or is not a server with `#[actor(sys)]`.
    pub fn state(&self, pid: &Pid) -> RemoteCall<Result<String, SysError>> {
        self.ask(ServerState { pid: pid.clone() })
    }

    /// Suspends a server: see [`Sys::suspend`](crate::Sys::suspend). Nothing resumes it but [`resume`](Self::resume) and
    /// its restart: not the loss of the connection.
    ///
    /// This node needs the right [`Exit`](crate::Right::Exit) there, and not `Inspect`. The answer has an error if the
    /// process has ended, or is not a server with `#[actor(sys)]`.
    pub fn suspend(&self, pid: &Pid) -> RemoteCall<Result<(), SysError>> {
        self.ask(Suspend { pid: pid.clone(), resume: false })
    }

    /// Resumes a server, with the right and the errors of [`suspend`](Self::suspend).
    pub fn resume(&self, pid: &Pid) -> RemoteCall<Result<(), SysError>> {
        self.ask(Suspend { pid: pid.clone(), resume: true })
    }

    /// Sends an exit signal to a process: see [`Stub::exit`](crate::Stub::exit). Returns `false` if it does not run.
    ///
    /// This node needs the right [`Exit`](crate::Right::Exit) there, and not `Inspect`. A stub of the process is not
    /// needed.
    pub fn exit(&self, pid: &Pid, reason: Exit) -> RemoteCall<bool> {
        self.ask(ExitProcess { pid: pid.clone(), reason })
    }
}
