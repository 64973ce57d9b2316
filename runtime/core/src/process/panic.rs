//! Panics of processes: caught, reported once, and turned into an exit reason with message and source line.
//!
//! A panic hook, set once per program, records the panics of processes instead of printing them: the crash report
//! contains them. Panics outside of processes go to the program's own hook.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::base::Exit;
use crate::log;
use crate::node::{Current, Node, WaitingCaller};
use crate::observe::ReportKind;

#[cfg(panic = "abort")]
compile_error!("greenroom needs `panic = \"unwind\"`: a panic must end its process, not the program");

thread_local! {
    /// The panics of processes on this thread that have not been caught yet: the last, and the one before it.
    static PANICS: RefCell<[PanicRecord; 2]> = const { RefCell::new([PanicRecord::EMPTY; 2]) };
}

/// Runs `f` and turns a panic into an exit reason.
///
/// The process and all that it owns are dropped after a panic, so other code never sees a half-changed state.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    install_hook();
    catch_nested(f)
}

/// Runs `f` within a call of [`catch`] and turns a panic into an exit reason.
#[inline(always)]
pub(crate) fn catch_nested<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(exit_reason)
}

/// Returns the exit reason for a panic's payload.
#[cold]
fn exit_reason(payload: Box<dyn Any + Send>) -> Exit {
    let payload = match payload.downcast::<ForwardedPanic>() {
        Ok(forwarded) => return forwarded.0,
        Err(payload) => payload,
    };
    let [last, _] = PANICS.with(|panics| panics.replace([PanicRecord::EMPTY; 2]));
    let reason = Exit::panic(message(&*payload), &last.location);
    // A payload whose own destructor panics is leaked.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
    reason
}

/// One panic as the hook saw it.
struct PanicRecord {
    location: String,
    message: String,
}

impl PanicRecord {
    const EMPTY: PanicRecord = PanicRecord { location: String::new(), message: String::new() };
}

/// The beginnings of the messages with which the standard library aborts the program, so that no crash report follows.
/// Stable Rust offers no other way to recognise such a panic.
const ABORT_MESSAGES: [&str; 4] = [
    "panic in a destructor during cleanup",
    "panic in a function that cannot unwind",
    "unsafe precondition(s) violated",
    "misaligned pointer dereference",
];

/// The payload of a panic that was caught on another thread.
struct ForwardedPanic(Exit);

/// Resumes a panic that was caught on another thread; [`catch`] returns the same exit reason for it.
pub(super) fn resume_panic(panic: Exit) -> ! {
    panic::resume_unwind(Box::new(ForwardedPanic(panic)))
}

/// Drops the items one by one on behalf of the process with this number; reports those whose destructor panics.
///
/// A collection would drop them in one go, and a second panic would abort the program.
pub(crate) fn drop_each<T>(node: &Node, number: u64, items: impl IntoIterator<Item = T>) {
    for item in items {
        if let Err(panic) = catch(|| drop(item)) {
            report_destructor_panic(node, number, &panic);
        }
    }
}

/// Drops a message, or a part of one, that belongs to no process. A panic of its destructor is reported. Returns the
/// callers whose replies were in it.
pub(crate) fn drop_message<T>(node: &Node, protocol: &'static str, message: T) -> Vec<Arc<dyn WaitingCaller>> {
    let (result, dropped) = Current::collect_dropped(node, Node::SYSTEM, || catch(|| drop(message)));
    if let Err(panic) = result {
        report_message_panic(node, protocol, "dropping a message", &panic);
    }
    dropped
}

/// Reports a panic in the code of a message, outside of a process: while it is encoded, decoded or dropped. Only that
/// message is lost.
pub(crate) fn report_message_panic(node: &Node, protocol: &'static str, action: &str, panic: &Exit) {
    node.report(ReportKind::MessagePanic(protocol), || {
        if log::has_subscriber() {
            log::error!(target: "greenroom", node = %node.name(), protocol, action, panic = %log::Escaped(panic), "the code of a message panicked");
        } else {
            log::print(format_args!("{action} of `{protocol}` {panic}"));
        }
    });
}

pin_project! {
    /// A future whose panics become exit reasons; from [`catch_unwind`].
    pub(crate) struct CatchUnwind<F> {
        #[pin]
        future: F,
    }
}

/// Applies [`catch`] to each poll of a future. The result is complete after the first panic.
pub(crate) fn catch_unwind<F: Future>(future: F) -> CatchUnwind<F> {
    CatchUnwind { future }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Exit>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch(|| self.project().future.poll(cx)) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}

fn location_text(location: &Location<'_>) -> String {
    // Room for line and column, too.
    let mut text = String::with_capacity(location.file().len() + 16);
    // Writing to a `String` does not fail.
    let _ = write!(text, "{location}");
    text
}

/// Sets a panic hook that records the panics of processes and calls the previous hook for all others.
fn install_hook() {
    // Per program, as the standard library's hook is: it is set once, however many nodes there are.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if Current::process() == 0 {
                return outer(info);
            }
            let message = message(info.payload());
            if ABORT_MESSAGES.iter().any(|beginning| message.starts_with(beginning)) {
                for panic in PANICS.with(|panics| panics.replace([PanicRecord::EMPTY; 2])).iter().rev() {
                    if !panic.location.is_empty() {
                        log::print(format_args!("a process panicked at {}: {}", panic.location, panic.message));
                    }
                }
                return outer(info);
            }
            let location = info.location().map(location_text).unwrap_or_default();
            let message = message.to_owned();
            PANICS.with(|panics| {
                let [last, before] = &mut *panics.borrow_mut();
                *before = std::mem::replace(last, PanicRecord { location, message });
            });
        }));
    });
}

/// Reports the panic of a destructor while a process ends. The panic has no further effect.
pub(super) fn report_destructor_panic(node: &Node, number: u64, panic: &Exit) {
    report_late_panic(node, number, "a destructor", panic);
}

/// Reports a panic that came after the exit reason of its process was set.
pub(super) fn report_late_panic(node: &Node, number: u64, source: &str, panic: &Exit) {
    node.report(ReportKind::LatePanic, || {
        let pid = node.pid(number);
        if log::has_subscriber() {
            log::error!(target: "greenroom", %pid, panic = %log::Escaped(panic), "{source} panicked while its process ended");
        } else {
            log::print(format_args!("{source} of {pid} {panic}"));
        }
    });
}
