//! What `#[greenroom::main]` and `#[greenroom::test]` turn into.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use crate::base::{Exit, Shutdown};
use crate::node::Node;
use crate::termination::Termination;

/// How long everything may take to stop, where `#[greenroom::main(shutdown = ..)]` says nothing: as long as most that
/// start programs wait before they kill one.
pub const SHUTDOWN: Shutdown = Shutdown::After(Duration::from_secs(30));

/// Runs a program: a node from the environment, the body on it, then everything stops in order.
///
/// An error goes to standard error in one line, and the exit code is 1.
pub fn main<F>(shutdown: Shutdown, body: F) -> ExitCode
where
    F: Future<Output: Termination>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the runtime: {error}")),
    };
    let outcome = runtime.block_on(async {
        let node = from_environment().await?;
        let body = async { body.await.failure().map_or(Ok(()), |failure| Err(Exit::error(failure))) };
        node.run(shutdown, body).await.map_err(|reason| reason.to_string())
    });
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &str) -> ExitCode {
    eprintln!("error: {failure}");
    ExitCode::FAILURE
}

async fn from_environment() -> Result<Node, String> {
    #[cfg(feature = "net")]
    if let Some(builder) = crate::cluster::NodeBuilder::from_environment().map_err(|error| error.to_string())? {
        return builder.start().await.map_err(|error| error.to_string());
    }
    Ok(Node::local())
}

/// Which clock a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestClock {
    /// Stands still, and jumps to the next timer when nobody has anything to do.
    Paused,
    /// The real one, for tests with real sockets and threads.
    Real,
}

/// Runs a test on a fresh local node.
///
/// # Panics
/// When the body does, and when it returns an error: that fails the test.
#[track_caller]
pub fn test<F>(clock: TestClock, body: F)
where
    F: Future<Output: Termination>,
{
    match clock {
        #[cfg(feature = "test")]
        TestClock::Paused => crate::testing::paused(body),
        #[cfg(not(feature = "test"))]
        TestClock::Paused => {
            drop(body);
            panic!("a paused clock needs greenroom's feature `test`: add it under [dev-dependencies]")
        }
        TestClock::Real => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let failure = runtime.expect("a test needs a runtime").block_on(async {
                let node = Node::local();
                let failure = node.scope(body).await.failure();
                node.stop().await;
                failure
            });
            if let Some(failure) = failure {
                panic!("the test returned an error: {failure}");
            }
        }
    }
}
