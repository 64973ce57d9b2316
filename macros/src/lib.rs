//! The procedural macros of [greenroom](https://docs.rs/greenroom), which brings the Erlang/OTP process model to
//! Rust. Use them through that crate: what they generate names its items.
//!
//! | macro | says |
//! |---|---|
//! | [`#[protocol]`](macro@protocol) | what may be said to a process |
//! | [`#[actor]`](macro@actor) | who listens |
//! | [`receive!`](receive!) | how it listens |
//! | [`#[supervisor]`](macro@supervisor) | who restarts whom |
//! | [`#[main]`](macro@main), [`#[test]`](macro@test) | where it all runs |
#![forbid(unsafe_code)]
// Without supervision some of what the words share has one user less.
#![cfg_attr(not(feature = "supervision"), allow(dead_code))]
// A model holds few values and lives for one expansion: boxes would buy nothing.
#![allow(clippy::large_enum_variant)]

mod actor;
mod diag;
mod entry;
mod fallback;
mod misplaced;
mod names;
mod protocol;
mod receive;
mod sibling_items;
#[cfg(test)]
mod snapshots;
#[cfg(feature = "supervision")]
mod supervisor;
#[cfg(not(feature = "supervision"))]
#[path = "supervisor/missing.rs"]
mod supervisor;
mod syntax;

use proc_macro::TokenStream;

/// Turns an enum into a protocol: what may be said to a process, one variant for each message.
///
/// ```
/// # use greenroom::prelude::*;
/// /// What a mail sorter understands.
/// #[protocol]
/// pub enum Mail {
///     /// Leaves one letter.
///     Post { priority: u8, body: String },
///     /// Takes every waiting letter, urgent ones first.
///     Collect { reply: Reply<Vec<String>> },
///     /// A process that the sorter watches has ended.
///     #[from]
///     Down(Down),
/// }
/// ```
///
/// A variant with a `Reply<T>` among its fields is a *call*, any other a *cast*. Generated is the stub, here
/// `MailRef`: what a sender holds, with a method for each variant, under the variant's name in `snake_case` and with
/// its documentation.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # pub enum Mail { Post { priority: u8, body: String }, Collect { reply: Reply<Vec<String>> } }
/// # async fn talk(mail: MailRef) -> greenroom::Result {
/// mail.post(15, "high".into());               // a cast: drop it, or `.await?` it to feel back-pressure
/// let letters = mail.collect().await?;        // a call: `Result<Vec<String>, CallError>`
/// # Ok(())
/// # }
/// ```
///
/// A variant named by a keyword becomes a raw method (`Move`, `r#move`). A stub is a value like any other: it can
/// be cloned, compared, hashed, and sent inside messages, also to another node.
///
/// # Options
/// - `local`: the protocol stays on its node. Its fields need no serde, and no code for the wire is made.
/// - `debug`: a crash report shows the last message that the process took, each field that is `Debug`, and not just its
///   name. It is written down whenever a message is taken, up to 1,000 bytes of it.
/// - `version = N`: raised when messages changed their meaning but not their shape. 0 if left out.
///
/// # On a variant
/// - `#[from]`, with exactly one field: implements `From` that field, makes no method. So the runtime's own messages,
///   `Down`, `ExitSignal` and `NodeEvent`, come into the mailbox; those are never read off the wire.
/// - `#[from]` takes types of your own too: `stub.recipient::<E>()` is then a stub for that type of event alone.
/// - `#[priority]`: these messages go before all others, also before those that were saved; among themselves they
///   keep their order.
/// - `#[redact]`, also on a field: no crash report and no trace shows what is in it.
///
/// `#[cfg(..)]` on variants and named fields is honoured in all that is generated. Type parameters may be used:
/// what is generated for them demands `Send + 'static`, and serde's traits unless the protocol is local.
#[proc_macro_attribute]
pub fn protocol(attr: TokenStream, item: TokenStream) -> TokenStream {
    protocol::protocol(attr.into(), item.into()).into()
}

