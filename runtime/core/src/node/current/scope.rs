//! The current node of code outside of any process.

use std::marker::PhantomData;

use super::{Current, FrameGuard};
use crate::node::Node;

/// A guard for the time that a node is current; from [`Node::enter`].
#[must_use = "the node is current until this guard is dropped"]
pub struct EnterGuard {
    _frame: FrameGuard,
    /// Not `Send`: the guard belongs to the thread on which it was made.
    _thread: PhantomData<*const ()>,
}

impl Node {
    /// Makes this node current for this thread until the guard is dropped. `OrderRef::named(..)` and
    /// `Counter::default().spawn()`, for example, then work outside of any process.
    ///
    /// Do not hold the guard across an `.await`: the task may continue on another thread. Use [`Node::scope`] there.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard { _frame: FrameGuard::begin(self.clone(), 0), _thread: PhantomData }
    }

    /// Runs a future with this node as the current one in each poll. Cancel-safe if `future` is.
    ///
    /// The returned future does not borrow the node, so it can be spawned as a task:
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
                let _guard = node.enter();
                future.as_mut().poll(cx)
            })
            .await
        }
    }

    /// Returns the current node.
    ///
    /// # Panics
    /// Outside of any node, as `tokio::spawn` outside of a runtime: the caller is not a process and has not entered a
    /// node.
    #[track_caller]
    pub fn current() -> Node {
        Node::try_current().expect(
            "no current node: call this inside a process or `#[greenroom::main]`, or enter a node with `node.enter()`",
        )
    }

    /// Returns the current node, or `None` outside of any.
    pub fn try_current() -> Option<Node> {
        Current::node()
    }
}
