use std::future::Future;
use std::time::Duration;

use super::children::{Slot, nested, once, worker};
use super::tree::{PendingTree, TreeRoot, root};
use super::{
    AutoShutdown, Backoff, ChildOptions, Children, Places, Restart, Strategy, SupervisionRef, SupervisorOptions, Tree,
    WhileDown,
};
use crate::actor::{Context, Process};
use crate::base::{Shutdown, StartError};
use crate::node::Node;

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

/// How a child that is known only at run time is made and treated. `R` is its stub.
#[must_use = "a child is started by the supervisor that it is given to"]
pub struct ChildSpec<R> {
    options: ChildOptions,
    plant: Plant<R>,
}

type Plant<R> = Box<dyn FnOnce(&Places, &str, ChildOptions) -> (R, Slot) + Send>;

impl<R: 'static> ChildSpec<R> {
    /// A child that `make` makes anew for each of its lives. Permanent, 5 s to stop.
    pub fn new<A: Process>(make: impl FnMut() -> A + Send + 'static) -> ChildSpec<R>
    where
        A::Protocol: crate::actor::Stubbed<Ref = R>,
    {
        let plant = |places: &Places, id: &str, options| (places.stub::<A>(id), worker(places, id, options, make));
        ChildSpec { options: ChildOptions::DEFAULT, plant: Box::new(plant) }
    }

    /// A child that lives once: temporary. 5 s to stop.
    pub fn once<A: Process>(actor: A) -> ChildSpec<R>
    where
        A::Protocol: crate::actor::Stubbed<Ref = R>,
    {
        let plant = |places: &Places, id: &str, options| {
            let options = ChildOptions { restart: Restart::Temporary, ..options };
            let slot = once(places.cell::<A>(id), id.into(), options, actor);
            (places.stub::<A>(id), slot)
        };
        let options = ChildOptions { restart: Restart::Temporary, ..ChildOptions::DEFAULT };
        ChildSpec { options, plant: Box::new(plant) }
    }

    /// A nested tree, made anew for each of its lives. Permanent, as long to stop as it takes.
    pub fn tree<T: Tree<Ref = R>>(mut make: impl FnMut() -> T + Send + 'static) -> ChildSpec<R> {
        let plant = move |places: &Places, id: &str, options| {
            let grow = move |children: &mut Children| {
                T::plant(&std::sync::Arc::new(make()), children);
                T::FLAGS
            };
            (places.tree::<T>(id), nested(places, id, options, false, grow))
        };
        ChildSpec { options: ChildOptions::SUPERVISOR, plant: Box::new(plant) }
    }

    /// When it is restarted. One that lives [`once`](ChildSpec::once) is temporary, whatever is said.
    pub fn restart(mut self, restart: Restart) -> ChildSpec<R> {
        self.options.restart = restart;
        self
    }

    /// How long it may take to stop.
    pub fn shutdown(mut self, shutdown: Shutdown) -> ChildSpec<R> {
        self.options.shutdown = shutdown;
        self
    }

    /// Its end counts for the supervisor's automatic shutdown.
    pub fn significant(mut self) -> ChildSpec<R> {
        self.options.significant = true;
        self
    }

    /// Its restarts wait, between `min` and `max`, longer each time in a row.
    pub fn backoff(mut self, min: Duration, max: Duration) -> ChildSpec<R> {
        self.options.backoff = Some(Backoff { min, max });
        self
    }

    /// What becomes of messages while it is being restarted.
    pub fn while_down(mut self, while_down: WhileDown) -> ChildSpec<R> {
        self.options.while_down = while_down;
        self
    }

    pub(super) fn plant(self, places: &Places, id: &str) -> (R, Slot) {
        (self.plant)(places, id, self.options)
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
