//! The interface between a server's loop and its handlers and hooks.

use std::future::Future;
use std::time::Duration;

use super::Context;
use super::process::HasContext;
use super::sys::StateFn;
use crate::base::Exit;

/// The handlers and hooks of a server. `#[actor]` on an impl implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a server",
    label = "only an actor made from methods handles messages one by one",
    note = "return from `Process::run` to end the process"
)]
pub trait Handle: HasContext {
    /// The periods of the [`every`](Handle::every) hooks.
    const EVERY: &'static [Duration] = &[];
    /// The time without a message after which [`idle`](Handle::idle) runs.
    const IDLE: Option<Duration> = None;

    /// The format of the state, if system requests are allowed.
    const STATE: Option<StateFn<Self>> = None;

    /// Handles one message if its handler never waits. Returns the handler's error, which ends the server.
    ///
    /// # Errors
    /// The message, if its handler may wait: it is for [`handle`](Handle::handle).
    #[inline]
    fn handle_now(
        &mut self,
        cx: &mut Context<Self>,
        message: Self::Protocol,
    ) -> Result<Result<(), Exit>, Self::Protocol> {
        let _ = cx;
        Err(message)
    }

    /// Handles one message that [`handle_now`](Handle::handle_now) has returned. An error ends the server.
    fn handle(
        &mut self,
        cx: &mut Context<Self>,
        message: Self::Protocol,
    ) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
        Self::Protocol: Send,
    {
        let _ = (cx, message);
        async { Ok(()) }
    }

    /// Runs after `init`, before any message.
    fn continue_with(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }

    /// Runs when the period in [`EVERY`](Handle::EVERY) with this index has passed.
    fn every(&mut self, cx: &mut Context<Self>, index: usize) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
    {
        let _ = (cx, index);
        async { Ok(()) }
    }

    /// Runs when no message has come for [`IDLE`](Handle::IDLE), once until the next message.
    fn idle(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }
}

impl<A: Handle> Context<A> {
    /// Stops the server after the current handler or hook, before its next message.
    ///
    /// A call's answer is sent first, and `#[terminate]` runs with `reason`. The messages that wait are lost, as with a
    /// handler's error. A later `stop` and an exit signal override the reason. The model is gen_server's
    /// [`{stop, Reason, Reply, State}`](https://www.erlang.org/doc/apps/stdlib/gen_server.html#c:handle_call/3).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// #[actor]
    /// struct Till {
    ///     takings: u64,
    /// }
    ///
    /// #[actor]
    /// impl Till {
    ///     #[call]
    ///     fn close(&mut self, cx: &mut Context<Self>) -> u64 {
    ///         cx.stop(Exit::Normal);
    ///         self.takings
    ///     }
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let till = Till { takings: 7 }.spawn();
    /// assert_eq!(till.close().await?, 7);
    /// assert_eq!(till.ended().await, Exit::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&mut self, reason: Exit) {
        self.mailbox().stop_now(reason);
    }
}

/// Handles one message inline, or returns it if its handler waits.
#[inline]
pub(super) fn try_handle<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    message: A::Protocol,
) -> Result<Option<A::Protocol>, Exit> {
    let handling = cx.mailbox().begin_handling();
    let handled = {
        let _entered = handling.enter();
        actor.handle_now(cx, message)
    };
    match handled {
        Ok(outcome) => outcome.map(|()| None),
        Err(message) => {
            cx.mailbox().keep_handling(handling);
            Ok(Some(message))
        }
    }
}

/// Returns the result of a server that was stopped for `reason`.
pub(super) fn stop_result(reason: Exit) -> Result<(), Exit> {
    if reason == Exit::Normal { Ok(()) } else { Err(reason) }
}
