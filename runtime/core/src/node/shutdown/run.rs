//! `Node::run`: the body of a program, and the shutdown after it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::os_signals::OsSignals;
use crate::base::{Exit, Shutdown};
use crate::node::Node;

impl Node {
    /// Runs `body` with this node as the current one, and then stops the node. `#[greenroom::main]` does the same; this
    /// function is for programs that create their node themselves.
    ///
    /// The body is over when it returns, when a permanent application ends, or when the operating system requests the
    /// program's end by SIGTERM or ctrl-c. In the last two cases the body is dropped where it waits. Then applications,
    /// supervision trees and processes stop in order, within the time of `shutdown`. With [`Shutdown::After`], processes
    /// that are left after that time are killed, as by [`stop_within`](Node::stop_within). A second signal ends the
    /// program at once, with exit code 143 after SIGTERM and 130 after ctrl-c.
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
        // Kept until the node has stopped, for the second signal.
        let mut signals = OsSignals::listen(self);
        let mut body = Box::pin(self.scope(body));
        let outcome = {
            let (mut failure, mut signal) = (pin!(self.services().failure()), pin!(signals.first()));
            poll_fn(|cx| {
                if let Poll::Ready(reason) = failure.as_mut().poll(cx) {
                    return Poll::Ready(Err(reason));
                }
                match signal.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Ok(())),
                    Poll::Pending => body.as_mut().poll(cx),
                }
            })
            .await
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
        outcome.and(stopped)
    }

    /// Drops an unfinished future with this node as the current one, for the destructors of its variables.
    fn drop_in_scope<F: Future>(&self, future: Pin<Box<F>>) {
        let _guard = self.enter();
        drop(future);
    }
}
