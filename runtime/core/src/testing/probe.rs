//! A process whose mailbox a test reads.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::actor::Stubbed;
use crate::base::{Exit, Protocol};
use crate::mailbox::Want;
use crate::node::Node;
use crate::process::{Cell, Mailbox, ProcessKind, ProcessTask, Receive, StartInfo};

/// A process that a test controls: the test holds its mailbox.
///
/// Its [`stub`](Probe::stub) is an ordinary stub. It can be put into messages, registered under a name, and sent to
/// another node. A probe dereferences to its [`Mailbox`], so it can link to processes, monitor them and trap exits, as
/// any process can. `receive!(match probe { .. })` reads from it. [`expect`](Probe::expect) waits for one message and
/// fails the test if the message does not come.
///
/// The process exits with the reason [`Exit::Normal`] when the probe is dropped, and with another reason by
/// [`end`](Probe::end). An exit signal ends it as well, unless it traps exits.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::testing::{Probe, pattern};
///
/// #[protocol]
/// #[derive(Debug)]
/// enum Mail {
///     Post { priority: u8, body: String },
///     #[from]
///     Down(Down),
/// }
///
/// # #[greenroom::test]
/// # async fn a_letter_is_delivered() {
/// let mut probe = Probe::<Mail>::new();
/// let mail = probe.stub();
/// let sender = greenroom::spawn(|_: Mailbox<Mail>| async move { mail.post(7, "hello".into()).await });
/// probe.monitor(&sender);
///
/// let body = probe.expect(pattern!(Mail::Post { priority, body } if priority > 3 => body)).await;
/// assert_eq!(body, "hello");
/// probe.expect(pattern!(Mail::Down(down) if down.reason == Exit::Normal)).await;
/// probe.expect_nothing(Duration::from_secs(60)).await;
/// # }
/// ```
pub struct Probe<M: Stubbed> {
    mailbox: Mailbox<M>,
    stub: M::Ref,
    /// Ends the process. `None` once it was used; closed if the process has exited otherwise.
    end: Option<oneshot::Sender<Exit>>,
    timeout: Duration,
}

/// The message that [`Probe::expect`] waits for, and the value that is made of it. Made by
/// [`pattern!`](crate::testing::pattern).
pub struct Pattern<'a, M, T> {
    text: &'static str,
    take: Box<dyn FnMut(M) -> Result<T, M> + Send + 'a>,
    fail: fn(&str) -> (),
}

/// Makes a [`Pattern`] for [`Probe::expect`]: a Rust pattern, with an optional guard and an optional value.
///
/// `pattern!(Mail::Post { priority, body } if priority > 3 => body)` matches a `Post` with a priority above 3, and
/// `expect` returns its body. Without `=> ..` it returns `()`.
#[doc(inline)]
pub use crate::__pattern as pattern;

#[doc(hidden)]
#[macro_export]
macro_rules! __pattern {
    ($pattern:pat $(if $guard:expr)?) => {
        $crate::__pattern!($pattern $(if $guard)? => ())
    };
    ($pattern:pat $(if $guard:expr)? => $value:expr) => {
        $crate::testing::Pattern::__new(
            ::core::stringify!($pattern $(if $guard)?),
            |message| {
                #[allow(unreachable_patterns)]
                match message {
                    $pattern $(if $guard)? => ::core::result::Result::Ok($value),
                    other => ::core::result::Result::Err(other),
                }
            },
            // In the macro, so that the panic has the line of the test.
            |failure| ::core::panic!("{failure}"),
        )
    };
}

impl<'a, M: Protocol, T> Pattern<'a, M, T> {
    #[doc(hidden)]
    pub fn __new(
        text: &'static str,
        take: impl FnMut(M) -> Result<T, M> + Send + 'a,
        fail: fn(&str) -> (),
    ) -> Pattern<'a, M, T> {
        Pattern { text, take: Box::new(take), fail }
    }
}

/// The time that a call waits by default, too.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The selection of every message.
struct Any;

impl Want for Any {
    const NAMES: Option<&'static [&'static str]> = None;
}

