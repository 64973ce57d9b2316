//! The procedural macros of [greenroom](https://docs.rs/greenroom), which brings the Erlang/OTP process model to Rust.
//! Use them through that crate: the generated code names its items.
//!
//! | macro | purpose |
//! |---|---|
//! | [`#[protocol]`](macro@protocol) | declares the messages of a process |
//! | [`#[actor]`](macro@actor) | declares a type whose values run as processes |
//! | [`receive!`](receive!) | waits for a message that matches a pattern |
//! | [`#[remote]`](macro@remote) | declares a function that other nodes can call |
//! | [`#[supervisor]`](macro@supervisor) | declares which processes are started together, and which are restarted |
//! | [`#[main]`](macro@main), [`#[test]`](macro@test) | run an `async fn` on a node |
//!
//! An attribute's options are `name = value`, or a name alone, separated by commas. A duration is a whole number and a
//! unit in quotes, `us`, `ms`, `s`, `m` or `h`: `"500ms"`, `"5s"`.
//!
//! # Features
//! - `supervision`: the macro [`#[supervisor]`](macro@supervisor). Without it the macro is an error of the compiler.
// The features of an item are shown beside it. docs.rs has the compiler that this needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Without `supervision` a few shared functions are unused.
#![cfg_attr(not(feature = "supervision"), allow(dead_code))]
// A model has few values, which exist during one expansion: boxes would save nothing.
#![allow(clippy::large_enum_variant)]

mod actor;
mod diag;
mod entry;
mod fallback;
mod misplaced;
mod names;
mod protocol;
mod receive;
mod remote;
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

/// Declares the messages of a process: an enum with one variant for each message.
///
/// ```
/// # use greenroom::prelude::*;
/// /// The messages of an account.
/// #[protocol]
/// pub enum Account {
///     /// Adds an amount to the balance.
///     Deposit { cents: u64 },
///     /// Returns the balance.
///     Balance { reply: Reply<u64> },
///     /// A monitored process has exited.
///     #[from]
///     Down(Down),
/// }
/// ```
///
/// A variant with a field `Reply<T>` is a *call*, which is answered with a `T`. Every other variant is a *cast*, a
/// message without an answer.
///
/// # The stub
/// The attribute generates the *stub*, here `AccountRef`: a typed handle that sends to a process, on this node or
/// another. It has a method for each variant, with the variant's name in `snake_case` and its documentation.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # pub enum Account { Deposit { cents: u64 }, Balance { reply: Reply<u64> } }
/// # async fn use_it(account: AccountRef) -> greenroom::Result {
/// account.deposit(500);                       // a cast; `.await?` waits until the mailbox has room
/// let balance = account.balance().await?;     // a call: `Result<u64, CallError>`, at most 5 s later
/// # Ok(())
/// # }
/// ```
///
/// A stub can be cloned, compared, hashed and sent inside messages, also to another node. A variant named by a keyword
/// gets a raw method: `r#move` for `Move`.
///
/// # Options
/// | option | effect | default |
/// |---|---|---|
/// | `local` | the messages never leave their node, and their fields need no serde | they may be sent to other nodes |
/// | `debug` | a crash report shows the last message, up to 1,000 bytes of those fields that are `Debug` | its variant only |
/// | `version = N` | a number that must be equal on two nodes that use the protocol: raise it when a message keeps its fields and changes its meaning | `0` |
/// | `name = ".."` | the protocol's name, which two nodes compare | the enum's name, with the type arguments |
///
/// # On a variant
/// | attribute | effect |
/// |---|---|
/// | `#[from]` | implements `From` for the variant's only field, in place of a stub method |
/// | `#[priority]` | its messages are received before all messages without it |
/// | `#[private]` | no other node can send the message, and its fields need no serde: see below |
/// | `#[redact]`, also on a field | crash reports and traces do not show the contents |
/// | `#[cfg(..)]`, also on a named field | applies to all that is generated, too |
/// | `#[serde(rename, alias)]`, on a field also `default` and `with` | serde's rules between two versions of a program; `#[default]` is short for `#[serde(default)]` |
///
/// `#[from]` accepts the runtime's messages, `Down`, `ExitSignal` and `NodeEvent`, which other nodes cannot send. It also
/// accepts types of your own, called *events*: `stub.recipient::<E>()` is a stub for the event `E` alone.
///
/// A `#[private]` message fails at a sender on another node with `EncodeError::Local`, and at a receiver with
/// `DecodeError::Local`. Both count it as a lost message.
///
/// # Errors
/// A message is `Send + 'static`. Unless it is `#[private]` or the protocol is `local`, its fields and answers also need
/// serde's `Serialize` and `Deserialize`. The same bounds apply to type parameters. References and lifetime parameters do
/// not compile.
#[proc_macro_attribute]
pub fn protocol(attr: TokenStream, item: TokenStream) -> TokenStream {
    protocol::protocol(attr.into(), item.into()).into()
}

