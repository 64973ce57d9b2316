use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::{Cell, Mailbox, catch, discard, fail, raise, report};
use crate::base::{CallError, Exit, Protocol};
use crate::node::{Current, Resident as _};

/// Blocking code that runs beside its process, and what it returns; from [`blocking`](Mailbox::blocking).
#[must_use = "blocking code is waited for with `.await`"]
pub struct Blocking<T> {
    told: oneshot::Receiver<Result<T, Exit>>,
    owner: Arc<dyn Owner>,
    number: u64,
}

impl<M: Protocol> Mailbox<M> {
    /// Runs code that blocks its thread (a file, a database, a long computation) where that hurts nobody:
    /// on tokio's blocking pool, or where the node's [`Spawner`](crate::Spawner) says. It begins at once;
    /// `.await` waits for what it returns.
    ///
    /// The process is not dead before `f` has returned: its name, links and monitors stay until then, also if it is
    /// killed meanwhile. If an exit signal decides the process's end before `f` has begun, `f` is dropped unrun.
    /// An exit signal does not interrupt `f`: code that may take long asks now and then whether to go on.
    ///
    /// Cancel-safe in so far as nothing is left behind: dropped, `f` goes on to its end and what it returns is
    /// dropped. The nearest thing in OTP is a
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
    /// The `.await` panics as `f` did, so a panic in `f` is the process's own; if the future has been dropped, `f`'s
    /// panic ends the process all the same.
    pub fn blocking<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Blocking<T> {
        let (tell, told) = oneshot::channel();
        if let Some(running) = Running::begin(self.cell(), self.pid().number()) {
            self.node().spawner().run_blocking(Box::new(move || running.run(f, tell)));
        }
        Blocking { told, owner: Arc::clone(self.cell()) as Arc<dyn Owner>, number: self.pid().number() }
    }
}

impl<T> Future for Blocking<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if Current::is_doomed() {
            return Poll::Pending;
        }
        match ready!(Pin::new(&mut self.told).poll(cx)) {
            Ok(Ok(value)) => Poll::Ready(value),
            Ok(Err(panic)) => raise(panic),
            // Never run: the process, or the whole runtime, is about to end.
            Err(_) => Poll::Pending,
        }
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        self.told.close();
        // It came between the last poll and now; what comes later is the other end's to tell.
        if let Ok(Err(panic)) = self.told.try_recv() {
            self.owner.unheard(self.number, &panic);
        }
    }
}

impl<T> fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking")
    }
}

/// The process whose blocking code it is.
trait Owner: Send + Sync {
    /// Its code panicked, and nobody waits for that.
    fn unheard(&self, number: u64, panic: &Exit);
}

impl<M: Protocol> Owner for Cell<M> {
    fn unheard(&self, number: u64, panic: &Exit) {
        if !self.fail_with_panic(number, panic) {
            report::leftover(&self.node().pid(number), "blocking code", panic);
        }
    }
}

/// Keeps a process from being dead while its blocking code runs.
struct Running<M: Protocol> {
    cell: Arc<Cell<M>>,
    number: u64,
}

impl<M: Protocol> Running<M> {
    /// Notes that one more runs; `None` if the process is ending.
    fn begin(cell: &Arc<Cell<M>>, number: u64) -> Option<Running<M>> {
        cell.acquire(number, |attached| attached.blocking += 1)?;
        Some(Running { cell: Arc::clone(cell), number })
    }

    fn run<T>(self, f: impl FnOnce() -> T, tell: oneshot::Sender<Result<T, Exit>>) {
        let node = self.cell.node();
        let ((), dropped) = Current::collect_dropped(node, self.number, || {
            if self.cell.is_doomed() {
                return discard(node, self.number, [f]);
            }
            match tell.send(catch(f)) {
                Ok(()) => {}
                Err(Ok(unheard)) => discard(node, self.number, [unheard]),
                Err(Err(panic)) => self.cell.unheard(self.number, &panic),
            }
        });
        let error = self.cell.ending(self.number).map_or(CallError::Dropped, CallError::Exit);
        fail(dropped, &error);
    }
}

impl<M: Protocol> Drop for Running<M> {
    fn drop(&mut self) {
        let ended = self.cell.attached(self.number, |attached| {
            attached.blocking -= 1;
            // Whoever is last closes the door.
            if attached.blocking == 0 { attached.ended.take() } else { None }
        });
        if let Some(reason) = ended.flatten() {
            self.cell.finish(self.number, &reason);
        }
    }
}
