use std::fmt;
use std::future::Future;

use super::running_application::{ApplicationSpec, RunningApplication};
use super::{ApplicationError, Running};
use crate::base::{Exit, Shutdown};
use crate::node::Node;
use crate::supervisor::TreeRoot;

/// A supervision tree that is started, stopped and missed as one: by its name, after those that it needs.
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
///
/// As OTP's [`application`](https://www.erlang.org/doc/apps/kernel/application.html), without its environment: what a
/// tree is started with are the fields of its struct, and where those come from is for
/// [`Settings`](https://docs.rs/greenroom/latest/greenroom/struct.Settings.html) to say.
#[must_use = "an application runs only once it is started"]
pub struct Application<T> {
    terms: ApplicationSpec,
    root: T,
}

/// What becomes of the node when an application ends by itself: OTP's `restart_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ApplicationKind {
    /// The node stops, whatever the reason.
    Permanent,
    /// The node stops if something went wrong: any reason but a normal end or a shutdown, and a root supervisor that
    /// gave up. (OTP cannot tell the latter from a shutdown.)
    Transient,
    /// The log tells it.
    Temporary,
}

impl<T: TreeRoot> Application<T> {
    /// One with OTP's defaults: temporary, after nobody; it may take as long to stop as its tree needs.
    ///
    /// `root` is a struct with [`#[supervisor]`](attr.supervisor.html), or a
    /// [`Supervisor`](crate::Supervisor).
    pub fn new(name: impl Into<String>, root: T) -> Application<T> {
        let (kind, shutdown) = (ApplicationKind::Temporary, Shutdown::Forever);
        Application { terms: ApplicationSpec { name: name.into(), after: Vec::new(), kind, shutdown }, root }
    }

    /// It needs this application: it starts only if that one is up, and stops before it. Any number of times.
    pub fn after(mut self, name: impl Into<String>) -> Application<T> {
        self.terms.after.push(name.into());
        self
    }

    /// When it ends, the node stops.
    pub fn permanent(self) -> Application<T> {
        self.kind(ApplicationKind::Permanent)
    }

    /// When it ends because something went wrong, the node stops.
    pub fn transient(self) -> Application<T> {
        self.kind(ApplicationKind::Transient)
    }

    /// When it ends, the log tells it. The default.
    pub fn temporary(self) -> Application<T> {
        self.kind(ApplicationKind::Temporary)
    }

    /// One of the three.
    pub fn kind(mut self, kind: ApplicationKind) -> Application<T> {
        self.terms.kind = kind;
        self
    }

    /// How long the whole of it may take to stop, before what is left is killed. As long as its tree needs, unless
    /// said otherwise: each child has a `shutdown` of its own.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Application<T> {
        self.terms.shutdown = shutdown;
        self
    }

    /// Starts it on the current node; resolves when all its children are through their `init`.
    ///
    /// Dropped midway, it starts all the same.
    ///
    /// # Errors
    /// One that it comes after is not up, one of its name is started already, the node stops, or its tree does not
    /// start: then nothing of it is left. To start several in the right order, see
    /// [`Applications`](super::Applications).
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::start_application`].
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<Running<T::Ref>, ApplicationError>> + Send {
        self.start_on(&Node::current())
    }

    pub(super) fn start_on(
        self,
        node: &Node,
    ) -> impl Future<Output = Result<Running<T::Ref>, ApplicationError>> + Send + use<T> {
        let begun = RunningApplication::reserve(node, self.terms)
            .map(|running_application| (running_application.begin(self.root), running_application));
        async move {
            let (starting, running_application) = begun?;
            let stub = starting.await?;
            Ok(Running::new(running_application, stub))
        }
    }

    pub(super) fn terms(&self) -> &ApplicationSpec {
        &self.terms
    }
}

impl Node {
    /// Starts an application on this node. Dropped midway, it starts all the same.
    ///
    /// # Errors
    /// As [`Application::start`].
    pub async fn start_application<T: TreeRoot>(
        &self,
        application: Application<T>,
    ) -> Result<Running<T::Ref>, ApplicationError> {
        application.start_on(self).await
    }
}

impl ApplicationKind {
    /// Whether the node stops when such an application ends for this reason.
    pub(super) fn is_fatal(self, reason: &Exit) -> bool {
        match self {
            ApplicationKind::Permanent => true,
            ApplicationKind::Transient => !reason.is_orderly(),
            ApplicationKind::Temporary => false,
        }
    }
}

impl fmt::Display for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApplicationKind::Permanent => "permanent",
            ApplicationKind::Transient => "transient",
            ApplicationKind::Temporary => "temporary",
        })
    }
}
