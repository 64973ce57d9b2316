//! The handle to a started application, and the list of a node's applications.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::ApplicationKind;
use super::running_application::RunningApplication;
use crate::base::Exit;
use crate::node::Node;
use crate::process::InVain;
#[cfg(feature = "net")]
use crate::supervisor::SentCells;
use crate::supervisor::{SupervisionRef, TreeStub};

/// A handle to a started application, with its tree's stub.
///
/// Returned by [`Application::start`](super::Application::start), and by [`Node::application`] for a name. A clone is
/// cheap. Dropping the handle does not stop the application.
#[derive(Clone)]
pub struct Running<R> {
    application: Arc<RunningApplication>,
    stub: R,
}

/// One application of a node, as returned by [`Node::applications`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationInfo {
    /// The application's name.
    pub name: String,
    /// The consequence for the node when the application ends without being stopped.
    pub kind: ApplicationKind,
    /// The names of the applications that this one depends on.
    pub after: Vec<String>,
    /// True if the application has started and is not being stopped.
    pub up: bool,
    /// The root supervisor, whose [`TreeStub::describe`] describes the whole tree.
    pub supervisor: SupervisionRef,
}

impl<R: TreeStub> Running<R> {
    pub(super) fn new(application: Arc<RunningApplication>, stub: R) -> Running<R> {
        Running { application, stub }
    }

    /// Returns the stubs of the tree for another node.
    #[cfg(feature = "net")]
    pub(super) fn sent_cells(&self) -> SentCells {
        self.application.sent_cells()
    }

    /// Returns the application's name.
    pub fn name(&self) -> &str {
        self.application.name()
    }

    /// Returns the stub of the application's tree, with a method for each child.
    pub fn tree(&self) -> &R {
        &self.stub
    }

    /// Stops the applications that depend on this one, last started first, then this one. Resolves with its exit reason.
    ///
    /// The children stop in reverse order. The node continues, also without a permanent application. OTP's
    /// [`application:stop/1`](https://www.erlang.org/doc/apps/kernel/application.html#stop/1) leaves the dependent
    /// applications running.
    ///
    /// In a process of one of these applications the future resolves at once: the process cannot wait for its own end, and
    /// is stopped like the others. Cancel-safe: the application stops also if the future is dropped.
    pub fn stop(&self) -> impl Future<Output = Exit> + Send + use<R> {
        let application = Arc::clone(&self.application);
        let is_inside = application.is_caller_inside();
        application.node().spawner().spawn(Arc::clone(&application).stop_with_dependents());
        async move {
            if is_inside {
                return Exit::shutdown();
            }
            application.ended_for_process(InVain::Resolve(Exit::shutdown())).await
        }
    }

    /// Waits for the end of the application and returns its reason. Cancel-safe.
    ///
    /// If the root supervisor gave up, the reason names the child whose restart was one too many. A process of the
    /// application that waits for it ends with [`Exit::Cycle`], as with [`Stub::ended`](crate::Stub::ended).
    pub fn ended(&self) -> impl Future<Output = Exit> + Send + use<R> {
        let application = Arc::clone(&self.application);
        async move { application.ended_for_process(InVain::End).await }
    }

    /// Waits for the end of the application, for a `main` that has nothing else to do. Cancel-safe.
    ///
    /// # Errors
    /// The application failed: it ended for another reason than a normal exit or a shutdown.
    pub async fn join(&self) -> Result<(), Exit> {
        let reason = self.ended().await;
        if reason.is_orderly() { Ok(()) } else { Err(reason) }
    }
}

impl<R> fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.application.name()).finish()
    }
}

#[cfg(feature = "supervision")]
impl Node {
    /// Lists the applications of this node in the order in which they started. They stop in reverse order.
    ///
    /// From OTP's
    /// [`application:which_applications/0`](https://www.erlang.org/doc/apps/kernel/application.html#which_applications/0).
    pub fn applications(&self) -> Vec<ApplicationInfo> {
        let info = |application: Arc<RunningApplication>| {
            Some(ApplicationInfo {
                name: application.name().to_owned(),
                kind: application.kind(),
                after: application.after().to_vec(),
                up: application.is_up(),
                supervisor: application.supervisor()?.clone(),
            })
        };
        RunningApplication::all(self).into_iter().filter_map(info).collect()
    }

    /// Returns the application of this name, if it is up and `R` is its tree's stub.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::{Application, Running};
    /// # #[supervisor]
    /// # struct ChatTree {}
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// # Application::new("chat", ChatTree {}).start().await?;
    /// let chat: Option<Running<ChatTreeRef>> = Node::current().application("chat");
    /// # assert!(chat.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn application<R: TreeStub>(&self, name: &str) -> Option<Running<R>> {
        let application = RunningApplication::find(self, name).filter(|application| application.is_up())?;
        let stub = application.stub()?;
        Some(Running { application, stub })
    }
}
