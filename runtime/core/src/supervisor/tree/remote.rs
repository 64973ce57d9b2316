//! Trees that are started on other nodes.
//!
//! A request has the tree itself, whose fields have serde's traits. The other node starts it as one of its own, and answers
//! with the stubs of the supervisors and of the children.

use std::future::Future;

use super::{PendingTree, Tree, TreeRoot};
use crate::base::{CallErrorKind, Decoder, DeserializeOwned, NodeName, Right, Serialize, StartError};
use crate::call::{Call, CallName, Reply, Request};
use crate::node::{AddExport, Node, Serve};
use crate::process::EncodedValue;
use crate::remote::{Argument, SpawnError};
use crate::supervisor::child::SentCells;

/// A tree that can be started on another node: a struct with `#[supervisor]` whose fields have serde's traits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be started on another node",
    label = "expected a tree that can be sent",
    note = "write `#[derive(Serialize, Deserialize)]` below `#[supervisor]`"
)]
pub trait RemoteTree: Tree + Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Tree + Serialize + DeserializeOwned> RemoteTree for T {}

/// The constructor by which a tree is requested. Those of actors are names of functions.
const TREE: &str = "#[supervisor]";

const REQUEST: &CallName = &CallName { protocol: "start of a tree", message: "start_on" };

/// Adds the code that starts a tree for other nodes.
pub(crate) fn export_tree<T: RemoteTree>(exports: &mut impl AddExport) {
    exports.__add(T::NAME.to_owned(), TREE, Serve { right: Right::Spawn, serve: serve_tree::<T> });
}

/// Starts a tree on the node `at`.
pub(super) fn start_tree_on<T: RemoteTree>(
    node: Node,
    at: &str,
    tree: T,
) -> impl Future<Output = Result<T::Ref, SpawnError>> + Send + use<T> {
    let started = if at == node.name().as_str() {
        Ok(tree.prepare(&node, |_| {}))
    } else {
        Err(request_tree::<T, StartError, ()>(&node, at, TREE, &(), tree))
    };
    async move {
        match started {
            Ok(local) => local.started().await,
            Err(remote) => remote.await?,
        }
        .map_err(SpawnError::Start)
    }
}

/// Requests a tree on the node `at` by this constructor, with more than the tree itself. `E` is the error with which the
/// node answers if the tree does not start.
pub(crate) fn request_tree<T, E, M>(
    node: &Node,
    at: &str,
    constructor: &'static str,
    more: &M,
    tree: T,
) -> impl Future<Output = Result<Result<T::Ref, E>, SpawnError>> + Send + use<T, E, M>
where
    T: RemoteTree,
    M: Serialize + 'static,
    E: Serialize + DeserializeOwned + Send + 'static,
{
    let sent = NodeName::new(at).map_err(SpawnError::Name).map(|at| {
        let request = Request { node, at: &at, name: T::NAME, constructor, call: REQUEST };
        let args = Argument { node: node.clone(), value: tree };
        let started: Call<Result<SentCells, E>> = request.send(|encoder| {
            encoder.field(more)?;
            encoder.field(&args)
        });
        started.forever()
    });
    let node = node.clone();
    async move {
        let cells = match sent?.await? {
            Ok(cells) => cells,
            Err(error) => return Ok(Err(error)),
        };
        let malformed = || CallErrorKind::Other("the stubs of a tree are in disorder".into());
        let cells = cells.into_cells(&node).ok_or_else(|| SpawnError::Failed(malformed()))?;
        Ok(Ok(T::stubs(&cells)))
    }
}

/// The parts of a request for a tree.
pub(crate) struct TreeRequest<T, E: 'static, M> {
    pub(crate) reply: Reply<Result<SentCells, E>>,
    pub(crate) more: M,
    pub(crate) tree: T,
}

impl<T: RemoteTree, E: Serialize + DeserializeOwned + Send + 'static, M: DeserializeOwned + 'static>
    TreeRequest<T, E, M>
{
    /// Reads the request of another node.
    ///
    /// # Errors
    /// The request cannot be read, or the tree has other fields here.
    pub(crate) fn read(node: &Node, mut decoder: Decoder<'_>) -> Result<TreeRequest<T, E, M>, CallErrorKind> {
        let reply = decoder.field()?;
        let more = decoder.field()?;
        let args: EncodedValue = decoder.field()?;
        decoder.finish()?;
        let incompatible = |reason| CallErrorKind::Incompatible(format!("`{}`: {reason}", T::NAME).into());
        let tree = args.read(node).map_err(incompatible)?;
        Ok(TreeRequest { reply, more, tree })
    }
}

/// Serves a request for a tree.
fn serve_tree<T: RemoteTree>(node: &Node, decoder: Decoder<'_>) -> Result<(), CallErrorKind> {
    let TreeRequest { reply, more: (), tree } = TreeRequest::<T, StartError, ()>::read(node, decoder)?;
    let pending: PendingTree<T::Ref> = tree.prepare(node, |_| {});
    let cells = pending.cells.clone();
    node.spawner().spawn(async move { reply.send(pending.started().await.map(|_| SentCells::of(&cells))) });
    Ok(())
}
