//! Applications before their start.

use std::future::Future;

use super::running_application::RunningApplication;
use super::spec::{ApplicationKind, ApplicationSpec};
use super::{ApplicationError, Running};
use crate::base::Shutdown;
use crate::node::Node;
use crate::supervisor::TreeRoot;

/// A supervision tree with a name, which starts after the applications that it depends on and stops as a whole.
///
/// From OTP's [`application`](https://www.erlang.org/doc/apps/kernel/application.html), without its environment: a tree
/// gets its configuration from the fields of its struct, which
/// [`Settings`](https://docs.rs/greenroom/latest/greenroom/struct.Settings.html) can load.
///
/// ```
/// use greenroom::Application;
/// use greenroom::prelude::*;
///
/// #[actor]
/// #[derive(Default)]
/// struct Rooms {
///     names: Vec<String>,
/// }
///
/// #[actor]
/// impl Rooms {
///     #[call]
///     fn open(&mut self, name: String) -> usize {
///         self.names.push(name);
///         self.names.len()
///     }
/// }
///
/// #[supervisor]
/// struct ChatTree {
///     #[child]
///     rooms: Rooms,
/// }
///
/// #[supervisor]
/// struct StorageTree {}
///
/// #[greenroom::main]
/// async fn main() -> greenroom::Result {
///     Application::new("storage", StorageTree {}).start().await?;
///     let chat = Application::new("chat", ChatTree {}).after("storage").permanent().start().await?;
///     assert_eq!(chat.tree().rooms().open("lobby".into()).await?, 1);
///     Ok(()) // stops `chat`, then `storage`
/// }
/// ```
#[must_use = "an application runs only once it is started"]
pub struct Application<T> {
    pub(super) spec: ApplicationSpec,
    pub(super) root: T,
}

impl<T: TreeRoot> Application<T> {
    /// Creates an application with OTP's defaults: temporary, without dependencies, unlimited time to stop.
    ///
    /// `root` is a struct with [`#[supervisor]`](attr.supervisor.html), or a
    /// [`Supervisor`](crate::Supervisor).
    pub fn new(name: impl Into<String>, root: T) -> Application<T> {
        let (kind, shutdown) = (ApplicationKind::Temporary, Shutdown::Forever);
        Application { spec: ApplicationSpec { name: name.into(), after: Vec::new(), kind, shutdown }, root }
    }

    /// Adds a dependency: this application starts only if the other one is up, and stops before it.
    pub fn after(mut self, name: impl Into<String>) -> Application<T> {
        self.spec.after.push(name.into());
        self
    }

    /// Makes the application permanent: when it ends, the node stops.
    pub fn permanent(self) -> Application<T> {
        self.kind(ApplicationKind::Permanent)
    }

    /// Makes the application transient: when it ends because of a failure, the node stops.
    pub fn transient(self) -> Application<T> {
        self.kind(ApplicationKind::Transient)
    }

    /// Makes the application temporary: when it ends, the end is logged. This is the default.
    pub fn temporary(self) -> Application<T> {
        self.kind(ApplicationKind::Temporary)
    }

    /// Sets the consequence for the node when the application ends without being stopped.
    pub fn kind(mut self, kind: ApplicationKind) -> Application<T> {
        self.spec.kind = kind;
        self
    }

    /// Sets the time that the whole application gets to stop. Then the processes that are left are killed.
    ///
    /// The default is unlimited, since each child has a `shutdown` of its own.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Application<T> {
        self.spec.shutdown = shutdown;
        self
    }

    /// Starts the application on the current node. Resolves when all children have finished their `init`.
    ///
    /// To start several applications in the right order, use [`Applications`](super::Applications). Not cancel-safe: if
    /// the future is dropped, the application continues to start and to run. From OTP's
    /// [`application:start/1`](https://www.erlang.org/doc/apps/kernel/application.html#start/1).
    ///
    /// # Errors
    /// - [`ApplicationError::NotStarted`]: a dependency is not up.
    /// - [`ApplicationError::AlreadyStarted`]: an application of this name has been started.
    /// - [`ApplicationError::Tree`]: a child did not start. The children that had started are stopped again.
    /// - [`ApplicationError::Stopping`]: the node is stopping.
    ///
    /// # Panics
    /// If there is no current node, as [`Node::current`]. Use [`Node::start_application`] there.
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<Running<T::Ref>, ApplicationError>> + Send {
        self.start_at(&Node::current())
    }

    pub(super) fn start_at(
        self,
        node: &Node,
    ) -> impl Future<Output = Result<Running<T::Ref>, ApplicationError>> + Send + use<T> {
        let reserved = RunningApplication::reserve(node, self.spec)
            .map(|application| (application.start_tree(self.root), application));
        async move {
            let (starting, application) = reserved?;
            let stub = starting.await?;
            Ok(Running::new(application, stub))
        }
    }

    pub(super) fn spec(&self) -> &ApplicationSpec {
        &self.spec
    }
}

#[cfg(feature = "supervision")]
impl Node {
    /// Starts an application on this node, as [`Application::start`]. Not cancel-safe: if the future is dropped, the
    /// application continues to start and to run.
    ///
    /// # Errors
    /// The application did not start, as with [`Application::start`].
    pub async fn start_application<T: TreeRoot>(
        &self,
        application: Application<T>,
    ) -> Result<Running<T::Ref>, ApplicationError> {
        application.start_at(self).await
    }
}
