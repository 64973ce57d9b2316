use std::any::Any;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Actor, Context, HasContext, Process, Stub};
use crate::base::Exit;
use crate::call::{Address, SysError};
use crate::process::{SuspendedEvent, SystemRequest};

/// What can be asked of a server itself; from [`Stub::sys`].
///
/// A server allows it by `#[actor(sys)]` on its struct, which then needs `Debug`. What is asked has its place among the
/// messages, taken when the method is called: what was sent before is handled before. The model is
/// [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html). A server that does not allow it pays nothing for it.
///
/// ```
/// # use greenroom::prelude::*;
/// #[actor(sys)]
/// #[derive(Debug, Default)]
/// struct Counter {
///     count: u64,
/// }
///
/// #[actor]
/// impl Counter {
///     #[cast]
///     fn add(&mut self, n: u64) {
///         self.count += n;
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let counter = Counter::default().spawn();
/// counter.add(2);
/// assert_eq!(counter.sys().state().await?, "Counter { count: 2 }");
/// counter.sys().replace(Counter { count: 40 }).await?;
/// counter.sys().with(|counter: &mut Counter| counter.count += 2).await?;
/// assert_eq!(counter.sys().state().await?, "Counter { count: 42 }");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sys<S: Stub> {
    stub: S,
}

/// How long a server may take to come to it, as in OTP.
const PATIENCE: Duration = Duration::from_secs(5);

impl<S: Stub> Sys<S> {
    pub(super) fn new(stub: S) -> Sys<S> {
        Sys { stub }
    }

    /// The state as its `Debug` writes it. As `sys:get_state/1`. Cancel-safe.
    ///
    /// # Errors
    /// As [`SysError`] says.
    pub fn state(&self) -> impl Future<Output = Result<String, SysError>> + Send + use<S> {
        self.ask(SystemRequest::FormatState)
    }

    /// Does something with the state, between two messages, and says what comes of it. As `sys:replace_state/2`.
    ///
    /// A panic in `f` is the server's own. Cancel-safe: dropped before its turn came, `f` is dropped unrun.
    ///
    /// # Errors
    /// As [`SysError`] says.
    pub fn with<A: Process<Protocol = S::Protocol>, R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut A) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, SysError>> + Send {
        self.with_boxed(Box::new(f))
    }

    /// Puts another state in the place of the server's; what it was before. Cancel-safe.
    ///
    /// # Errors
    /// As [`SysError`] says.
    pub fn replace<A: Process<Protocol = S::Protocol>>(
        &self,
        state: A,
    ) -> impl Future<Output = Result<A, SysError>> + Send + use<S, A> {
        self.with_boxed(Box::new(|place: &mut A| std::mem::replace(place, state)))
    }

    /// Lets the server rest: its messages wait until it is [resumed](Sys::resume), its timed hooks do not run. It can be
    /// stopped, killed and asked all the same. Resting twice is once. As `sys:suspend/1`. Cancel-safe.
    ///
    /// # Errors
    /// As [`SysError`] says.
    pub fn suspend(&self) -> impl Future<Output = Result<(), SysError>> + Send + use<S> {
        self.ask(SystemRequest::Suspend)
    }

    /// Lets the server go on. As `sys:resume/1`. Cancel-safe.
    ///
    /// # Errors
    /// As [`SysError`] says.
    pub fn resume(&self) -> impl Future<Output = Result<(), SysError>> + Send + use<S> {
        self.ask(SystemRequest::Resume)
    }

    fn with_boxed<A: Process<Protocol = S::Protocol>, R: Send + 'static>(
        &self,
        f: Box<dyn FnOnce(&mut A) -> R + Send>,
    ) -> impl Future<Output = Result<R, SysError>> + Send + use<S, A, R> {
        let asked = self.ask(|tell: oneshot::Sender<Result<R, SysError>>| {
            SystemRequest::WithState(Box::new(move |state| {
                if tell.is_closed() {
                    return;
                }
                let done = state.downcast_mut::<A>().map(f).ok_or(SysError::OtherType);
                // Whoever asked may have gone just now.
                let _ = tell.send(done);
            }))
        });
        async move { asked.await? }
    }

    /// Asks at once, and waits when it is awaited.
    fn ask<T: Send + 'static, F: FnOnce(oneshot::Sender<T>) -> SystemRequest>(
        &self,
        make: F,
    ) -> impl Future<Output = Result<T, SysError>> + Send + use<S, T, F> {
        let address: &Address<S::Protocol> = self.stub.__address();
        let (tell, told) = oneshot::channel();
        let node = address.node().clone();
        let asked = address.request(make(tell));
        async move {
            asked?;
            match node.clock().within(Some(PATIENCE), told).await {
                Some(answer) => answer.map_err(|_| SysError::NoProc),
                None => Err(SysError::Timeout),
            }
        }
    }
}

/// How a state is written down.
pub type StateFn<A> = fn(&A, &mut fmt::Formatter<'_>) -> fmt::Result;

/// Does what a server is asked; the reason to end if it is told to stop while it rests.
pub(super) async fn attend<A: HasContext>(
    actor: &mut A,
    cx: &mut Context<A>,
    state: Option<StateFn<A>>,
    aside: SystemRequest,
) -> Option<Exit> {
    if !answer(actor, state, aside, false) {
        return None;
    }
    cx.mailbox().set_suspended(true);
    let reason = loop {
        match cx.mailbox().next_while_suspended().await {
            SuspendedEvent::Stop(reason) => break Some(reason),
            SuspendedEvent::SystemRequest(aside) => {
                if !answer(actor, state, aside, true) {
                    break None;
                }
            }
        }
    };
    cx.mailbox().set_suspended(false);
    reason
}

/// Answers; whether the server rests from then on.
fn answer<A: Actor>(actor: &mut A, state: Option<StateFn<A>>, aside: SystemRequest, rests: bool) -> bool {
    // Whoever asked may have gone: then nobody hears the answer.
    match aside {
        SystemRequest::FormatState(tell) => {
            let text = state.map(|state| State(actor, state).to_string());
            let _ = tell.send(text.unwrap_or_default());
        }
        SystemRequest::WithState(f) => f(actor as &mut dyn Any),
        SystemRequest::Suspend(tell) => {
            let _ = tell.send(());
            return true;
        }
        SystemRequest::Resume(tell) => {
            let _ = tell.send(());
            return false;
        }
    }
    rests
}

struct State<'a, A>(&'a A, StateFn<A>);

impl<A> fmt::Display for State<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}
