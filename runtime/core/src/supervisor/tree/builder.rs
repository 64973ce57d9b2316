use std::future::Future;
use std::time::Duration;

use super::TreeRoot;
use super::root::{PendingTree, root};
use crate::actor::{Context, Process};
use crate::base::StartError;
use crate::node::Node;
use crate::supervisor::child::{Children, Places, Slot};
use crate::supervisor::spec::nested;
use crate::supervisor::{AutoShutdown, ChildOptions, ChildSpec, Strategy, SupervisionRef, SupervisorOptions};

/// A supervisor whose children are known only at run time. Where they are known before, write
/// [`#[supervisor]`](attr.supervisor.html): its stub has a method for each.
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
    flags: SupervisorOptions,
    children: Vec<(String, Planter)>,
}

type Planter = Box<dyn FnOnce(&Places, &str) -> Slot + Send>;

impl Supervisor {
    /// One without children yet, and OTP's defaults: at most one restart in 5 s, no automatic shutdown.
    pub fn new(strategy: Strategy) -> Supervisor {
        let flags = SupervisorOptions { strategy, ..SupervisorOptions::DEFAULT };
        Supervisor { name: "Supervisor".to_owned(), flags, children: Vec::new() }
    }

    /// What it is called in reports, and in the places of its children: `/name/child`.
    pub fn name(mut self, name: impl Into<String>) -> Supervisor {
        self.name = name.into();
        self
    }

    /// More restarts than this within the period, and it gives up.
    pub fn intensity(mut self, restarts: u32) -> Supervisor {
        self.flags.intensity = restarts;
        self
    }

    /// The window in which restarts count.
    pub fn period(mut self, period: Duration) -> Supervisor {
        self.flags.period = period;
        self
    }

    /// Whether it ends with its significant children.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Supervisor {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    /// One more child, started after those before it.
    pub fn child<R: 'static>(mut self, id: impl Into<String>, spec: ChildSpec<R>) -> Supervisor {
        let planter: Planter = Box::new(|places, id| spec.plant(places, id).1);
        self.children.push((id.into(), planter));
        self
    }

    /// Starts the children in order, each when the one before it is through its `init`, on the current node.
    ///
    /// Not cancel-safe: dropped midway, it goes on.
    ///
    /// # Errors
    /// A child that did not start, or whose options contradict each other, or whose id another one has; those
    /// that had started are stopped again, in reverse.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`Node::start_supervisor`].
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<SupervisionRef, StartError>> + Send {
        self.start_on(Node::current(), |_| {})
    }

    /// As [`start`](Supervisor::start), linked to the caller's process.
    ///
    /// # Errors
    /// As [`start`](Supervisor::start).
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
        self.prepare(&node, link).grown()
    }

    fn plant(self, children: &mut Children) -> SupervisorOptions {
        for (id, planter) in self.children {
            let slot = planter(children.places(), &id);
            children.push(Slot { fixed: true, ..slot });
        }
        self.flags
    }
}

impl TreeRoot for Supervisor {
    type Ref = SupervisionRef;

    fn prepare(self, node: &Node, link: impl FnOnce(&SupervisionRef)) -> PendingTree<SupervisionRef> {
        let name = self.name.clone();
        root(node.clone(), name, link, |children| {
            let flags = self.plant(children);
            (children.places().supervisor(), flags)
        })
    }
}

impl Node {
    /// Starts a supervisor on this node. Not cancel-safe, as [`Supervisor::start`].
    ///
    /// # Errors
    /// As [`Supervisor::start`].
    pub async fn start_supervisor(&self, supervisor: Supervisor) -> Result<SupervisionRef, StartError> {
        supervisor.start_on(self.clone(), |_| {}).await
    }
}

impl ChildSpec<SupervisionRef> {
    /// A nested supervisor, made anew for each of its lives. Permanent, as long to stop as it takes.
    pub fn supervisor(mut make: impl FnMut() -> Supervisor + Send + 'static) -> ChildSpec<SupervisionRef> {
        let plant = move |places: &Places, id: &str, options| {
            let slot = nested(places, id, options, false, move |children| make().plant(children));
            (places.nested(id).places.supervisor(), slot)
        };
        ChildSpec { options: ChildOptions::SUPERVISOR, plant: Box::new(plant) }
    }
}