#[doc = include_str!("actor/actor.md")]
#[proc_macro_attribute]
pub fn actor(attr: TokenStream, item: TokenStream) -> TokenStream {
    actor::actor(attr.into(), item.into()).into()
}

/// Declares a supervision tree: a process that starts others, its children, and restarts them when they exit.
///
/// The fields with `#[child]` are the children. They are started in order and stopped in reverse order. The other
/// fields are arguments of the tree.
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
/// The attribute generates the stub `ChatTreeRef`, with a method for each child that returns the child's stub. That
/// stub follows the child: after a restart it sends to the new process.
///
/// # Options
/// | option | effect | default |
/// |---|---|---|
/// | `strategy = ..` | the children that are restarted when one exits: `one_for_one` that child, `one_for_all` all, `rest_for_one` that child and those after it | `one_for_one` |
/// | `intensity = N` | the number of restarts within the period after which the next one makes the supervisor give up: it stops all children and exits | `1` |
/// | `period = ".."` | the time in which restarts are counted | `"5s"` |
/// | `auto_shutdown = ..` | the supervisor exits when `any`, or `all`, of its significant children have exited | never |
///
/// # Options of `#[child]`
/// | option | effect | default |
/// |---|---|---|
/// | `start = expression` | makes the actor at each start; `self` is the tree, and the names of earlier fields are their stubs | `Default::default()` |
/// | `on = expression` | the name of the node on which it starts, evaluated at each start; see below | the supervisor's node |
/// | `restart = ..` | when it is restarted: `permanent` always, `transient` after an abnormal exit, `temporary` never | `permanent` |
/// | `shutdown = ..` | the time to stop before it is killed: a duration, `kill` or `forever` | `"5s"`; `forever` for a supervisor |
/// | `supervisor` | the field's type is a tree itself | it is an actor |
/// | `dynamic` | any number of children of this type, started by `tree.sessions().start_child(..)`, under a supervisor of their own | one child |
/// | `intensity = N`, `period = ".."` | the limit of restarts of each child of a `dynamic` field | 1 in `"5s"` |
/// | `significant` | its exit counts for `auto_shutdown`; for `transient` and `temporary` children | it does not count |
/// | `backoff = "100ms..10s"` | a pause before each restart, longer with each restart in a row | no pause |
/// | `while_down = ..` | messages that are sent to it during a restart wait for the new process (`hold`) or are dropped (`drop`) | `hold` |
///
/// # Children on other nodes
/// With `on = expression` the child's process runs on the node that the expression names: a text or a `NodeName`. `self` is
/// the tree. The expression is evaluated by the supervisor at each start and restart, also for each `dynamic` child. A node
/// that is lost is a lost child, which is restarted as after any other exit.
///
/// The other node [exports](https://docs.rs/greenroom/latest/greenroom/struct.NodeBuilder.html#method.export) the actor.
/// The actor, or the arguments of its constructor, have serde's traits. On the supervisor's own node neither is used. Needs
/// the feature `net`.
///
/// A tree with serde's traits can itself be started on another node, which exports it: `tree.start_on(node)`, and
/// `Application::new("billing", tree).start_on(node)`. Write the derive below `#[supervisor]`.
///
/// # Errors
/// The start fails if a child does not start. The children before it are then stopped again.
///
/// A child without `start` implements `Default`. A dynamic child that is restarted implements `Clone`, or is started by
/// `start_child_with(|| ..)`. `backoff` and `while_down` cannot be used on a temporary child, `start` and `significant`
/// not on a dynamic one. A derive is written below `#[supervisor]`, which removes the children from the struct.
#[proc_macro_attribute]
pub fn supervisor(attr: TokenStream, item: TokenStream) -> TokenStream {
    supervisor::supervisor(attr.into(), item.into()).into()
}

