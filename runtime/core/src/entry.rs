//! The functions that `#[greenroom::main]` and `#[greenroom::test]` expand to.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

#[cfg(feature = "registry")]
use crate::application::Transferable;
use crate::base::{Exit, Shutdown};
#[cfg(feature = "net")]
use crate::cluster::NodeBuilder;
#[cfg(feature = "inspect")]
use crate::inspect::Inspectable;
use crate::log;
use crate::node::Node;
#[cfg(feature = "registry")]
use crate::registry::LocalView;
#[cfg(feature = "registry")]
use crate::registry::TransferableKeys;
use crate::termination::{self, Body, Termination};

/// The time that everything may take to stop, without `#[greenroom::main(shutdown = ..)]`: 30 s, which is as long as
/// most service managers wait before they kill a program.
pub const DEFAULT_SHUTDOWN: Shutdown = Shutdown::After(Duration::from_secs(30));

/// Runs a program: starts the node, runs `body` on it, and then stops everything in order.
///
/// An error is written to standard error in one line, and the exit code is 1. `with_causes` returns its text with those
/// of its causes, or `None` if the type of the error has none.
pub fn main<F>(
    shutdown: Shutdown,
    node: impl Future<Output = Result<Node, String>>,
    body: F,
    with_causes: impl FnOnce(&F::Output) -> Option<String>,
) -> ExitCode
where
    F: Future<Output: Termination>,
{
    #[cfg(all(feature = "upgrade", unix))]
    crate::upgrade::begin_process();
    // Boxed as for [`Body`].
    let body = Box::pin(async move {
        let outcome = body.await;
        with_causes(&outcome).or_else(|| outcome.failure())
    });
    run_main(shutdown, Box::pin(node), body)
}

fn run_main(
    shutdown: Shutdown,
    node: Pin<Box<dyn Future<Output = Result<Node, String>> + '_>>,
    body: Body<'_>,
) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the tokio runtime: {error}")),
    };
    let outcome = runtime.block_on(async {
        let node = node.await?;
        let body = async { body.await.map_or(Ok(()), |failure| Err(Exit::error(failure))) };
        node.run(shutdown, body).await.map_err(|reason| reason.to_string())
    });
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &str) -> ExitCode {
    eprintln!("error: {}", log::Escaped(failure));
    ExitCode::FAILURE
}

/// Starts the node that the `GREENROOM_*` variables define; without `GREENROOM_NODE` a local one.
///
/// # Errors
/// A variable has no valid value, or the node cannot start.
pub async fn node_from_environment() -> Result<Node, String> {
    // Without a word, the program would connect by a cookie instead.
    #[cfg(all(feature = "net", not(feature = "tls")))]
    if let Some(name) = ["GREENROOM_TLS_CA", "GREENROOM_TLS_CERT", "GREENROOM_TLS_KEY"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|path| !path.is_empty()))
    {
        return Err(format!("`{name}` is set, but the program was built without greenroom's feature `tls`"));
    }
    #[cfg(feature = "net")]
    if let Some(builder) = NodeBuilder::from_environment().map_err(with_causes)? {
        return with_upper_layers(builder).start().await.map_err(with_causes);
    }
    #[cfg(not(feature = "net"))]
    if std::env::var_os("GREENROOM_NODE").is_some_and(|name| !name.is_empty()) {
        return Err("`GREENROOM_NODE` is set, but the program was built without greenroom's feature `net`".to_owned());
    }
    #[cfg(all(feature = "upgrade", unix))]
    return Ok(crate::upgrade::local_node().await);
    #[cfg(not(all(feature = "upgrade", unix)))]
    Ok(Node::local())
}

#[cfg(feature = "net")]
impl Node {
    /// Configures a node that other nodes can reach. Its name has the form `name@host`, as `pong@gollum`.
    ///
    /// ```no_run
    /// # use greenroom::{Cookie, Node};
    /// # async fn run() -> greenroom::Result {
    /// let node = Node::builder("pong@gollum")
    ///     .cookie(Cookie::load()?)
    ///     .listen("0.0.0.0:9100")
    ///     .advertise("gollum:9100")
    ///     .seed("kosken:9100")
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    // Not beside `NodeBuilder`: what each node exports is in the layers above it.
    pub fn builder(name: impl AsRef<str>) -> NodeBuilder {
        with_upper_layers(NodeBuilder::new(name))
    }
}

/// Lets other nodes inspect the node, gives it the default registry, and lets it be upgraded.
#[cfg(feature = "net")]
fn with_upper_layers(builder: NodeBuilder) -> NodeBuilder {
    #[cfg(feature = "inspect")]
    let builder = builder.export::<Inspectable>();
    #[cfg(feature = "registry")]
    let builder = builder.registry(LocalView::default()).export::<Transferable>().export::<TransferableKeys>();
    #[cfg(all(feature = "upgrade", unix))]
    let builder = crate::upgrade::take_part(builder);
    builder
}