/// Makes a type an actor: a process with state.
///
/// # On a struct or an enum
/// It says which protocol the actor speaks; `impl Process` for it says how, by `receive!`.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # enum Mail { Post { priority: u8, body: String } }
/// #[actor(protocol = Mail)]
/// struct Sorter { urgent: u8 }
///
/// impl Process for Sorter {
///     async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
///         let letter = receive!(match cx { Mail::Post { priority, body } if priority > self.urgent => body });
///         println!("{letter}");
///         Ok(())
///     }
/// }
/// ```
///
/// - `protocol = P`: what the actor understands. Left out, it is what an `#[actor] impl` of the same type makes.
/// - `name = "..."`: the local name under which the process registers itself; if it is taken, it does not start.
/// - `trap_exit`: exit signals come as messages, by a variant `#[from] Exit(ExitSignal)`, in place of ending it.
/// - `mailbox = 1024`: how many messages may wait, saved ones included; without it, any number.
/// - `overflow = ..`, for a message too many, with `mailbox` only: `wait`, the default, lets it stand in line (dropping
///   its `Cast` takes it back), `reject` fails the cast or call, `drop_newest` drops it, `drop_oldest` drops the one
///   that has waited longest.
///
/// # On an impl
/// It reads the protocol off the methods: for `Counter` it makes the enum `CounterMessage`, the stub `CounterRef`
/// and the loop between them.
///
/// ```
/// # use greenroom::prelude::*;
/// #[actor]
/// #[derive(Default)]
/// struct Counter { count: u64 }
///
/// #[actor]
/// impl Counter {
///     /// Adds `n`.
///     #[cast]
///     fn add(&mut self, n: u64) { self.count += n; }
///
///     /// The count so far.
///     #[call]
///     fn count(&self) -> u64 { self.count }
/// }
/// ```
///
/// | on a method | called |
/// |---|---|
/// | `#[cast]` | for a message that is not answered; an `Err` ends the process with that reason |
/// | `#[call]` | for a message that is: what it returns is the answer, a `Result` too |
/// | `#[init]` | before the first message; an `Err` fails the start |
/// | `#[continue_with]` | right after `#[init]`, before any message, when whoever started it goes on already |
/// | `#[every("30s")]` | again and again, after each such span of time; there may be several |
/// | `#[idle("60s")]` | when no message has come for so long, and not again before the next |
/// | `#[terminate]` | at the end, with `reason: &Exit` if it asks for it; after a panic only as `#[terminate(after_panic)]` |
/// | `#[down]` | when a watched process has ended, with a `Down` |
/// | `#[exit]` | for an exit signal, with an `ExitSignal`; the actor then traps exits |
/// | `#[node_event]` | when a node comes or goes, with a `NodeEvent` |
///
/// Each takes `&mut self` or `&self`, may be `async`, and may ask for `cx: &mut Context<Self>`. A call may ask for
/// `reply: Reply<T>` in place of returning, and answer later. Every other parameter is a part of the message.
/// Methods without one of these attributes stay plain. `#[priority]` on a cast or call lets its messages go before all
/// others.
///
/// The impl's options are two of the protocol's: `local` and `debug`, as in `#[protocol(local, debug)]`.
///
/// A type has one such impl, with all its casts, calls and hooks; plain methods may stand in others. It makes the
/// protocol, so `protocol = ..` is left out on the struct.
///
/// The enum and the stub are as visible as the most visible cast or call, at least `pub(crate)`. A generic actor's
/// impl names its parameters as the struct does, in the same order.
#[proc_macro_attribute]
pub fn actor(attr: TokenStream, item: TokenStream) -> TokenStream {
    actor::actor(attr.into(), item.into()).into()
}

