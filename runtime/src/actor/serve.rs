use std::future::Future;

use super::{Actor, Context};
use crate::base::Exit;
use crate::process::Step;

/// What a server does with one message. Written by `#[actor]` on an impl.
pub trait Handle: Actor {
    /// Takes one message; an error ends the server.
    fn handle(
        &mut self,
        cx: &mut Context<Self>,
        message: Self::Protocol,
    ) -> impl Future<Output = Result<(), Exit>> + Send;
}

/// The life of a server: one message after another until it is told to stop.
///
/// # Errors
/// The reason to end: a handler's error, or the one it was told to stop with, unless that is `Normal`.
pub async fn serve<A: Handle>(actor: &mut A, cx: &mut Context<A>) -> Result<(), Exit> {
    loop {
        match cx.mailbox().step().await {
            Step::Message(message) => actor.handle(cx, message).await?,
            Step::Stop(Exit::Normal) => return Ok(()),
            Step::Stop(reason) => return Err(reason),
        }
    }
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

#[diagnostic::do_not_recommend]
impl<E: Into<Exit>> Outcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), Exit> {
        self.map_err(Into::into)
    }
}

/// A process that loops for ever returns nothing, not even `()`.
#[diagnostic::do_not_recommend]
impl Outcome for Never {
    fn into_outcome(self) -> Result<(), Exit> {
        self
    }
}

/// `!`, which has no name of its own on stable Rust but may be what a function pointer returns.
type Never = <fn() -> ! as Returns>::Output;

/// What a function returns.
pub trait Returns {
    /// Its type.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}