/// A stand-in for the function of the feature `net`: its use is a compiler error that names the feature.
#[cfg(not(feature = "net"))]
impl Node {
    #[doc(hidden)]
    pub fn builder<N: NeedsFeatureNet, B>(name: N) -> B {
        name.builder()
    }
}

/// Implemented by nothing.
#[cfg(not(feature = "net"))]
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`Node::builder` needs greenroom's feature `net`",
    label = "the feature `net` is off",
    note = "write `greenroom = {{ .., features = [\"net\"] }}` in `Cargo.toml`"
)]
pub trait NeedsFeatureNet {
    fn builder<B>(self) -> B;
}

/// Starts the node of `#[greenroom::main(node = ..)]`.
///
/// # Errors
/// The node was not built, or cannot start.
// Boxed: with an `async fn`, a value of another type would be two compiler errors.
pub fn built_node<N: IntoNode>(node: N) -> Pin<Box<dyn Future<Output = Result<Node, String>>>> {
    Box::pin(async { node.into_node().await.map_err(|reason| reason.to_string()) })
}

/// A value of `#[greenroom::main(node = ..)]`: a node, the builder of one, or a `Result` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a node",
    label = "expected a `Node`, a `NodeBuilder`, or a `Result` of one of them",
    note = "for an `async` function, write `node = build().await`"
)]
pub trait IntoNode: 'static {
    /// Starts the node, unless it runs.
    ///
    /// # Errors
    /// The node was not built, or cannot start.
    fn into_node(self) -> impl Future<Output = Result<Node, Exit>>;
}

#[diagnostic::do_not_recommend]
impl IntoNode for Node {
    async fn into_node(self) -> Result<Node, Exit> {
        Ok(self)
    }
}

#[cfg(feature = "net")]
#[diagnostic::do_not_recommend]
impl IntoNode for NodeBuilder {
    async fn into_node(self) -> Result<Node, Exit> {
        Ok(self.start().await?)
    }
}

#[diagnostic::do_not_recommend]
impl<N: IntoNode, E: Into<Exit> + 'static> IntoNode for Result<N, E> {
    async fn into_node(self) -> Result<Node, Exit> {
        self.map_err(Into::into)?.into_node().await
    }
}

/// An error's text, with the texts of its causes.
#[cfg(feature = "net")]
fn with_causes(error: crate::cluster::NodeError) -> String {
    Exit::from(error).to_string()
}

/// The clock of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestClock {
    /// A clock that stands still while a process can run, and then jumps to the next timer.
    Paused,
    /// The real clock, for tests with real sockets and threads.
    Real,
}

/// The options of `#[greenroom::test]`.
#[derive(Clone, Copy, Debug)]
pub struct TestOptions {
    /// The test's clock.
    pub clock: TestClock,
    /// Lets the test pass although a process has crashed and nothing has noticed it.
    pub expect_crash: bool,
    /// The time that the test may take by a paused clock.
    pub time_limit: Option<Duration>,
}

/// Runs a test on a fresh local node.
///
/// # Panics
/// The body panics or returns an error, which fails the test. With the feature `test` also if a process has crashed unseen
/// and [`expect_crash`](TestOptions::expect_crash) is not set. With [`TestClock::Paused`] also if that feature is off.
#[track_caller]
pub fn test<F>(options: TestOptions, body: F)
where
    F: Future<Output: Termination>,
{
    run_test(options, termination::body(body));
}

#[track_caller]
fn run_test(options: TestOptions, body: Body<'_>) {
    match options.clock {
        #[cfg(feature = "test")]
        TestClock::Paused => crate::testing::run_paused(options.expect_crash, options.time_limit, body),
        #[cfg(not(feature = "test"))]
        TestClock::Paused => {
            drop(body);
            panic!("a paused clock needs greenroom's feature `test`: add it under [dev-dependencies]")
        }
        TestClock::Real => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let failure = runtime.expect("a tokio runtime").block_on(async {
                let node = Node::local();
                #[cfg(feature = "test")]
                let test_run = node.begin_test_run();
                let failure = node.scope(body).await;
                node.stop().await;
                if let Some(failure) = failure {
                    return Some(format!("the test returned an error: {failure}"));
                }
                #[cfg(feature = "test")]
                if !options.expect_crash {
                    return test_run.crashes().failure();
                }
                None
            });
            if let Some(failure) = failure {
                panic!("{failure}");
            }
        }
    }
}
