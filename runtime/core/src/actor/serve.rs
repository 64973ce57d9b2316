use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use super::sys::{StateFn, attend};
use super::timed_hooks::serve_timed;
use super::{Context, HasContext};
use crate::base::Exit;
use crate::node::Current;
use crate::process::{Step, catch_nested};

/// What a server does with one message. Written by `#[actor]` on an impl.
pub trait Handle: HasContext {
    /// The spans of time after which [`every`](Handle::every) is called, again and again.
    const EVERY: &'static [Duration] = &[];
    /// How long no message has to come for [`idle`](Handle::idle) to be called.
    const IDLE: Option<Duration> = None;

    /// How its state is written down, if it lets others look at it.
    const STATE: Option<StateFn<Self>> = None;

    /// Takes one message if its handler waits for nothing, or hands it back; an error within ends the server.
    ///
    /// # Errors
    /// The message, which is for [`handle`](Handle::handle).
    #[inline]
    fn handle_now(
        &mut self,
        cx: &mut Context<Self>,
        message: Self::Protocol,
    ) -> Result<Result<(), Exit>, Self::Protocol> {
        let _ = cx;
        Err(message)
    }

    /// Takes one message that [`handle_now`](Handle::handle_now) has handed back; an error ends the server.
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

    /// Runs when the span of [`EVERY`](Handle::EVERY) with this index has passed.
    fn every(&mut self, cx: &mut Context<Self>, index: usize) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
    {
        let _ = (cx, index);
        async { Ok(()) }
    }

    /// Runs when no message has come for [`IDLE`](Handle::IDLE), once until the next one.
    fn idle(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Exit>> + Send
    where
        Self: Send,
    {
        let _ = cx;
        async { Ok(()) }
    }
}

/// The life of a server: one message after another until it is told to stop.
///
/// # Errors
/// The reason to end: a handler's error, or the one it was told to stop with, unless that is `Normal`.
// Blocks and no `async fn`, which would keep its arguments twice; and what few servers need is apart. All of this is in
// each server's task.
#[expect(clippy::manual_async_fn, reason = "a block keeps its arguments once")]
pub fn serve<A: Handle + Send>(actor: &mut A, cx: &mut Context<A>) -> impl Future<Output = Result<(), Exit>> + Send {
    async move {
        actor.continue_with(cx).await?;
        if const { !A::EVERY.is_empty() || A::IDLE.is_some() } {
            return apart(|| Box::pin(serve_timed(actor, cx))).await;
        }
        'messages: loop {
            let message = 'waits: {
                if let Some(message) = poll_fn(|task| poll_plainly(actor, cx, task)).await? {
                    break 'waits message;
                }
                let message = match cx.mailbox().step().await {
                    Step::Message(message) => message,
                    // Handed on as a whole: what is taken apart here would be kept beside what is awaited.
                    other => match apart(|| Box::pin(see_to(actor, cx, other))).await {
                        None => continue 'messages,
                        Some(reason) => return stopped(reason),
                    },
                };
                let Poll::Ready(waits) = take_one(actor, cx, message) else { return pending().await };
                let Some(message) = waits? else { continue 'messages };
                message
            };
            actor.handle(cx, message).await?;
        }
    }
}

/// A future of no known type, so that no part of it becomes a part of whatever awaits it.
type Apart<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What few servers need: not among what all of them run through.
#[cold]
#[inline(never)]
fn apart<'a, T>(make: impl FnOnce() -> Apart<'a, T>) -> Apart<'a, T> {
    make()
}

/// What is no message; the reason to end, if it is one.
async fn see_to<A: Handle>(actor: &mut A, cx: &mut Context<A>, step: Step<A::Protocol>) -> Option<Exit> {
    match step {
        Step::Message(_) => None,
        Step::SystemRequest(aside) => attend(actor, cx, A::STATE, aside).await,
        Step::Stop(reason) => Some(reason),
    }
}

/// Takes what comes as long as no handler has to wait: no future is made for any of it. The message whose handler does, or
/// none if something else may want to be seen to.
// By itself, and so is `take_one`: what handlers call is part of these, and a panic in one goes through tables of all that
// is called in each function on its way.
#[inline(never)]
fn poll_plainly<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    task: &mut TaskContext<'_>,
) -> Poll<Result<Option<A::Protocol>, Exit>> {
    contain::<A, _>(|| {
        loop {
            let Some(message) = ready!(cx.mailbox().poll_fast(task)) else { return Poll::Ready(Ok(None)) };
            let waits = take(actor, cx, message)?;
            if waits.is_some() {
                return Poll::Ready(Ok(waits));
            }
        }
    })
}

/// Takes one message, or hands it back if its handler has to wait.
#[inline(never)]
fn take_one<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    message: A::Protocol,
) -> Poll<Result<Option<A::Protocol>, Exit>> {
    contain::<A, _>(|| Poll::Ready(take(actor, cx, message)))
}

/// Catches a panic where it has not come far: what is left of its way, through all that polls a process, is most of what a
/// crash costs. The process then waits, and is ended by what polled it.
#[inline(always)]
fn contain<A: Handle, T>(f: impl FnOnce() -> Poll<T>) -> Poll<T> {
    if !A::ENDS_AT_PANIC {
        return f();
    }
    catch_nested(f).unwrap_or_else(|panic| {
        Current::set_panic(panic);
        Poll::Pending
    })
}

/// [`take_one`], as a part of whoever calls it.
#[inline]
pub(super) fn take<A: Handle>(
    actor: &mut A,
    cx: &mut Context<A>,
    message: A::Protocol,
) -> Result<Option<A::Protocol>, Exit> {
    match actor.handle_now(cx, message) {
        Ok(outcome) => outcome.map(|()| None),
        Err(message) => Ok(Some(message)),
    }
}

pub(super) fn stopped(reason: Exit) -> Result<(), Exit> {
    if reason == Exit::Normal { Ok(()) } else { Err(reason) }
}

/// What a handler may return: nothing, or a `Result` whose error ends the process.
#[diagnostic::on_unimplemented(
    message = "a `#[cast]` or hook cannot return `{Self}`",
    label = "expected nothing, or a `Result<(), E>` where `E` is an error",
    note = "a cast has no answer, so nobody would get it: a method that answers is a `#[call]`"
)]
pub trait Outcome {
    /// The reason to end, if there is one.
    ///
    /// # Errors
    /// The handler's own.
    fn into_outcome(self) -> Result<(), Exit>;
}

#[diagnostic::do_not_recommend]
impl Outcome for () {
    fn into_outcome(self) -> Result<(), Exit> {
        Ok(())
    }
}

/// A body that loops for ever has nothing to say about its end.
#[diagnostic::do_not_recommend]
impl Outcome for Never {
    fn into_outcome(self) -> Result<(), Exit> {
        self
    }
}

/// `!`, which cannot be written where a type is expected.
type Never = <fn() -> ! as Returns>::Value;

/// What a function returns.
pub trait Returns {
    /// Its type.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

impl<E: Failure> Outcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), Exit> {
        self.map_err(Failure::into_exit)
    }
}

/// What can be the reason for which a process ends.
#[diagnostic::on_unimplemented(
    message = "a process cannot end for a `{Self}`",
    label = "the error in this `Result` is not a reason to end",
    note = "return `Result<(), Exit>`, and make the reason by `Exit::error(..)`, which takes any text",
    note = "or return an error of your own that implements `std::error::Error`"
)]
pub trait Failure {
    /// The reason.
    fn into_exit(self) -> Exit;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Exit>> Failure for E {
    fn into_exit(self) -> Exit {
        self.into()
    }
}
