use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::interrupt::Interrupts;
use crate::base::{Exit, Shutdown};
use crate::node::Node;

impl Node {
    /// Runs `body` with this node as the current one, and then stops the node: what `#[greenroom::main]` does, for a
    /// program that makes its node itself.
    ///
    /// The body is over when it returns, when an application ends that the node cannot do without, or when the program
    /// is told to stop: by SIGTERM, or by ctrl-c. In the last two cases it is dropped where it waits. Then
    /// applications, trees and processes stop in order, for at most as long as `shutdown` says: with
    /// [`Shutdown::After`] what is left by then is killed, as by [`stop_within`](Node::stop_within). A second signal
    /// ends the program at once, with exit code 143 after SIGTERM and 130 after ctrl-c.
    ///
    /// Signals need the feature `signal`, which is a default one; without it they do what they always did.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use greenroom::{Application, Shutdown};
    /// # #[supervisor]
    /// # struct ChatTree {}
    /// # #[tokio::main]
    /// # async fn main() -> greenroom::Result {
    /// let node = Node::builder("chat@gollum").start().await?;
    /// node.run(Shutdown::After(Duration::from_secs(30)), async {
    ///     let chat = Application::new("chat", ChatTree {}).permanent().start().await?;
    /// #   chat.stop().await;
    ///     chat.join().await
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// Not cancel-safe: dropped midway, what runs goes on.
    ///
    /// # Errors
    /// The body's; or the application that ended, and its reason; or else what did not stop in time. A signal is none.
    ///
    /// # Panics
    /// In a tokio runtime without `enable_io` on Unix, which signals need.
    pub async fn run<F>(&self, shutdown: Shutdown, body: F) -> Result<(), Exit>
    where
        F: Future<Output = Result<(), Exit>>,
    {
        // Until all has stopped, for the second signal.
        let mut interrupts = Interrupts::listen(self);
        let mut body = Box::pin(self.scope(body));
        let outcome = {
            let (mut lost, mut told) = (pin!(self.services().lost()), pin!(interrupts.first()));
            poll_fn(|cx| {
                if let Poll::Ready(reason) = lost.as_mut().poll(cx) {
                    return Poll::Ready(Err(reason));
                }
                match told.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Ok(())),
                    Poll::Pending => body.as_mut().poll(cx),
                }
            })
            .await
        };
        self.let_go(body);
        let stopped = match shutdown {
            Shutdown::Forever => {
                self.stop().await;
                Ok(())
            }
            Shutdown::After(patience) => self.stop_within(patience).await.map_err(Exit::from),
            // Nothing is late where nothing was waited for.
            Shutdown::Kill => {
                let _ = self.stop_within(std::time::Duration::ZERO).await;
                Ok(())
            }
        };
        outcome.and(stopped)
    }

    /// Drops a future that may be in the middle of things, where it would have gone on.
    fn let_go<F: Future>(&self, future: Pin<Box<F>>) {
        let _here = self.enter();
        drop(future);
    }
}
