//! `Node::run`: the body of a program, and the shutdown after it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::nested::{NestedRun, OwnRun};
use super::os_signals::OsSignals;
use crate::base::{Exit, Shutdown};
use crate::node::Node;

/// The end of a run.
enum Ended {
    ByBody(Result<(), Exit>),
    /// An application has ended, or the end was requested.
    ByNode(Result<(), Exit>),
}

impl Node {
    /// Runs `body` with this node as the current one, and then stops the node. `#[greenroom::main]` does the same; this
    /// function is for programs that create their node themselves.
    ///
    /// The body is over when it returns, when a permanent application ends, or when the operating system requests the
    /// program's end by SIGTERM or ctrl-c. With the feature `upgrade` it is also over when a successor has taken over the
    /// node. In the last cases the body is dropped where it waits. Then applications,
    /// supervision trees and processes stop in order, within the time of `shutdown`. With [`Shutdown::After`], processes
    /// that are left after that time are killed, as by [`stop_within`](Node::stop_within). A second signal ends the
    /// program at once, with exit code 143 after SIGTERM and 130 after ctrl-c.
    ///
    /// A run inside the body of another node's run, as in a `main` with `#[greenroom::main]`, ends first: the body of the
    /// outer run is dropped when the node inside has stopped. Only the outer run receives signals.
    ///
    /// Signals need the feature `signal`, which is enabled by default. Without it, they keep their usual effect.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::{Application, Shutdown};
    /// # #[supervisor]
    /// # struct ShopTree {}
    /// # #[tokio::main]
    /// # async fn main() -> greenroom::Result {
    /// let node = Node::builder("shop@warehouse").start().await?;
    /// node.run(Shutdown::After(Duration::from_secs(30)), async {
    ///     let shop = Application::new("shop", ShopTree {}).permanent().start().await?;
    /// #   shop.stop().await;
    ///     shop.join().await
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// Not cancel-safe: dropping the future leaves the node running.
    ///
    /// # Errors
    /// The error of the body; otherwise the application that ended, with its reason; otherwise a [`StopTimeout`] for
    /// processes that were killed. A signal is not an error.
    ///
    /// # Panics
    /// In a tokio runtime without `enable_io` on Unix, which signals need.
    ///
    /// [`StopTimeout`]: crate::StopTimeout
    pub async fn run<F>(&self, shutdown: Shutdown, body: F) -> Result<(), Exit>
    where
        F: Future<Output = Result<(), Exit>>,
    {
        let nested = NestedRun::begin(self);
        let own = OwnRun::begin(self);
        // Kept until the node has stopped, for the second signal.
        let mut signals = if nested.is_some() { OsSignals::none() } else { OsSignals::listen(self) };
        let mut body = Box::pin(self.scope(body));
        let outcome = {
            let requested = async {
                match &nested {
                    Some(nested) => nested.has_to_end().await,
                    None => signals.first().await,
                }
            };
            let requested = self.ended_or_over(requested);
            let (mut failure, mut requested) = (pin!(self.services().failure()), pin!(requested));
            let ended = poll_fn(|cx| {
                if let Poll::Ready(reason) = failure.as_mut().poll(cx) {
                    return Poll::Ready(Ended::ByNode(Err(reason)));
                }
                match requested.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Ended::ByNode(Ok(()))),
                    Poll::Pending => body.as_mut().poll(cx).map(Ended::ByBody),
                }
            });
            match ended.await {
                Ended::ByBody(outcome) => outcome,
                Ended::ByNode(outcome) => {
                    own.end_nested();
                    outcome.and(end_of_nested(&own, body.as_mut()).await)
                }
            }
        };
        self.drop_in_scope(body);
        let stopped = match shutdown {
            Shutdown::Forever => {
                self.stop().await;
                Ok(())
            }
            Shutdown::After(limit) => self.stop_within(limit).await.map_err(Exit::from),
            Shutdown::Kill => {
                // Without a time limit there is no timeout to report.
                let _ = self.stop_within(std::time::Duration::ZERO).await;
                Ok(())
            }
        };
        self.end_process();
        outcome.and(stopped)
    }

    /// Drops an unfinished future with this node as the current one, for the destructors of its variables.
    fn drop_in_scope<F: Future>(&self, future: Pin<Box<F>>) {
        let _guard = self.enter();
        drop(future);
    }
}

/// Polls the body until no run is inside of it. Returns its result if it has one by then.
async fn end_of_nested<F>(own: &OwnRun<'_>, mut body: Pin<&mut F>) -> Result<(), Exit>
where
    F: Future<Output = Result<(), Exit>>,
{
    let mut ended = pin!(own.nested_ended());
    poll_fn(|cx| {
        if own.has_nested()
            && let Poll::Ready(outcome) = body.as_mut().poll(cx)
        {
            return Poll::Ready(outcome);
        }
        ended.as_mut().poll(cx).map(Ok)
    })
    .await
}