/// Makes a struct a supervision tree. Its `#[child]` fields are started in the order in which they are written
/// and stopped in reverse; its other fields are what they are started with.
///
/// ```
/// # use greenroom::prelude::*;
/// # use std::path::PathBuf;
/// # #[actor] struct Log;
/// # #[actor] impl Log {
/// #     fn open(_: PathBuf) -> Log { Log }
/// #     #[cast] fn write(&mut self, _line: String) {}
/// # }
/// # #[actor] #[derive(Default)] struct Rooms;
/// # #[actor] impl Rooms { #[call] fn join(&mut self, _room: String) {} }
/// #[supervisor(strategy = rest_for_one, intensity = 3, period = "5s")]
/// struct ChatTree {
///     path: PathBuf,
///     #[child(start = Log::open(self.path.clone()))]
///     log: Log,
///     #[child(restart = transient, shutdown = "2s")]
///     rooms: Rooms,
/// }
///
/// # async fn chat(path: PathBuf) -> greenroom::Result {
/// let tree = ChatTree { path }.start().await?;
/// tree.rooms().join("lobby".into()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Generated is `ChatTreeRef`, with a method for each child that gives its stub. Such a stub follows the child across
/// restarts.
///
/// # Options
/// - `strategy`: `one_for_one`, the default, `one_for_all` or `rest_for_one`: who is restarted with a child that ended.
/// - `intensity = N`, `period = "5s"`: more than `N` restarts within the period, and the supervisor gives up. 1 in 5 s,
///   unless said.
/// - `auto_shutdown = any` or `all`: it shuts down when one, or the last, of its significant children has ended.
///
/// # Options of `#[child]`
/// - `start = expression`: makes the child, at every start anew; `self` is the tree. Left out: `Default::default()`.
/// - `restart`: `permanent`, the default, always; `transient` unless it ended in good order; `temporary` never.
/// - `shutdown`: how long it may take to stop, as `"2s"`; or `kill`, or `forever`. Unless said `"5s"`, and `forever` for
///   a supervisor.
/// - `supervisor`: the field's type is a tree itself.
/// - `dynamic`: many of one kind, started by `tree.sessions().start_child(..)`, under a supervisor of their own;
///   `intensity` and `period` are that one's. Unless they are temporary they are `Clone`, or started by
///   `start_child_with(|| ..)`.
/// - `significant`: its end counts for `auto_shutdown`.
/// - `backoff = "100ms..10s"`: a restart waits, longer each time in a row.
/// - `while_down`: what is sent to it while it is being restarted waits until a start has succeeded (`hold`), or is
///   dropped (`drop`).
///
/// A duration is a number and one of `us`, `ms`, `s`, `m`, `h`.
#[proc_macro_attribute]
pub fn supervisor(attr: TokenStream, item: TokenStream) -> TokenStream {
    supervisor::supervisor(attr.into(), item.into()).into()
}

/// Waits for a message that matches, and leaves every other one where it is.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # enum Mail { Post { priority: u8, body: String } }
/// # async fn run(mut cx: Mailbox<Mail>) -> greenroom::Result {
/// let letter = receive!(match cx {
///     Mail::Post { priority, body } if priority > 10 => body,
///     after!(Duration::from_secs(1)) => return Ok(()),
/// });
/// # Ok(())
/// # }
/// ```
///
/// It is a `match` on a process's `cx` or on a `Mailbox`, and an expression: its value is the arm's. Messages are tried
/// in the order in which they came, each against the arms top-down; what no arm matches waits, in order, for a later
/// `receive!`. Bodies may `.await`, use `?`, and leave the loops and the function around them. Guards decide only:
/// they borrow what the pattern binds, and can neither wait nor leave.
///
/// `after!(duration)`, as the last arm, ends the waiting; the duration is evaluated once, before the first message
/// is looked at. `after!(Duration::ZERO)` looks at everything that waits, and goes on.
///
/// What waits is kept by variant, and only the variants that the arms name are looked at. A pattern that names none (a
/// binding, a constant, a variant under another name) is right all the same, and looks at everything.
///
/// Cancel-safe: dropped before an arm matched, it has taken nothing.
#[proc_macro]
pub fn receive(input: TokenStream) -> TokenStream {
    receive::receive(input.into()).into()
}

/// The last arm of a [`receive!`](receive!): what happens when no message came in time.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # enum Mail { Post { priority: u8, body: String } }
/// # async fn run(mut cx: Mailbox<Mail>) {
/// receive!(match cx {
///     Mail::Post { body, .. } => println!("{body}"),
///     after!(Duration::from_secs(1)) => println!("nothing came"),
/// });
/// # }
/// ```
///
/// It is a macro so that the block is a `match` to every tool. Anywhere else it means nothing, and says so.
#[proc_macro]
pub fn after(input: TokenStream) -> TokenStream {
    misplaced::after(&input.into()).into()
}