/// Declares a function that other nodes can call. Needs the Cargo feature `net`.
///
/// ```
/// # use greenroom::prelude::*;
/// # use std::path::PathBuf;
/// /// Returns the bytes that are free on a disk.
/// #[remote]
/// async fn disk_free(path: PathBuf) -> Result<u64, String> {
///     # let _ = path;
///     Ok(1 << 30)
/// }
///
/// # async fn on_the_other_node() -> greenroom::Result {
/// let node = Node::builder("pong@gollum").export::<disk_free::Remote>().start().await?;
/// # Ok(())
/// # }
/// # async fn here() -> greenroom::Result {
/// let free = disk_free::on("pong@gollum", "/".into()).await?;
/// # Ok(())
/// # }
/// ```
///
/// The function stays as it is. The attribute adds a module with its name: `disk_free::on` takes the name of a node and
/// the parameters, and returns a [`RemoteCall`](../greenroom/struct.RemoteCall.html), which waits for the answer.
/// `disk_free::Remote` is the function's type, to be exported. Two nodes know the function by its name alone.
///
/// Each call runs in a process of its own on the other node. A panic of the function ends that process, and the caller
/// receives the reason. The return value is the answer, also if it is a `Result`.
///
/// # Errors
/// The function is not a method, and has no type parameters. Its parameters and its return value implement serde's traits,
/// and two releases may have different versions of them. References do not compile.
#[proc_macro_attribute]
pub fn remote(attr: TokenStream, item: TokenStream) -> TokenStream {
    remote::remote(attr.into(), item.into()).into()
}

/// Waits for a message that matches an arm, and leaves all other messages in the mailbox.
///
/// ```
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # enum Jobs { Add { priority: u8, name: String }, Close }
/// # async fn run(mut cx: Mailbox<Jobs>) -> greenroom::Result {
/// let urgent = receive!(match cx {
///     Jobs::Add { priority, name } if priority > 10 => name,
///     Jobs::Close => return Ok(()),
///     after!(Duration::from_secs(1)) => "no urgent job".to_owned(),
/// });
/// # Ok(())
/// # }
/// ```
///
/// It is an expression with the value of the arm. The subject is a process's `cx` or a `Mailbox`: a variable or a
/// field.
///
/// - **Order**: messages are tried in order of arrival, each against the arms from top to bottom. A message that
///   matches no arm keeps its place for a later `receive!`.
/// - **Patterns** are those of a `match`, and move out of the message.
/// - **Guards** borrow the bindings of the pattern.
/// - **Bodies** may contain `.await` and `?`, and may leave the surrounding loop or function.
/// - **Timeout**: [`after!(duration)`](after!), as the last arm. The duration is evaluated once, before the first
///   message is tried. `after!(Duration::ZERO)` tries all messages in the mailbox and does not wait. Without the arm
///   the wait has no limit.
///
/// Skipped messages are stored by variant, and only the variants that the arms name are tried. A pattern without a
/// variant's name, such as a binding or a constant, is correct too, and has all of them tried.
///
/// A `receive!` is cancel-safe: if it is dropped before an arm has matched, it has taken no message.
///
/// # Errors
/// A guard with `.await`, `?`, `return`, or a `break` out of it does not compile, nor does an arm with a guard and more
/// than 64 alternatives.
#[proc_macro]
pub fn receive(input: TokenStream) -> TokenStream {
    receive::receive(input.into()).into()
}

/// The last arm of a [`receive!`](receive!), `after!(duration) => body`: it runs if no message has matched in time. An
/// `Instant` in place of the `Duration` is a deadline.
///
/// It has the syntax of a macro so that the block is a `match` for rustfmt and editors. Outside of a `receive!` it does
/// not compile.
#[proc_macro]
pub fn after(input: TokenStream) -> TokenStream {
    misplaced::after(&input.into()).into()
}

