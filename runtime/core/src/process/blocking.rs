//! Blocking code of a process, which runs beside it and keeps it from ending.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::{Cell, Mailbox, catch, drop_each, fail_callers, report_late_panic, resume_panic};
use crate::base::{CallErrorKind, Exit, Protocol};
use crate::node::Current;

/// A future for the return value of blocking code; from [`blocking`](Mailbox::blocking).
///
/// Cancel-safe: a dropped `Blocking` does not stop the code, and its return value is dropped.
#[must_use = "the return value of blocking code is received with `.await`"]
pub struct Blocking<T> {
    result: oneshot::Receiver<Result<T, Exit>>,
    owner: Arc<dyn Owner>,
    number: u64,
}

impl<M: Protocol> Mailbox<M> {
    /// Runs code that blocks its thread (a file, a database, a long computation) on tokio's blocking pool, or where the
    /// node's [`Spawner`](crate::Spawner) decides. The code starts at once; `.await` waits for its return value.
    ///
    /// The process does not end before `f` has returned. If the process is killed meanwhile, its name, links and monitors
    /// stay until then. An exit signal does not interrupt `f`: code that takes long should check from time to time
    /// whether to go on. If the process's end is decided before `f` has started, `f` is dropped without being run.
    ///
    /// Cancel-safe: if the returned future is dropped, `f` runs to its end and its return value is dropped. The
    /// counterpart in OTP is a
    /// [dirty native function](https://www.erlang.org/doc/apps/erts/erl_nif.html#dirty_nifs).
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor]
    /// # struct Archive;
    /// #[actor]
    /// impl Archive {
    ///     #[call]
    ///     async fn read(&mut self, cx: &mut Context<Self>, path: String) -> Result<String, String> {
    ///         cx.blocking(move || std::fs::read_to_string(path)).await.map_err(|error| error.to_string())
    ///     }
    /// }
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// # assert!(Archive.spawn().read("no such file".into()).await?.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// The `.await` panics if `f` panicked. If the future has been dropped, a panic in `f` ends the process as well.
    #[track_caller]
    pub fn blocking<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Blocking<T> {
        let (sender, result) = oneshot::channel();
        if let Some(running) = RunningGuard::new(self.cell(), self.pid().number(), Location::caller()) {
            self.node().spawner().run_blocking(Box::new(move || running.run(f, sender)));
        }
        Blocking { result, owner: Arc::clone(self.cell()) as Arc<dyn Owner>, number: self.pid().number() }
    }
}

impl<T> Future for Blocking<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if Current::is_exiting() {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.result).poll(cx);
        if polled.is_pending() {
            Current::note_await(|| "its blocking code".to_owned());
        }
        match ready!(polled) {
            Ok(Ok(value)) => Poll::Ready(value),
            Ok(Err(panic)) => resume_panic(panic),
            // `f` was dropped without being run: the process, or the runtime, is about to end.
            Err(_) => Poll::Pending,
        }
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        self.result.close();
        // A panic between the last poll and now. A later one is reported by the code's own thread.
        if let Ok(Err(panic)) = self.result.try_recv() {
            self.owner.unobserved_panic(self.number, &panic);
        }
    }
}

impl<T> fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking")
    }
}

/// The cell of the process that runs blocking code, without its protocol.
trait Owner: Send + Sync {
    /// Ends the process because its blocking code panicked and the `Blocking` future has been dropped.
    fn unobserved_panic(&self, number: u64, panic: &Exit);
}

impl<M: Protocol> Owner for Cell<M> {
    fn unobserved_panic(&self, number: u64, panic: &Exit) {
        if !self.fail_with_panic(number, panic) {
            report_late_panic(self.node(), number, "blocking code", panic);
        }
    }
}

/// Counts one piece of blocking code, or one program of the operating system, as running. The end of its process waits
/// until all of its guards are dropped.
pub(crate) struct RunningGuard<M: Protocol> {
    cell: Arc<Cell<M>>,
    number: u64,
}

impl<M: Protocol> RunningGuard<M> {
    /// Returns `None` if the process is ending.
    pub(crate) fn new(cell: &Arc<Cell<M>>, number: u64, at: &'static Location<'static>) -> Option<RunningGuard<M>> {
        cell.begin_blocking(number, at).then(|| RunningGuard { cell: Arc::clone(cell), number })
    }

    /// Returns whether the process has been killed.
    #[cfg(feature = "port")]
    pub(crate) fn is_killed(&self) -> bool {
        self.cell.exit_reason_of(self.number) == Some(Exit::Killed)
    }

    fn run<T>(self, f: impl FnOnce() -> T, sender: oneshot::Sender<Result<T, Exit>>) {
        let node = self.cell.node();
        let ((), dropped) = Current::collect_dropped(node, self.number, || {
            if self.cell.is_exiting() {
                return drop_each(node, self.number, [f]);
            }
            match sender.send(catch(f)) {
                Ok(()) => {}
                Err(Ok(value)) => drop_each(node, self.number, [value]),
                Err(Err(panic)) => self.cell.unobserved_panic(self.number, &panic),
            }
        });
        let error = self.cell.exit_reason_of(self.number).map_or(CallErrorKind::Dropped, CallErrorKind::Exit);
        fail_callers(dropped, &error);
    }
}

impl<M: Protocol> Drop for RunningGuard<M> {
    fn drop(&mut self) {
        self.cell.end_blocking(self.number);
    }
}
