//! System requests to a server, which it answers itself, beside its protocol: show, change or replace its state, suspend
//! and resume.
//!
//! `client` makes the requests, `server` answers them between two messages.

mod client;
mod server;

pub use server::StateFn;
pub(super) use server::handle_request;

/// A handle for system requests to a server; from [`Stub::sys`](crate::Stub::sys).
///
/// A server allows them by `#[actor(sys)]` on its struct, which then needs `Debug`; a server without it has no cost. A
/// request is sent when the method is called, and is handled after the messages that were sent before. The model is
/// [`sys`](https://www.erlang.org/doc/apps/stdlib/sys.html) of OTP.
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
pub struct Sys<S> {
    stub: S,
}

impl<S> Sys<S> {
    pub(super) fn new(stub: S) -> Sys<S> {
        Sys { stub }
    }
}