impl<M: Stubbed> Probe<M> {
    /// Starts a probe on the current node.
    ///
    /// # Panics
    /// No node is current, as outside of `#[greenroom::test]`: use [`on`](Probe::on) there.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Probe<M> {
        Probe::on(&Node::current())
    }

    /// Starts a probe on `node`, as on one of a [`Cluster`](crate::testing::Cluster).
    pub fn on(node: &Node) -> Probe<M> {
        let kind = const { &ProcessKind::plain(|| "a probe") };
        let (cell, number) = Cell::new_occupied(node.clone(), None, StartInfo { parent: 0, kind });
        let mailbox = Mailbox::new(Arc::clone(&cell), number);
        let stub = mailbox.me();
        let (end, ended) = oneshot::channel();
        ProcessTask::spawn(&cell, number, async move { ended.await.unwrap_or(Exit::Normal) });
        Probe { mailbox, stub, end: Some(end), timeout: DEFAULT_TIMEOUT }
    }

    /// Returns the probe's stub, through which other processes send to it.
    pub fn stub(&self) -> M::Ref {
        self.stub.clone()
    }

    /// Sets the time that [`expect`](Probe::expect) waits for a message; 5 s by default.
    ///
    /// On a paused clock a longer time costs nothing: the clock jumps when no process can run.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Probe<M> {
        self.timeout = timeout;
        self
    }

    /// Waits for a message that matches the pattern, and returns the pattern's value. If several match, takes the
    /// oldest.
    ///
    /// Messages that do not match stay in the mailbox in their order, as with `receive!`.
    ///
    /// Cancel-safe: if the future is dropped before a message matched, no message is lost.
    ///
    /// # Panics
    /// No message matches within the [`timeout`](Probe::timeout), or an exit signal ends the probe. The panic message
    /// has the pattern and the messages that came instead.
    pub async fn expect<T>(&mut self, mut pattern: Pattern<'_, M, T>) -> T {
        self.mailbox.__scan::<Any>(Some(self.timeout));
        let mut others = Vec::new();
        let failure = loop {
            let end = self.end.as_mut();
            let next = tokio::select! {
                biased;
                next = self.mailbox.__next() => next,
                () = ended(end) => break ", and an exit signal has ended the probe".to_owned(),
            };
            let Some(message) = next else { break format!(" within {:?}", self.timeout) };
            if others.len() < SHOWN {
                others.push(Shown(&message).to_string());
            } else {
                others.push(String::new());
            }
            // The pattern may move the message out.
            message.mark_taken();
            match (pattern.take)(message) {
                Ok(value) => {
                    self.mailbox.mark_taken();
                    return value;
                }
                Err(message) => self.mailbox.__skip(message),
            }
        };
        let mut text = format!("expected `{}`{failure}", pattern.text);
        text.push_str(&instead(&others));
        (pattern.fail)(&text);
        unreachable!("a pattern's failure panics")
    }

    /// Waits for `time`, and checks that no message is in the mailbox then. Messages that came earlier and were not
    /// received count.
    ///
    /// Cancel-safe: if the future is dropped, no message is lost.
    ///
    /// # Panics
    /// There is a message, at the start or later. The panic message has its variant.
    #[track_caller]
    pub fn expect_nothing(&mut self, time: Duration) -> impl Future<Output = ()> {
        let line = std::panic::Location::caller();
        async move {
            self.mailbox.__scan::<Any>(Some(time));
            if let Some(message) = self.mailbox.__next().await {
                let name = name(&message);
                self.mailbox.__skip(message);
                panic!("at {line}: expected no message for {time:?}, and `{name}` came");
            }
        }
    }

    /// Ends the probe's process with `reason`, and waits until it has exited: its links and watchers have been notified
    /// then.
    ///
    /// If an exit signal has ended the process before, its first reason counts.
    ///
    /// Not cancel-safe: the process exits also if the future is dropped after its first poll; before, it exits with
    /// [`Exit::Normal`].
    pub async fn end(mut self, reason: Exit) {
        let ended = crate::process::ended(self.mailbox.node(), self.mailbox.pid().clone());
        if let Some(end) = self.end.take() {
            // An error means that the process has exited already.
            let _ = end.send(reason);
        }
        ended.await;
    }
}

/// Completes when the probe's process has exited otherwise than by [`Probe::end`].
async fn ended(end: Option<&mut oneshot::Sender<Exit>>) {
    match end {
        Some(end) => end.closed().await,
        None => std::future::pending().await,
    }
}

/// The number of messages that a failure shows in full.
const SHOWN: usize = 10;

/// The end of a failure's text: the messages that did not match.
fn instead(others: &[String]) -> String {
    if others.is_empty() {
        return "; the mailbox is empty".to_owned();
    }
    let shown = others.iter().filter(|other| !other.is_empty());
    let mut text = "; in the mailbox:".to_owned();
    for other in shown {
        text.push_str(&format!("\n    {other}"));
    }
    if others.len() > SHOWN {
        text.push_str(&format!("\n    and {} more", others.len() - SHOWN));
    }
    text
}

fn name<M: Protocol>(message: &M) -> &'static str {
    M::VARIANTS.get(message.variant()).map_or("a message", |variant| variant.name)
}

/// Formats a message for a failure: its variant, and those of its fields that implement `Debug`.
struct Shown<'a, M>(&'a M);

impl<M: Protocol> fmt::Display for Shown<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

impl<M: Stubbed> Deref for Probe<M> {
    type Target = Mailbox<M>;

    fn deref(&self) -> &Mailbox<M> {
        &self.mailbox
    }
}

impl<M: Stubbed> DerefMut for Probe<M> {
    fn deref_mut(&mut self) -> &mut Mailbox<M> {
        &mut self.mailbox
    }
}

#[diagnostic::do_not_recommend]
impl<M: Stubbed> Receive for Probe<M> {
    type Message = M;
    type Source = Probe<M>;

    fn __source(&mut self) -> &mut Probe<M> {
        self
    }

    fn __mailbox(&mut self) -> &mut Mailbox<M> {
        &mut self.mailbox
    }
}

impl<M: Stubbed> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(self.mailbox.pid()).finish()
    }
}

impl<M, T> fmt::Debug for Pattern<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}
