//! The side that makes system requests.

use std::future::Future;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Sys;
use crate::actor::{Process, Stub};
use crate::call::{Address, SysError};
use crate::process::SystemRequest;

/// The time limit of a system request, as in OTP.
const TIME_LIMIT: Duration = Duration::from_secs(5);

impl<S: Stub> Sys<S> {
    /// Returns the server's state, formatted with its `Debug`. The model is `sys:get_state/1`. Cancel-safe.
    ///
    /// # Errors
    /// The conditions of [`SysError`].
    pub fn state(&self) -> impl Future<Output = Result<String, SysError>> + Send + use<S> {
        self.request(SystemRequest::FormatState)
    }

    /// Calls `f` with the server's state, between two messages, and returns its result. The model is
    /// `sys:replace_state/2`.
    ///
    /// A panic in `f` is a panic of the server. Cancel-safe: if the future is dropped before the server handles the
    /// request, `f` is not called.
    ///
    /// # Errors
    /// The conditions of [`SysError`].
    pub fn with<A: Process<Protocol = S::Protocol>, R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut A) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, SysError>> + Send {
        self.with_boxed(Box::new(f))
    }

    /// Replaces the server's state, between two messages, and returns the previous one.
    ///
    /// Cancel-safe: if the future is dropped before the server handles the request, the state stays.
    ///
    /// # Errors
    /// The conditions of [`SysError`].
    pub fn replace<A: Process<Protocol = S::Protocol>>(
        &self,
        state: A,
    ) -> impl Future<Output = Result<A, SysError>> + Send + use<S, A> {
        self.with_boxed(Box::new(|current: &mut A| std::mem::replace(current, state)))
    }

    /// Suspends the server: its messages wait until it is [resumed](Sys::resume), and its timed hooks do not run.
    ///
    /// A suspended server can still be stopped and killed, and answers system requests. A second `suspend` has no effect.
    /// The model is `sys:suspend/1`. Cancel-safe: the server is suspended even if the future is dropped.
    ///
    /// # Errors
    /// The conditions of [`SysError`].
    pub fn suspend(&self) -> impl Future<Output = Result<(), SysError>> + Send + use<S> {
        self.request(SystemRequest::Suspend)
    }

    /// Resumes the server. The model is `sys:resume/1`. Cancel-safe: the server is resumed even if the future is dropped.
    ///
    /// # Errors
    /// The conditions of [`SysError`].
    pub fn resume(&self) -> impl Future<Output = Result<(), SysError>> + Send + use<S> {
        self.request(SystemRequest::Resume)
    }

    fn with_boxed<A: Process<Protocol = S::Protocol>, R: Send + 'static>(
        &self,
        f: Box<dyn FnOnce(&mut A) -> R + Send>,
    ) -> impl Future<Output = Result<R, SysError>> + Send + use<S, A, R> {
        let result = self.request(|sender: oneshot::Sender<Result<R, SysError>>| {
            SystemRequest::WithState(Box::new(move |state| {
                if sender.is_closed() {
                    return;
                }
                let result = state.downcast_mut::<A>().map(f).ok_or(SysError::OtherType);
                // Fails if the future was dropped meanwhile.
                let _ = sender.send(result);
            }))
        });
        async move { result.await? }
    }

    /// Sends the request, and returns a future for its result.
    fn request<T: Send + 'static, F: FnOnce(oneshot::Sender<T>) -> SystemRequest>(
        &self,
        make: F,
    ) -> impl Future<Output = Result<T, SysError>> + Send + use<S, T, F> {
        let address: &Address<S::Protocol> = self.stub.__address();
        let (sender, receiver) = oneshot::channel();
        let node = address.node().clone();
        let sent = address.request(make(sender));
        async move {
            sent?;
            match node.clock().within(Some(TIME_LIMIT), receiver).await {
                Some(result) => result.map_err(|_| SysError::NoProc),
                None => Err(SysError::Timeout),
            }
        }
    }
}
