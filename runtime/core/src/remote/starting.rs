//! The future of a start on another node.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::SpawnError;

/// The future of a start on another node; from the methods of [`SpawnOn`](crate::SpawnOn).
///
/// The request has been sent when it is made. There is no time limit: a connection that is lost ends it.
///
/// Cancel-safe: if the future is dropped before it resolved, the process does not run, or exits.
///
/// # Errors
/// Resolves to a [`SpawnError`], which states why there is no process.
#[must_use = "the process runs once the future has resolved, and is given up when it is dropped"]
pub struct Starting<'cx, T>(Pin<Box<dyn Future<Output = Result<T, SpawnError>> + Send + 'cx>>);

impl<'cx, T> Starting<'cx, T> {
    pub(super) fn new(start: impl Future<Output = Result<T, SpawnError>> + Send + 'cx) -> Starting<'cx, T> {
        Starting(Box::pin(start))
    }
}

impl<T> Future for Starting<'_, T> {
    type Output = Result<T, SpawnError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Starting<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Starting")
    }
}
