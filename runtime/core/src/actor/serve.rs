//! The body of a server: a loop that takes one message after another and handles it.
//!
//! A server takes the first of three paths that its messages allow:
//! 1. All messages in the mailbox whose handlers do not wait are handled in one poll, without a future for each.
//! 2. A message whose handler waits is handled by a future.
//! 3. System requests, stop requests and timed hooks are out of line, as few servers have them.
//!
//! The functions are divided so that the task of a server stays small, and so that a panic unwinds through few frames. A
//! `#[inline]` or a block in place of an `async fn` is there for one of the two.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use super::handle::{stop_result, try_handle};
use super::sys::handle_request;
use super::timed_hooks::serve_timed;
use super::{Context, Handle};
use crate::base::Exit;
use crate::node::Current;
#[cfg(feature = "upgrade")]
use crate::process::SystemRequest;
use crate::process::{Step, catch_nested};

/// Runs a server: handles one message after another until it is stopped or a handler fails.
///
/// # Errors
/// The exit reason: a handler's error, or the reason of the stop unless that is [`Exit::Normal`].
// Part of each server's task. A block keeps its arguments once, an `async fn` twice.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
pub fn serve<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>) -> impl Future<Output = Result<(), Exit>> + Send {
    async move {
        if !is_resumed(cx) {
            actor.continue_with(cx).await?;
        }
        #[cfg(feature = "upgrade")]
        if (const { A::OPTIONS.portability.is_some() })
            && let Some(reason) = out_of_line(|| Box::pin(stay_suspended(actor, cx))).await
        {
            return stop_result(reason);
        }
        if const { !A::EVERY.is_empty() || A::IDLE.is_some() } {
            return out_of_line(|| Box::pin(serve_timed(actor, cx))).await;
        }
        'messages: loop {
            let message = 'waits: {
                if let Some(message) = poll_fn(|task| poll_fast(actor, cx, task)).await? {
                    break 'waits message;
                }
                let message = match cx.mailbox().step().await {
                    Step::Message(message) => message,
                    // Passed on as a whole: its parts would be kept in this future across the `.await`.
                    other => match out_of_line(|| Box::pin(handle_step(actor, cx, other))).await {
                        None => continue 'messages,
                        Some(reason) => return stop_result(reason),
                    },
                };
                let Poll::Ready(waits) = handle_one(actor, cx, message) else { return pending().await };
                let Some(message) = waits? else { continue 'messages };
                message
            };
            match cx.mailbox().take_handling() {
                None => actor.handle(cx, message).await?,
                Some(handling) => out_of_line(|| Box::pin(handling.run(actor.handle(cx, message)))).await?,
            }
        }
    }
}

/// Returns whether the server continues a state that was handed over. Free for an actor that is not portable.
fn is_resumed<A: Handle>(cx: &Context<A>) -> bool {
    (const { A::OPTIONS.portability.is_some() }) && cx.cell().is_resumed()
}

/// Suspends a server again that was suspended when it was handed over. Returns the reason of a stop meanwhile.
#[cfg(feature = "upgrade")]
async fn stay_suspended<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>) -> Option<Exit> {
    if !cx.cell().was_suspended(cx.pid().number()) {
        return None;
    }
    let (suspended, _) = tokio::sync::oneshot::channel();
    handle_request(actor, cx, A::STATE, None, SystemRequest::Suspend(suspended)).await
}

/// A future of no particular type, so that it does not become a part of the future that awaits it.
type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls `make` out of line: keeps the code that few servers need apart from the code that each of them runs.
#[cold]
#[inline(never)]
fn out_of_line<'a, T>(make: impl FnOnce() -> BoxedFuture<'a, T>) -> BoxedFuture<'a, T> {
    make()
}

/// Handles a step that is not a message. Returns the exit reason if the server has to exit.
async fn handle_step<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>, step: Step<A::Protocol>) -> Option<Exit> {
    match step {
        Step::Message(_) => None,
        Step::SystemRequest(request) => handle_request(actor, cx, A::STATE, None, request).await,
        Step::Stop(reason) => Some(reason),
    }
}

/// Handles messages as long as their handlers do not wait, without a future for each. Resolves with the first message
/// whose handler waits, or with `None` if the mailbox has something other than a message.
// Out of line, as is `handle_one`: the handlers are inlined into both, and a panic unwinds through the tables of every
// function that is inlined into one on its way.
#[inline(never)]
fn poll_fast<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    task: &mut TaskContext<'_>,
) -> Poll<Result<Option<A::Protocol>, Exit>> {
    catch_panic::<A, _>(|| {
        loop {
            let Some(message) = ready!(cx.mailbox().poll_fast(task)) else { return Poll::Ready(Ok(None)) };
            let waits = try_handle(actor, cx, message)?;
            if waits.is_some() {
                return Poll::Ready(Ok(waits));
            }
        }
    })
}

/// Handles one message, or returns it if its handler waits.
#[inline(never)]
fn handle_one<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    message: A::Protocol,
) -> Poll<Result<Option<A::Protocol>, Exit>> {
    catch_panic::<A, _>(|| Poll::Ready(try_handle(actor, cx, message)))
}

/// Catches a panic close to the handler, since most of a crash's cost is the unwinding through the frames that poll a
/// process. The process then stays pending, and the poll that runs it ends it.
#[inline(always)]
fn catch_panic<A: Handle, T>(f: impl FnOnce() -> Poll<T>) -> Poll<T> {
    if !A::ENDS_AT_PANIC {
        return f();
    }
    catch_nested(f).unwrap_or_else(|panic| {
        Current::set_panic(panic);
        Poll::Pending
    })
}
