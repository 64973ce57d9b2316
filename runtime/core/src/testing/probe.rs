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

/// A process to talk through: its mailbox is in the hands of the test.
///
/// Its [`stub`](Probe::stub) goes wherever a stub of the protocol goes: into messages, under a name, to another node.
/// It can link, watch and trap exits as any process can, by the functions of [`Mailbox`], to which it leads; and
/// `receive!(match probe { .. })` works on it. What makes it a probe is [`expect`](Probe::expect).
///
/// It ends when it is dropped, as a process that returns; with another reason by [`end`](Probe::end).
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
/// # async fn a_letter_is_passed_on() {
/// let mut probe = Probe::<Mail>::new();
/// let mail = probe.stub();
/// let postman = greenroom::spawn(|_: Mailbox<Mail>| async move { mail.post(7, "hello".into()).await });
/// probe.monitor(&postman);
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
    /// Taken when the probe ends; closed when it has ended by itself.
    end: Option<oneshot::Sender<Exit>>,
    patience: Duration,
}

/// What a probe expects, and what is made of it; from [`pattern!`](pattern).
pub struct Pattern<'a, M, T> {
    text: &'static str,
    take: Box<dyn FnMut(M) -> Result<T, M> + Send + 'a>,
    fail: fn(&str) -> (),
}

/// A pattern of Rust's for [`Probe::expect`], with a guard and a value if there is something to be had:
/// `pattern!(Mail::Post { priority, body } if priority > 3 => body)`. Without `=> ..` the value is `()`.
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
            // Here, so that the panic is the test's own line.
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

/// As long as a call waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every message.
struct Any;

impl Want for Any {
    const NAMES: Option<&'static [&'static str]> = None;
}

impl<M: Stubbed> Probe<M> {
    /// A probe on the current node.
    ///
    /// # Panics
    /// Outside of any node, as [`Node::current`]; there use [`on`](Probe::on).
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Probe<M> {
        Probe::on(&Node::current())
    }

    /// A probe on this node.
    pub fn on(node: &Node) -> Probe<M> {
        let kind = const { &ProcessKind::plain(|| "a probe") };
        let (cell, number) = Cell::new_occupied(node.clone(), None, StartInfo { parent: 0, kind });
        let mailbox = Mailbox::new(Arc::clone(&cell), number);
        let stub = mailbox.me();
        let (end, ended) = oneshot::channel();
        ProcessTask::spawn(&cell, number, async move { ended.await.unwrap_or(Exit::Normal) });
        Probe { mailbox, stub, end: Some(end), patience: PATIENCE }
    }

    /// What others know the probe by.
    pub fn stub(&self) -> M::Ref {
        self.stub.clone()
    }

    /// How long [`expect`](Probe::expect) waits from now on; 5 s unless said otherwise. On a paused clock it costs
    /// nothing.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Probe<M> {
        self.patience = patience;
        self
    }

    /// Waits for a message of this pattern, the oldest if there are several. What does not match stays where it is, in
    /// order, as with `receive!`.
    ///
    /// Cancel-safe: dropped before it matched, it has taken nothing.
    ///
    /// # Panics
    /// If none comes in time, or the probe is ended by a signal: with the pattern, and what came instead.
    pub async fn expect<T>(&mut self, mut pattern: Pattern<'_, M, T>) -> T {
        self.mailbox.__scan::<Any>(Some(self.patience));
        let mut others = Vec::new();
        let failure = loop {
            let end = self.end.as_mut();
            let next = tokio::select! {
                biased;
                next = self.mailbox.__next() => next,
                () = ended(end) => break ", and the probe has been ended by an exit signal".to_owned(),
            };
            let Some(message) = next else { break format!(" within {:?}", self.patience) };
            if others.len() < SHOWN {
                others.push(Shown(&message).to_string());
            } else {
                others.push(String::new());
            }
            // Its pattern may move it out.
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

    /// Waits for so long, and for nothing. What has come before and was not expected counts.
    ///
    /// # Panics
    /// If there is a message.
    #[track_caller]
    pub fn expect_nothing(&mut self, time: Duration) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            self.mailbox.__scan::<Any>(Some(time));
            if let Some(message) = self.mailbox.__next().await {
                let name = name(&message);
                self.mailbox.__skip(message);
                panic!("at {place}: expected nothing for {time:?}, and `{name}` came");
            }
        }
    }

    /// Ends the probe for this reason, and waits until its links and watchers have heard so.
    pub async fn end(mut self, reason: Exit) {
        let ended = crate::process::ended(self.mailbox.node(), self.mailbox.pid().clone());
        if let Some(end) = self.end.take() {
            // It may have ended already.
            let _ = end.send(reason);
        }
        ended.await;
    }
}

/// Resolves when the probe's process has ended by itself.
async fn ended(end: Option<&mut oneshot::Sender<Exit>>) {
    match end {
        Some(end) => end.closed().await,
        None => std::future::pending().await,
    }
}

/// How many messages a failure shows.
const SHOWN: usize = 10;

fn instead(others: &[String]) -> String {
    if others.is_empty() {
        return "; nothing is there".to_owned();
    }
    let shown = others.iter().filter(|other| !other.is_empty());
    let mut text = "; what is there:".to_owned();
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

/// A message as a failure shows it: with its fields, as far as they have a `Debug`.
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