/// The words that `#[actor]` reads on the methods of an impl, and takes off them. What is left over stands in an impl
/// without it, and says so.
macro_rules! words_on_methods {
    ($($(#[$documentation:meta])* $word:ident;)*) => {$(
        $(#[$documentation])*
        #[proc_macro_attribute]
        pub fn $word(_attr: TokenStream, item: TokenStream) -> TokenStream {
            misplaced::method(stringify!($word), item.into()).into()
        }
    )*};
}

words_on_methods! {
    /// A method of an [`#[actor]`](macro@actor) impl that handles a message which is not answered.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor] struct Counter { count: u64 }
    /// #[actor]
    /// impl Counter {
    ///     #[cast]
    ///     fn add(&mut self, n: u64) { self.count += n; }
    /// }
    /// ```
    ///
    /// It may return nothing or a `Result<(), E>`, whose error ends the process.
    cast;

    /// A method of an [`#[actor]`](macro@actor) impl that answers a message.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor] struct Counter { count: u64 }
    /// #[actor]
    /// impl Counter {
    ///     #[call]
    ///     fn count(&self) -> u64 { self.count }
    /// }
    /// ```
    ///
    /// What it returns is the answer; with a parameter `reply: Reply<T>` it answers when it likes.
    call;

    /// A method of an [`#[actor]`](macro@actor) impl that runs before the first message.
    ///
    /// An `Err` fails the start: `start` returns it, a supervisor counts it.
    init;

    /// A method of an [`#[actor]`](macro@actor) impl that runs right after `#[init]`, before any message, when whoever
    /// started the process goes on already.
    continue_with;

    /// A method of an [`#[actor]`](macro@actor) impl that runs again and again: `#[every("30s")]`.
    ///
    /// There may be several. Turns that were missed are not made up for.
    every;

    /// A method of an [`#[actor]`](macro@actor) impl that runs when no message has come for so long:
    /// `#[idle("60s")]`. It does not run again before the next one.
    idle;

    /// A method of an [`#[actor]`](macro@actor) impl that runs at the end, with `reason: &Exit` if it asks for it.
    ///
    /// After a panic it runs only as `#[terminate(after_panic)]`, on a state that may be half-changed.
    terminate;

    /// A method of an [`#[actor]`](macro@actor) impl that is told, by a `Down`, that a watched process has ended.
    down;

    /// A method of an [`#[actor]`](macro@actor) impl that takes exit signals, each an `ExitSignal`: the actor traps
    /// exits.
    exit;

    /// A method of an [`#[actor]`](macro@actor) impl that hears of nodes that come and go, by a `NodeEvent`.
    node_event;
}

/// Runs an `async fn main` on a node: a local one, unless the environment says otherwise.
///
/// ```
/// #[greenroom::main]
/// async fn main() -> greenroom::Result {
///     Ok(())
/// }
/// ```
///
/// Read are `GREENROOM_NODE` (without it the node is local), `GREENROOM_LISTEN`, `GREENROOM_ADVERTISE`,
/// `GREENROOM_SEEDS` and `GREENROOM_COOKIE`. It returns nothing, or a `Result`: an error is printed, and the exit code
/// tells.
///
/// When the function returns, what still runs is stopped in order: applications, then other trees, then other
/// processes. So it is at SIGTERM and ctrl-c, with exit code 0; the function is then dropped where it waits. And when
/// an application ends that the node cannot do without, with exit code 1. All of that may take 30 s, or
/// `#[greenroom::main(shutdown = "10s")]`, or as long as it takes: `shutdown = forever`. What is left by then is
/// killed, and the exit code is 1.
#[proc_macro_attribute]
pub fn main(attr: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(attr.into(), item.into()).into()
}

/// Runs an `async fn` as a test, on a fresh local node with a paused clock.
///
/// ```
/// #[greenroom::test]
/// async fn counts() -> greenroom::Result {
///     Ok(())
/// }
/// ```
///
/// It returns nothing, or a `Result`, whose error fails the test. `#[should_panic]`, `#[ignore]` and other
/// attributes keep their meaning.
///
/// # Options
/// - `clock = real`: time passes as it does outside. `paused`, unless said: time passes when nothing else can.
#[proc_macro_attribute]
pub fn test(attr: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(attr.into(), item.into()).into()
}
