//! Panics of processes: caught, told once, and turned into an exit reason with message and place.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::report;
use crate::base::Exit;
use crate::node::{Current, Node};

#[cfg(panic = "abort")]
compile_error!("greenroom needs `panic = \"unwind\"`: a process that panics must not take its neighbours along");

thread_local! {
    /// The panics of a process on this thread that nobody has caught yet: the last, and the one before it.
    static NOTED: RefCell<[Noted; 2]> = const { RefCell::new([Noted::NOTHING; 2]) };
}

/// Runs `f`; a panic becomes an exit reason.
///
/// The process and all it owns are dropped afterwards, so nobody sees a state that a panic left half-changed.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    note_places();
    catch_nested(f)
}

/// The same within something that is caught as well.
#[inline(always)]
pub(crate) fn catch_nested<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(reason)
}

/// What a panic is as an exit reason.
#[cold]
fn reason(payload: Box<dyn Any + Send>) -> Exit {
    let payload = match payload.downcast::<Raised>() {
        Ok(raised) => return raised.0,
        Err(payload) => payload,
    };
    let [last, _] = NOTED.with(|noted| noted.replace([Noted::NOTHING; 2]));
    let reason = Exit::panic(message(&*payload), &last.place);
    // A payload may panic when it is dropped; then it is leaked.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
    reason
}

/// What the hook knows of a panic.
struct Noted {
    place: String,
    message: String,
}

impl Noted {
    const NOTHING: Noted = Noted { place: String::new(), message: String::new() };
}

/// How std's last words begin before it aborts the program: nothing will be caught, and no crash report follows.
/// Stable Rust has no other mark of such a panic.
const LAST_WORDS: [&str; 4] = [
    "panic in a destructor during cleanup",
    "panic in a function that cannot unwind",
    "unsafe precondition(s) violated",
    "misaligned pointer dereference",
];

/// A panic that was caught elsewhere.
struct Raised(Exit);

/// Goes on with a panic that was caught on another thread: to [`catch`] it is the same.
pub(super) fn raise(panic: Exit) -> ! {
    panic::resume_unwind(Box::new(Raised(panic)))
}

/// Drops one thing after the other, all of them the process's with this number; one that panics is told of, and does not keep the others.
///
/// Together they would be dropped in one go, and the second panic would abort the program.
pub(crate) fn discard<T>(node: &Node, number: u64, things: impl IntoIterator<Item = T>) {
    for thing in things {
        if let Err(panic) = catch(|| drop(thing)) {
            report::destructor(&node.pid(number), &panic);
        }
    }
}

pin_project! {
    /// [`catch`] for a future: a panic in any of its polls ends it.
    pub(crate) struct Caught<F> {
        #[pin]
        future: F,
    }
}

/// [`catch`] for a future.
pub(crate) fn catch_unwind<F: Future>(future: F) -> Caught<F> {
    Caught { future }
}

impl<F: Future> Future for Caught<F> {
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
        "a panic without words"
    }
}

/// A place in the code as text.
fn place(location: &Location<'_>) -> String {
    // Long enough for line and column, too.
    let mut place = String::with_capacity(location.file().len() + 16);
    // A `String` takes all that is written.
    let _ = write!(place, "{location}");
    place
}

/// Puts a hook before the program's own: a process's panic is told by its crash report, not twice.
fn note_places() {
    // The hook is the program's, as std has it; it must be set once, whatever number of nodes there is.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if Current::process() == 0 {
                return outer(info);
            }
            let message = message(info.payload());
            if LAST_WORDS.iter().any(|words| message.starts_with(words)) {
                for noted in NOTED.with(|noted| noted.replace([Noted::NOTHING; 2])).iter().rev() {
                    if !noted.place.is_empty() {
                        eprintln!("greenroom: a process panicked at {}: {}", noted.place, noted.message);
                    }
                }
                return outer(info);
            }
            let place = info.location().map(place).unwrap_or_default();
            let message = message.to_owned();
            NOTED.with(|noted| {
                let [last, before] = &mut *noted.borrow_mut();
                *before = std::mem::replace(last, Noted { place, message });
            });
        }));
    });
}
