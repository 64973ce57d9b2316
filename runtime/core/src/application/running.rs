use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::ApplicationKind;
use super::running_application::RunningApplication;
use crate::base::Exit;
use crate::node::Node;
use crate::supervisor::{SupervisionRef, TreeStub};

/// An application that has been started: its tree's stub, its end, and the way to stop it. Cheap to clone; that it is
/// dropped means nothing to the application.
///
/// From [`Application::start`](super::Application::start), or by its name from [`Node::application`].
#[derive(Clone)]
pub struct Running<R> {
    running_application: Arc<RunningApplication>,
    stub: R,
}

/// An application as [`Node::applications`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationInfo {
    /// Its name.
    pub name: String,
    /// What becomes of the node when it ends.
    pub kind: ApplicationKind,
    /// Those that it comes after.
    pub after: Vec<String>,
    /// Whether it is up: through its start, and not told to stop.
    pub up: bool,
    /// Its root, which describes the whole tree.
    pub supervisor: SupervisionRef,
}

impl<R: TreeStub> Running<R> {
    pub(super) fn new(running_application: Arc<RunningApplication>, stub: R) -> Running<R> {
        Running { running_application, stub }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.running_application.name()
    }

    /// The stub of its tree, with a method for each child.
    pub fn tree(&self) -> &R {
        &self.stub
    }

    /// Stops those that come after it, last started first, then itself: its children in reverse order. Resolves with
    /// the reason it ended for. As
    /// [`application:stop/1`](https://www.erlang.org/doc/apps/kernel/application.html#stop/1), which leaves the
    /// others without what they need. The node goes on, also without a permanent one.
    ///
    /// Cancel-safe: it stops all the same.
    pub fn stop(&self) -> impl Future<Output = Exit> + Send + use<R> {
        let running_application = Arc::clone(&self.running_application);
        running_application.node().spawner().spawn(Arc::clone(&running_application).stop_with_dependents());
        async move { running_application.ended().await }
    }

    /// Resolves when it has ended, with the reason. A root supervisor that gave up says whose restart was one too
    /// many. Cancel-safe.
    pub fn ended(&self) -> impl Future<Output = Exit> + Send + use<R> {
        let running_application = Arc::clone(&self.running_application);
        async move { running_application.ended().await }
    }

    /// Waits for its end, as a `main` does that has nothing else to do. Cancel-safe.
    ///
    /// # Errors
    /// The reason, if something went wrong: any but a normal end or a shutdown.
    pub async fn join(&self) -> Result<(), Exit> {
        let reason = self.ended().await;
        if reason.is_orderly() { Ok(()) } else { Err(reason) }
    }
}

impl<R> fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.running_application.name()).finish()
    }
}

impl Node {
    /// The applications of this node in the order in which they started, as
    /// [`application:which_applications/0`](https://www.erlang.org/doc/apps/kernel/application.html#which_applications/0).
    /// They stop in the reverse of it.
    pub fn applications(&self) -> Vec<ApplicationInfo> {
        let info = |running_application: Arc<RunningApplication>| {
            Some(ApplicationInfo {
                name: running_application.name().to_owned(),
                kind: running_application.kind(),
                after: running_application.after().to_vec(),
                up: running_application.is_up(),
                supervisor: running_application.supervisor()?.clone(),
            })
        };
        RunningApplication::all(self).into_iter().filter_map(info).collect()
    }

    /// The application of this name, if it is up and `R` is its tree's stub.
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
        let running_application = RunningApplication::all(self)
            .into_iter()
            .find(|running_application| running_application.name() == name && running_application.is_up())?;
        let stub = running_application.stub()?;
        Some(Running { running_application, stub })
    }
}
