//! A call that has waited for a while: its callee and its message, for the errors of this call and of others.

use std::sync::Arc;

use super::target::{Identity, ReceiverId, Target};
use crate::base::Pid;
use crate::node::{AnyCell, Node};
use crate::observe::{AwaitedAnswer, CallChain, RemoteCallee};

/// The names of a call's message.
pub struct CallName {
    /// The protocol's name.
    pub protocol: &'static str,
    /// The actor or protocol, and the method of its stub, such as `Store::get`.
    pub message: &'static str,
}

/// The callee of a call.
#[derive(Clone)]
pub(super) struct Callee {
    /// The number of the process that was called; zero if it is on another node or was not looked up.
    pub(super) number: u64,
    /// The callee's identity, if the call was not made with the stub of a process of this node.
    pub(super) identity: Option<Arc<Identity>>,
}

/// A call that has waited for a while.
pub(super) struct NotedCall {
    pub(super) name: &'static CallName,
    pub(super) callee: Callee,
    /// The process that has called.
    pub(super) caller: Option<Pid>,
    /// The chain of calls behind this one, as other nodes have described it.
    pub(super) chain: CallChain,
    /// The question for more of the chain that is not answered yet.
    #[cfg(feature = "net")]
    pub(super) question: Option<PendingQuestion>,
}

/// A question that is not answered yet. After its drop an answer has no effect.
#[cfg(feature = "net")]
pub(super) struct PendingQuestion {
    pub(super) node: Node,
    pub(super) id: u64,
}

#[cfg(feature = "net")]
impl Drop for PendingQuestion {
    fn drop(&mut self) {
        self.node.give_up_call(self.id);
    }
}

impl Callee {
    /// Returns the pid or the name. `None` for a supervised child that was not running.
    pub(super) fn text(&self, node: &Node) -> Option<String> {
        match &self.identity {
            Some(identity) => Some(format!("{:?}", Target::<dyn AnyCell>::Identity(Arc::clone(identity)))),
            None if self.number != 0 => Some(node.pid(self.number).to_string()),
            None => None,
        }
    }

    /// Returns the callee if it is on another node than this one.
    pub(super) fn remote(&self, node: &Node) -> Option<RemoteCallee> {
        match &self.identity.as_ref()?.receiver {
            ReceiverId::Pid(pid) | ReceiverId::Child { id: pid, .. } if pid.node() != node.name() => {
                Some(RemoteCallee::Pid(pid.clone()))
            }
            ReceiverId::Name(name, at) if at != node.name() => Some(RemoteCallee::Name(name.to_string(), at.clone())),
            _ => None,
        }
    }
}

impl NotedCall {
    pub(super) fn describe(&self, node: &Node) -> Option<AwaitedAnswer> {
        let callee = self.callee.text(node)?;
        Some(AwaitedAnswer { message: self.name.message, callee, remote: self.callee.remote(node) })
    }
}
