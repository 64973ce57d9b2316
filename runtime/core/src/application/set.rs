//! Applications that start together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::order::{Entry, start_order};
use super::running_application::RunningApplication;
use super::spec::ApplicationSpec;
use super::{Application, ApplicationError};
use crate::node::{Node, Service};
use crate::supervisor::TreeRoot;

/// Applications that start together, each after those that it depends on, in whatever order they were added.
///
/// From OTP's releases, and
/// [`application:ensure_all_started`](https://www.erlang.org/doc/apps/kernel/application.html#ensure_all_started/3).
///
/// ```
/// # use greenroom::prelude::*;
/// use greenroom::{Application, Applications};
/// # #[supervisor]
/// # struct ChatTree {}
/// # #[supervisor]
/// # struct StorageTree {}
///
/// #[greenroom::main]
/// async fn main() -> greenroom::Result {
///     Applications::new()
///         .with(Application::new("chat", ChatTree {}).after("storage").permanent())
///         .with(Application::new("storage", StorageTree {}))
///         .start()
///         .await?;
///     let names: Vec<_> = Node::current().applications().into_iter().map(|app| app.name).collect();
///     assert_eq!(names, ["storage", "chat"]);
///     Ok(())
/// }
/// ```
#[derive(Default)]
#[must_use = "applications run only once they are started"]
pub struct Applications {
    list: Vec<Box<dyn StartApplication>>,
}

/// An [`Application`] independent of the type of its tree.
trait StartApplication: Send {
    fn spec(&self) -> &ApplicationSpec;

    fn start(self: Box<Self>, node: &Node) -> StartFuture;
}

type StartFuture = Pin<Box<dyn Future<Output = Result<(), ApplicationError>> + Send>>;

impl<T: TreeRoot> StartApplication for Application<T> {
    fn spec(&self) -> &ApplicationSpec {
        Application::spec(self)
    }

    fn start(self: Box<Self>, node: &Node) -> StartFuture {
        let starting = self.start_at(node);
        Box::pin(async move { starting.await.map(drop) })
    }
}

impl Applications {
    /// Creates an empty set.
    pub fn new() -> Applications {
        Applications::default()
    }

    /// Adds an application.
    pub fn with<T: TreeRoot>(mut self, application: Application<T>) -> Applications {
        self.list.push(Box::new(application));
        self
    }

    /// Starts all applications on the current node, one after the other. Resolves when the last one is up.
    ///
    /// [`Node::application`] then finds each by its name. Not cancel-safe: if the future is dropped, the application that
    /// is starting continues, and no further one starts.
    ///
    /// # Errors
    /// - [`ApplicationError::NotStarted`], [`ApplicationError::DuplicateName`], [`ApplicationError::Cycle`],
    ///   [`ApplicationError::AlreadyStarted`]: no valid start order, or a name is taken. No application starts.
    /// - [`ApplicationError::Tree`], [`ApplicationError::Stopping`]: an application did not start. Those that this call
    ///   had started are stopped again, in reverse order.
    ///
    /// # Panics
    /// If there is no current node, as [`Node::current`]. Use [`Node::start_applications`] there.
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<(), ApplicationError>> + Send {
        self.start_on(Node::current())
    }

    async fn start_on(self, node: Node) -> Result<(), ApplicationError> {
        let order = {
            let entries: Vec<_> = self.list.iter().map(|application| entry(application.spec())).collect();
            let is_up = |name: &str| RunningApplication::find(&node, name).is_some_and(|found| found.is_up());
            start_order(&entries, is_up)?
        };
        let is_taken = |spec: &ApplicationSpec| RunningApplication::find(&node, &spec.name).is_some();
        if let Some(taken) = self.list.iter().find(|application| is_taken(application.spec())) {
            return Err(ApplicationError::AlreadyStarted(taken.spec().name.clone()));
        }
        let mut waiting: Vec<_> = self.list.into_iter().map(Some).collect();
        let mut started: Vec<Arc<RunningApplication>> = Vec::new();
        for index in order {
            let Some(application) = waiting[index].take() else { continue };
            let name = application.spec().name.clone();
            if let Err(error) = application.start(&node).await {
                for application in started.into_iter().rev() {
                    Service::stop(application).await;
                }
                return Err(error);
            }
            started.extend(RunningApplication::find(&node, &name));
        }
        Ok(())
    }
}

fn entry(spec: &ApplicationSpec) -> Entry<'_> {
    Entry { name: &spec.name, after: &spec.after }
}

#[cfg(feature = "supervision")]
impl Node {
    /// Starts applications on this node, as [`Applications::start`]. Not cancel-safe: if the future is dropped, the
    /// application that is starting continues, and no further one starts.
    ///
    /// # Errors
    /// An application did not start, as with [`Applications::start`].
    pub async fn start_applications(&self, applications: Applications) -> Result<(), ApplicationError> {
        applications.start_on(self.clone()).await
    }
}
