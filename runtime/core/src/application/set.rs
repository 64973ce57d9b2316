use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::order::{Entry, order};
use super::running_application::{ApplicationSpec, RunningApplication};
use super::{Application, ApplicationError};
use crate::node::{Node, Service};
use crate::supervisor::TreeRoot;

/// Applications that start together, each after those that it needs, in whatever order they were given: what a
/// release is to OTP, and `application:ensure_all_started`.
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
    list: Vec<Box<dyn Begin>>,
}

/// An application of whatever tree.
trait Begin: Send {
    fn terms(&self) -> &ApplicationSpec;

    fn begin(self: Box<Self>, node: &Node) -> Beginning;
}

type Beginning = Pin<Box<dyn Future<Output = Result<(), ApplicationError>> + Send>>;

impl<T: TreeRoot> Begin for Application<T> {
    fn terms(&self) -> &ApplicationSpec {
        Application::terms(self)
    }

    fn begin(self: Box<Self>, node: &Node) -> Beginning {
        let starting = self.start_on(node);
        Box::pin(async move { starting.await.map(drop) })
    }
}

impl Applications {
    /// None yet.
    pub fn new() -> Applications {
        Applications::default()
    }

    /// One more.
    pub fn with<T: TreeRoot>(mut self, application: Application<T>) -> Applications {
        self.list.push(Box::new(application));
        self
    }

    /// Starts all on the current node, one after the other; resolves when the last one is up.
    /// [`Node::application`] finds each by its name.
    ///
    /// Not cancel-safe: dropped midway, what has begun goes on and nothing further begins.
    ///
    /// # Errors
    /// Their dependencies cannot be met: then nothing has started. Or one does not start: then those that this call
    /// had started are stopped again, in reverse.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::start_applications`].
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<(), ApplicationError>> + Send {
        self.start_on(Node::current())
    }

    async fn start_on(self, node: Node) -> Result<(), ApplicationError> {
        let order = {
            let entries: Vec<_> = self.list.iter().map(|application| entry(application.terms())).collect();
            order(&entries, |name| find(&node, name).is_some_and(|running_application| running_application.is_up()))?
        };
        if let Some(taken) = self.list.iter().find(|application| find(&node, &application.terms().name).is_some()) {
            return Err(ApplicationError::AlreadyStarted(taken.terms().name.clone()));
        }
        let mut waiting: Vec<_> = self.list.into_iter().map(Some).collect();
        let mut started = Vec::new();
        for index in order {
            let Some(application) = waiting[index].take() else { continue };
            let name = application.terms().name.clone();
            if let Err(error) = application.begin(&node).await {
                for running_application in started.into_iter().rev() {
                    Service::stop(running_application).await;
                }
                return Err(error);
            }
            started.extend(find(&node, &name));
        }
        Ok(())
    }
}

fn entry(terms: &ApplicationSpec) -> Entry<'_> {
    Entry { name: &terms.name, after: &terms.after }
}

fn find(node: &Node, name: &str) -> Option<Arc<RunningApplication>> {
    RunningApplication::all(node).into_iter().find(|running_application| running_application.name() == name)
}

impl Node {
    /// Starts applications on this node, as [`Applications::start`].
    ///
    /// # Errors
    /// As [`Applications::start`].
    pub async fn start_applications(&self, applications: Applications) -> Result<(), ApplicationError> {
        applications.start_on(self.clone()).await
    }
}
