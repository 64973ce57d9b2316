//! The future of a start on another node.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::SpawnError;

/// The future of a start on another node; from the methods of [`SpawnOn`](crate::SpawnOn), and from those that start trees
/// and applications.
///
/// The request has been sent when it is made. There is no time limit: a connection that is lost ends it.
///
/// Cancel-safe for a process: if the future is dropped before it resolved, the process does not run, or exits. A tree or
/// an application continues to start.
///
/// # Errors
/// Resolves to an error that states why there is no process, such as a [`SpawnError`].
#[must_use = "the process runs once the future has resolved, and is given up when it is dropped"]
pub struct Starting<'cx, T, E = SpawnError>(Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'cx>>);

impl<'cx, T, E> Starting<'cx, T, E> {
    pub(crate) fn new(start: impl Future<Output = Result<T, E>> + Send + 'cx) -> Starting<'cx, T, E> {
        Starting(Box::pin(start))
    }
}

impl<T, E> Future for Starting<'_, T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T, E> fmt::Debug for Starting<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Starting")
    }
}
