//! Applications that are started on other nodes.

use std::error::Error;
use std::fmt;

use super::spec::ApplicationSpec;
use super::{Application, ApplicationError};
use crate::base::{CallErrorKind, Decoder, Right};
use crate::node::{AddExport, Node, Serve};
use crate::remote::{SpawnError, Starting};
use crate::supervisor::{RemoteTree, Tree, TreeRequest, export_tree, request_tree};

/// The reason why an application was not started on another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartOnError {
    /// The request was not served. After [`SpawnError::NoConnection`] the application may run.
    Request(SpawnError),
    /// The node has the request, and did not start the application.
    Application(ApplicationError),
}

impl fmt::Display for StartOnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartOnError::Request(error) => error.fmt(f),
            StartOnError::Application(error) => error.fmt(f),
        }
    }
}

impl Error for StartOnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The text is that of the inner error, and so is its cause.
        match self {
            StartOnError::Request(error) => error.source(),
            StartOnError::Application(error) => error.source(),
        }
    }
}

/// The constructor by which an application is requested. Those of actors are names of functions.
const APPLICATION: &str = "an application";

impl<T: Tree> Application<T> {
    /// Starts the application on another node, and resolves with the stub of its tree when all children have finished their
    /// `init`.
    ///
    /// The node [exports](crate::NodeBuilder::export) the tree. The fields of the tree are sent there, so they have serde's
    /// traits. The application belongs to that node, as if it had been started there: it continues when the connection is
    /// lost, it starts after applications of that node, and stops with the node, in order. On the caller's own node it is
    /// started there, without a request.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::Application;
    /// # use serde::{Deserialize, Serialize};
    /// # #[actor]
    /// # #[derive(Default)]
    /// # struct Ledger {}
    /// # #[actor]
    /// # impl Ledger { #[call] fn total(&self) -> u64 { 0 } }
    /// #[supervisor]
    /// #[derive(Serialize, Deserialize)]
    /// struct BillingTree {
    ///     currency: String,
    ///     #[child]
    ///     ledger: Ledger,
    /// }
    ///
    /// # async fn use_it() -> greenroom::Result {
    /// let tree = BillingTree { currency: "EUR".into() };
    /// let billing = Application::new("billing", tree).start_on("b@two").await?;
    /// billing.ledger().total().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Not cancel-safe: if the future is dropped, the application continues to start and to run.
    ///
    /// # Errors
    /// - [`StartOnError::Request`]: the node cannot be reached, does not export the tree, or has other fields for it.
    /// - [`StartOnError::Application`]: as with [`start`](Application::start) on that node.
    ///
    /// # Panics
    /// Outside of any node, like [`Node::current`].
    #[track_caller]
    pub fn start_on(self, node: impl AsRef<str>) -> Starting<'static, T::Ref, StartOnError>
    where
        T: RemoteTree,
    {
        let (own, at) = (Node::current(), node.as_ref());
        let started = if at == own.name().as_str() {
            Ok(self.start_at(&own))
        } else {
            Err(request_tree::<T, ApplicationError, ApplicationSpec>(&own, at, APPLICATION, &self.spec, self.root))
        };
        Starting::new(async move {
            match started {
                Ok(local) => local.await.map(|running| running.tree().clone()),
                Err(remote) => remote.await.map_err(StartOnError::Request)?,
            }
            .map_err(StartOnError::Application)
        })
    }
}

/// A [`RemoteTree`] as the bound of an impl that the macro makes for each tree. The compiler assumes a bound with a
/// lifetime in it to hold, so a tree that cannot be sent is an error only where it is exported.
pub trait ExportedTree<'a>: RemoteTree {}

impl<T: RemoteTree> ExportedTree<'_> for T {}

/// Adds the code that starts a tree for other nodes, alone or as an application.
pub fn export<T: RemoteTree>(exports: &mut impl AddExport) {
    export_tree::<T>(exports);
    exports.__add(T::NAME.to_owned(), APPLICATION, Serve { right: Right::Spawn, serve: serve_application::<T> });
}

/// Serves a request for an application.
fn serve_application<T: RemoteTree>(node: &Node, decoder: Decoder<'_>) -> Result<(), CallErrorKind> {
    let request = TreeRequest::<T, ApplicationError, ApplicationSpec>::read(node, decoder)?;
    let TreeRequest { reply, more: spec, tree } = request;
    let starting = Application { spec, root: tree }.start_at(node);
    node.spawner().spawn(async move { reply.send(starting.await.map(|running| running.sent_cells())) });
    Ok(())
}
