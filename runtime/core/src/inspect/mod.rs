//! Layer 10: other nodes, as observers see them.
//!
//! A question to another node is a call of a function that each node exports: see [`remote`](crate::remote). Its process
//! has the same functions of [`Node`](crate::node::Node) as local code, and exits when its caller does not wait any more.
//! The caller needs the right [`Inspect`](crate::base::Right::Inspect) there.
//!
//! Invariants:
//! - Each answer fits into the smallest message that a connection can be limited to. The rest of a list is left out, or
//!   is in the next answer.
//! - An answer has no stub by which its reader could send to a process.
//! - A node has at most 16 traces and subscriptions for other nodes. Each keeps no more events than its limit, until its
//!   caller reads them, drops it, or is lost.
//! - A question that changes something needs the right [`Exit`](crate::base::Right::Exit) instead.

mod answer;
mod callable;
mod control;
mod error;
mod export;
mod flows;
mod inspection;
mod overview;
mod question;
mod stream;
#[cfg(feature = "supervision")]
mod tree;

pub use callable::{Callable, CallableError};
pub use error::TraceError;
pub(crate) use export::Inspectable;
pub use flows::{FlowSender, MessageFlow};
pub use inspection::Inspection;
pub use overview::{Load, NodeOverview};
pub use stream::{ObservedEvent, RemoteEvents, RemoteTracing};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::base::{CallErrorKind, NodeId, Pid};
    use crate::cluster::{Cookie, NodeBuilder};
    use crate::inspect::TraceError;
    use crate::net::Network;
    use crate::node::Node;
    use crate::observe::Trace;
    use crate::sched::NodeEnv;

    #[greenroom_macros::test]
    async fn a_node_without_the_questions_is_an_error() {
        let network = Network::new(&NodeEnv::seeded(0));
        let cookie = Cookie::random().unwrap();
        let old = NodeBuilder::new("old@test").cookie(cookie.clone()).listen("host-a");
        let old = old.transport(Arc::new(network.host("host-a"))).start().await.unwrap();
        let new = Node::builder("new@test").cookie(cookie).seed("host-a");
        let new = new.transport(Arc::new(network.host("host-b"))).start().await.unwrap();
        let there = new.inspect("old@test");
        let unknown = |name: &str| CallErrorKind::NotExported(name.into());
        assert_eq!(there.metrics().await, Err(unknown("inspect::metrics").into()));
        let pid = Pid::new(Arc::new(NodeId::clone(old.id())), 1);
        let trace = there.trace(&pid, Trace::default()).await.unwrap_err();
        assert_eq!(trace, TraceError::Failed(unknown("inspect::trace").into()));
        new.stop().await;
        old.stop().await;
    }
}
