use std::marker::PhantomData;

use super::{Current, FrameGuard};
use crate::node::Node;

/// Makes a node the current one until it is dropped; from [`Node::enter`].
#[must_use = "the node is current until this guard is dropped"]
pub struct EnterGuard {
    _frame: FrameGuard,
    /// It belongs to the thread that it was made on.
    _thread: PhantomData<*const ()>,
}

impl Node {
    /// Makes this node the current one for this thread until the guard is dropped, so that
    /// `MailRef::named(..)` or `Counter::default().spawn()` work outside of any process.
    ///
    /// Do not hold the guard across an `.await`: a task may wake on another thread. Use [`Node::scope`] there.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard { _frame: FrameGuard::begin(self.clone(), 0), _thread: PhantomData }
    }

    /// Runs a future with this node as the current one, set around each poll. Cancel-safe if `future` is.
    ///
    /// What is returned borrows nothing, so it can be a task of its own:
    ///
    /// ```
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// # use greenroom::prelude::*;
    /// let node = Node::current();
    /// let name = tokio::spawn(node.scope(async { Node::current().name().to_string() })).await?;
    /// assert_eq!(name, node.name().to_string());
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let node = self.clone();
        async move {
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| {
                let _entered = node.enter();
                future.as_mut().poll(cx)
            })
            .await
        }
    }

    /// The current node.
    ///
    /// # Panics
    /// Outside of any node, as `tokio::spawn` outside of a runtime: the caller is no process and has not
    /// entered a node.
    #[track_caller]
    pub fn current() -> Node {
        Node::try_current()
            .expect("no node here: call this inside a process or #[greenroom::main], or enter one with `node.enter()`")
    }

    /// The current node, or `None` outside of any.
    pub fn try_current() -> Option<Node> {
        Current::node()
    }
}
