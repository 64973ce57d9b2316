//! Supervisors that are built at run time.

use std::future::Future;
use std::time::Duration;

use super::TreeRoot;
use super::root::{PendingTree, start_root};
use crate::actor::{Context, Process};
use crate::base::StartError;
use crate::node::Node;
use crate::supervisor::child::{BoundSpec, CellSource, Children};
use crate::supervisor::spec::supervisor;
use crate::supervisor::{AutoShutdown, ChildOptions, ChildSpec, Strategy, SupervisionRef, SupervisorOptions};

/// A supervisor whose children are known only at run time.
///
/// If the children are known at compile time, use [`#[supervisor]`](attr.supervisor.html): its stub has a method for
/// each child. From OTP's [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::{ChildSpec, Strategy, Supervisor};
///
/// #[actor]
/// #[derive(Default)]
/// struct Counter(u64);
///
/// #[actor]
/// impl Counter {
///     #[call]
///     fn next(&mut self) -> u64 {
///         self.0 += 1;
///         self.0
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let tree = Supervisor::new(Strategy::OneForOne)
///     .intensity(3)
///     .period(Duration::from_secs(5))
///     .child("first", ChildSpec::new(Counter::default))
///     .start()
///     .await?;
/// let second: CounterRef = tree.start_child("second", ChildSpec::new(Counter::default)).await?;
/// assert_eq!(second.next().await?, 1);
/// assert_eq!(tree.count_children().await?.active, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "a supervisor runs only once it is started"]
pub struct Supervisor {
    name: String,
    options: SupervisorOptions,
    children: Vec<(String, BindChild)>,
}

type BindChild = Box<dyn FnOnce(CellSource<'_>, &str) -> BoundSpec + Send>;

impl Supervisor {
    /// Creates a supervisor without children and with OTP's defaults: 1 restart in 5 s, no automatic shutdown.
    pub fn new(strategy: Strategy) -> Supervisor {
        let options = SupervisorOptions { strategy, ..SupervisorOptions::DEFAULT };
        Supervisor { name: "Supervisor".to_owned(), options, children: Vec::new() }
    }

    /// Sets the supervisor's name in logs and in the paths of its children, `/name/child`. The default is `Supervisor`.
    pub fn name(mut self, name: impl Into<String>) -> Supervisor {
        self.name = name.into();
        self
    }

    /// Sets the number of restarts that are allowed within the period. With one more the supervisor gives up. The default
    /// is 1.
    pub fn intensity(mut self, restarts: u32) -> Supervisor {
        self.options.intensity = restarts;
        self
    }

    /// Sets the time window in which restarts are counted. The default is 5 s.
    pub fn period(mut self, period: Duration) -> Supervisor {
        self.options.period = period;
        self
    }

    /// Sets when the supervisor shuts down because its significant children have exited. The default is never.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Supervisor {
        self.options.auto_shutdown = auto_shutdown;
        self
    }

    /// Adds a child, which starts after those that were added before.
    pub fn child<R: 'static>(mut self, id: impl Into<String>, spec: ChildSpec<R>) -> Supervisor {
        let bind: BindChild = Box::new(|cells, id| spec.bind(cells, id).1);
        self.children.push((id.into(), bind));
        self
    }

    /// Starts the supervisor on the current node.
    ///
    /// The children start in the order in which they were added, each after the `init` of the one before it. Resolves
    /// with the supervisor's stub after the last `init`.
    ///
    /// Not cancel-safe: if the future is dropped, the supervisor continues to start and to run.
    ///
    /// # Errors
    /// A child's `init` failed, a child's options contradict each other, or two children have one id. The error names the
    /// child. The children that had started are stopped again, in reverse order.
    ///
    /// # Panics
    /// If there is no current node, as [`Node::current`]. Use [`Node::start_supervisor`] there.
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<SupervisionRef, StartError>> + Send {
        self.start_on(Node::current(), |_| {})
    }

    /// Starts the supervisor on the caller's node, as [`start`](Supervisor::start), and links it to the caller.
    ///
    /// Not cancel-safe: if the future is dropped, the supervisor continues to start and to run.
    ///
    /// # Errors
    /// A child did not start, as with [`start`](Supervisor::start).
    pub fn start_link<A: Process>(
        self,
        cx: &Context<A>,
    ) -> impl Future<Output = Result<SupervisionRef, StartError>> + Send {
        self.start_on(cx.node().clone(), |supervisor| cx.link(supervisor))
    }

    fn start_on(
        self,
        node: Node,
        link: impl FnOnce(&SupervisionRef),
    ) -> impl Future<Output = Result<SupervisionRef, StartError>> + Send {
        self.prepare(&node, link).started()
    }

    fn add_children(self, children: &mut Children) -> SupervisorOptions {
        for (id, bind) in self.children {
            let spec = bind(children.cells().declared(), &id);
            children.push_declared(spec);
        }
        self.options
    }
}

impl TreeRoot for Supervisor {
    type Ref = SupervisionRef;

    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<SupervisionRef> {
        let name = self.name.clone();
        start_root(node.clone(), name, link, |children| {
            let options = self.add_children(children);
            (children.cells().supervisor(), options)
        })
    }
}

#[cfg(feature = "supervision")]
impl Node {
    /// Starts a supervisor on this node, as [`Supervisor::start`]. Not cancel-safe: if the future is dropped, the
    /// supervisor continues to start and to run.
    ///
    /// # Errors
    /// A child did not start, as with [`Supervisor::start`].
    pub async fn start_supervisor(&self, supervisor: Supervisor) -> Result<SupervisionRef, StartError> {
        supervisor.start_on(self.clone(), |_| {}).await
    }
}

impl ChildSpec<SupervisionRef> {
    /// Creates the spec of a nested supervisor that `make` makes for each start. The supervisor is permanent and gets
    /// unlimited time to stop.
    pub fn supervisor(mut make: impl FnMut() -> Supervisor + Send + 'static) -> ChildSpec<SupervisionRef> {
        ChildSpec::with(ChildOptions::SUPERVISOR, move |cells, id, options| {
            let cell = cells.supervisor_cell(id);
            let stub = cell.children.supervisor();
            (stub, supervisor(cell, id, options, false, move |children| make().add_children(children)))
        })
    }
}
