//! The interface between a server's loop and its handlers and hooks.

use std::future::Future;
use std::time::Duration;

use super::Context;
use super::process::HasContext;
use super::sys::StateFn;
use crate::base::Exit;

/// The handlers and hooks of a server. `#[actor]` on an impl implements it.
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

/// Handles one message inline, or returns it if its handler waits.
#[inline]
pub(super) fn try_handle<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    message: A::Protocol,
) -> Result<Option<A::Protocol>, Exit> {
    match actor.handle_now(cx, message) {
        Ok(outcome) => outcome.map(|()| None),
        Err(message) => Ok(Some(message)),
    }
}

/// Returns the result of a server that was stopped for `reason`.
pub(super) fn stop_result(reason: Exit) -> Result<(), Exit> {
    if reason == Exit::Normal { Ok(()) } else { Err(reason) }
}