/// Defines the attributes that `#[actor]` reads on the methods of an impl and removes. An attribute that remains is in
/// an impl without `#[actor]`, and expands to an error.
macro_rules! method_attributes {
    ($($(#[$documentation:meta])* $name:ident;)*) => {$(
        $(#[$documentation])*
        #[proc_macro_attribute]
        pub fn $name(_attr: TokenStream, item: TokenStream) -> TokenStream {
            misplaced::method(stringify!($name), item.into()).into()
        }
    )*};
}

method_attributes! {
    /// On a method of an [`#[actor]`](macro@actor) impl: handles a message without an answer.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor] struct Stock { items: u64 }
    /// #[actor]
    /// impl Stock {
    ///     #[cast]
    ///     fn add(&mut self, items: u64) { self.items += items; }
    /// }
    /// ```
    ///
    /// The method returns nothing, or a `Result<(), E>`. An error ends the process, and is its exit reason.
    cast;

    /// On a method of an [`#[actor]`](macro@actor) impl: handles a message with an answer.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # #[actor] struct Stock { items: u64, waiting: Vec<Reply<u64>> }
    /// #[actor]
    /// impl Stock {
    ///     /// Returns the number of items.
    ///     #[call]
    ///     fn count(&self) -> u64 { self.items }
    ///
    ///     /// Returns the number of items after the next delivery.
    ///     #[call]
    ///     fn next_delivery(&mut self, reply: Reply<u64>) { self.waiting.push(reply); }
    /// }
    /// ```
    ///
    /// The return value is the answer, also if it is a `Result`. A method with a parameter `reply: Reply<T>` returns
    /// nothing, and answers through the reply, now or later.
    call;

    /// On a method of an [`#[actor]`](macro@actor) impl: called when the process starts, before everything else.
    ///
    /// `.start()` and a supervisor wait for it. It returns nothing, or a `Result<(), E>`; an error fails the start. Without
    /// `self` it is a constructor, and returns the actor.
    init;

    /// On a method of an [`#[actor]`](macro@actor) impl: called in place of `#[init]` and `#[continue_with]` when the process
    /// continues a state that was handed over.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// #[actor(upgrade)]
    /// #[derive(Serialize, Deserialize)]
    /// struct Stock { items: u64, supplier: Recipient<()> }
    ///
    /// #[actor]
    /// impl Stock {
    ///     /// The links of the earlier process have ended with it.
    ///     #[resumed]
    ///     fn link_again(&mut self, cx: &mut Context<Self>) { cx.link(&self.supplier); }
    /// #   #[call] fn count(&self) -> u64 { self.items }
    /// }
    /// ```
    ///
    /// The struct has the option `upgrade`. The method returns nothing, or a `Result<(), E>`; an error fails the start.
    resumed;

    /// On a method of an [`#[actor]`](macro@actor) impl: called after `#[init]`, before the first message.
    ///
    /// `.start()` does not wait for it. It returns nothing, or a `Result<(), E>`, whose error ends the process.
    continue_with;

    /// On a method of an [`#[actor]`](macro@actor) impl: called periodically, `#[every("30s")]`.
    ///
    /// The first call is after the first period. Calls that were missed because a handler took long are not made up
    /// for. An actor may have several such methods. An error that it returns ends the process.
    every;

    /// On a method of an [`#[actor]`](macro@actor) impl: called when no message has arrived for a time, `#[idle("60s")]`.
    ///
    /// It is not called again before the next message. Calls of `#[every]` are not messages. An error that it returns
    /// ends the process.
    idle;

    /// On a method of an [`#[actor]`](macro@actor) impl: called when the process stops.
    ///
    /// It may have a parameter `reason: &Exit`. After a panic only `#[terminate(after_panic)]` is called, since the
    /// state may be inconsistent. An exit signal ends a process that does not trap exits without a call.
    terminate;

    /// On a method of an [`#[actor]`](macro@actor) impl: called when a process that `cx.monitor(..)` monitors exits.
    ///
    /// It has a parameter `down: Down`. An error that it returns ends the process.
    down;

    /// On a method of an [`#[actor]`](macro@actor) impl: called for an exit signal, which then does not end the process.
    ///
    /// It has a parameter `signal: ExitSignal`. A signal of the process that started this one still ends it. An error
    /// that the method returns ends the process.
    exit;

    /// On a method of an [`#[actor]`](macro@actor) impl: called when a node connects or is lost, joins or leaves.
    ///
    /// It has a parameter `event: NodeEvent`. An error that it returns ends the process.
    node_event;

    /// On a function of an [`#[actor]`](macro@actor) impl: makes the actor of the state of an earlier release.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct StockV1 { boxes: u64 }
    /// #[actor(upgrade)]
    /// #[derive(Serialize, Deserialize)]
    /// struct Stock { items: u64 }
    ///
    /// #[actor]
    /// impl Stock {
    ///     #[upgrade]
    ///     fn from_v1(old: StockV1) -> Result<Stock, Exit> { Ok(Stock { items: old.boxes * 12 }) }
    /// #   #[call] fn count(&self) -> u64 { self.items }
    /// }
    /// ```
    ///
    /// The struct has the option `upgrade`. The function is called for a state that has exactly the structure of its
    /// parameter. Other states are read by serde's rules, and the function is called for those that only its parameter
    /// can be made of. If there are several functions, the first one that fits is called.
    upgrade;
}

/// Runs an `async fn main` on a tokio runtime and a node.
///
/// ```
/// #[greenroom::main(shutdown = "10s")]
/// async fn main() -> greenroom::Result {
///     Ok(())
/// }
/// ```
///
/// When the function returns, the node stops applications, then other supervision trees, then other processes. SIGTERM,
/// ctrl-c and the exit of an application that the node cannot run without have the same effect, and drop the function
/// at the `.await` where it waits.
///
/// | option | effect | default |
/// |---|---|---|
/// | `shutdown = ..` | the time for all to stop before it is killed: a duration, `kill` or `forever` | `"30s"` |
/// | `node = ..` | the node: a `Node`, a `NodeBuilder`, or a `Result` of one, such as `build().await` | as the environment defines it |
///
/// | environment variable | value | without it |
/// |---|---|---|
/// | `GREENROOM_NODE` | the name of the node, `name@host` | a local node; the other variables are ignored |
/// | `GREENROOM_LISTEN` | the address to listen at | the node does not listen |
/// | `GREENROOM_ADVERTISE` | the address that other nodes dial | the address it listens at |
/// | `GREENROOM_SEEDS` | the addresses to dial, separated by commas | none |
/// | `GREENROOM_COOKIE` | the secret of the cluster, 32 bytes in base64 | the file `.greenroom/cookie` in the home directory |
///
/// # Errors
/// The function has no parameters, and returns nothing or a `Result` whose error implements `Display`. An error is
/// printed with its causes, and the exit code is 1. It is also 1 if such an application has ended or if processes had to be killed, and
/// else 0.
#[proc_macro_attribute]
pub fn main(attr: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(attr.into(), item.into()).into()
}

/// Runs an `async fn` as a test, on a new local node with a paused clock. Needs the Cargo feature `test`.
///
/// ```
/// #[greenroom::test]
/// async fn an_order_is_paid_once() -> greenroom::Result {
///     Ok(())
/// }
/// ```
///
/// | option | effect | default |
/// |---|---|---|
/// | `clock = ..` | `paused`: time passes only while no process can run, and then without waiting · `real`: the real clock | `paused` |
/// | `expect_crash` | the test passes although a process has crashed and nothing has noticed it | fails |
/// | `time_limit = "48h"` | the time that the test may take by its paused clock | an hour without a step of the test itself, or 30 days |
///
/// A crash is noticed if the process is linked, monitored or supervised, or if other code awaits its end or receives the
/// exit reason from a call. A test that fails prints its seed and the command that repeats its steps.
///
/// `#[should_panic]`, `#[ignore]` and other attributes keep their meaning.
///
/// # Errors
/// The function has no parameters, and returns nothing or a `Result` whose error implements `Display`. An error fails
/// the test.
#[proc_macro_attribute]
pub fn test(attr: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(attr.into(), item.into()).into()
}
