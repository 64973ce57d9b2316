//! Functions that other nodes call.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
#[cfg(feature = "inspect")]
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::argument::Argument;
use super::named::{Arguments, Named, Names, RemoteValue};
use crate::base::{CallError, CallErrorKind, Decoder, Exit, NodeName, Protocol, Variant};
#[cfg(feature = "inspect")]
use crate::base::{OwnDefinition, Untyped};
use crate::call::{Call, CallName, Reply, Request, reply_pair};
use crate::node::{Current, Node, RunningCall};
#[cfg(feature = "inspect")]
use crate::process::type_definition;
use crate::process::{Cell, EncodedValue, Handling, ProcessKind, ProcessTask, StartInfo};

/// A function that other nodes can call. [`#[remote]`](attr.remote.html) implements it for the type `Remote` in the module
/// with the function's name.
pub trait RemoteFunction: Sized + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// The name for errors.
    #[doc(hidden)]
    const __CALL: &'static CallName;
    /// The names of the parameters.
    #[doc(hidden)]
    const __PARAMS: &'static [&'static str];
    /// The parameters.
    type Args: Arguments;
    /// The return type.
    type Output: Send + 'static;

    /// Calls the function.
    #[doc(hidden)]
    fn __call(args: Self::Args) -> impl Future<Output = Self::Output> + Send;
}

/// The type of one parameter of a function.
///
/// The function `on` names it in this way: it is in a module of its own, in which the imports of the function are not.
pub trait RemoteParam<const INDEX: usize> {
    /// The type.
    type Type;
}

/// The future of a call of a function on another node; from the function `on` in the module of a function with
/// [`#[remote]`](attr.remote.html).
///
/// The request has been sent when it is made. It waits for 5 s, unless [`within`](RemoteCall::within) or
/// [`forever`](RemoteCall::forever) change that. If it is dropped, or its process exits, the function is ended at its next
/// `.await`.
///
/// # Errors
/// - [`CallErrorKind::Exit`]: the function has panicked.
/// - [`CallErrorKind::NotExported`]: the node does not export the function.
/// - [`CallErrorKind::Incompatible`]: the parameters have other types there.
/// - [`CallErrorKind::NoConnection`], [`CallErrorKind::Timeout`] and the others of a [`Call`].
#[must_use = "a call returns its answer when it is awaited, and is given up when it is dropped"]
pub struct RemoteCall<T: 'static> {
    call: Call<T>,
    /// The process of a call on the caller's own node.
    _local: Option<LocalProcess>,
}

/// A process that ends with its call.
struct LocalProcess {
    node: Node,
    number: u64,
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        self.node.send_exit(self.number, Exit::Kill);
    }
}

impl<T: 'static> RemoteCall<T> {
    /// Sets the time limit to `limit`, counted from the next poll. The call then fails with [`CallErrorKind::Timeout`].
    pub fn within(self, limit: Duration) -> RemoteCall<T> {
        RemoteCall { call: self.call.within(limit), ..self }
    }

    /// Removes the time limit: the call ends with an answer or with an error of another kind.
    pub fn forever(self) -> RemoteCall<T> {
        RemoteCall { call: self.call.forever(), ..self }
    }
}

impl<T: 'static> Future for RemoteCall<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.call).poll(cx)
    }
}

impl<T: 'static> fmt::Debug for RemoteCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteCall")
    }
}

/// Calls a function on the node `at`.
///
/// # Panics
/// Outside of any node, like [`Node::current`].
#[track_caller]
pub fn call_on<F: RemoteFunction<Output = T>, T: RemoteValue>(at: &str, args: F::Args) -> RemoteCall<T> {
    call_at::<F>(&Node::current(), at, args)
}

/// Calls a function from `node` on the node `at`.
pub(crate) fn call_at<F: RemoteFunction<Output: RemoteValue>>(
    node: &Node,
    at: &str,
    args: F::Args,
) -> RemoteCall<F::Output> {
    let Ok(at) = NodeName::new(at) else {
        return RemoteCall { call: failed(node, F::__CALL, CallErrorKind::NoConnection), _local: None };
    };
    if at == *node.name() {
        let (reply, call) = reply_pair(node, F::__CALL);
        let _context = Current::enter_context(node.message_context());
        let number = run::<F>(node, args, reply, |_| None);
        return RemoteCall { call, _local: Some(LocalProcess { node: node.clone(), number }) };
    }
    let args = Argument { node: node.clone(), value: Named::<ParamsOf<F>, _>::new(args) };
    let request = Request { node, at: &at, name: F::NAME, constructor: "", call: F::__CALL };
    RemoteCall { call: request.send(|encoder| encoder.field(&args)), _local: None }
}

/// Returns a call that has failed.
fn failed<T: 'static>(node: &Node, name: &'static CallName, error: CallErrorKind) -> Call<T> {
    let (reply, call) = reply_pair(node, name);
    reply.fail(error);
    call
}

/// Serves a call of another node.
pub(crate) fn serve_call<F: RemoteFunction<Output: RemoteValue>>(
    node: &Node,
    mut decoder: Decoder<'_>,
) -> Result<(), CallErrorKind> {
    let reply = Reply::<F::Output>::read_typed(&mut decoder)?;
    let args: EncodedValue = decoder.field()?;
    decoder.finish()?;
    let incompatible = |reason| CallErrorKind::Incompatible(format!("`{}`: {reason}", F::NAME).into());
    let Named(args, _) = args.read::<Named<ParamsOf<F>, F::Args>>(node).map_err(incompatible)?;
    let call = reply.call_id();
    run::<F>(node, args, reply, |number| Some(node.note_running_call(call?, number)));
    Ok(())
}

/// Returns the definitions of the parameters and of the answer.
#[cfg(feature = "inspect")]
pub(super) fn describe<F: RemoteFunction<Output: RemoteValue>>(node: &Node) -> [Arc<OwnDefinition>; 2] {
    [type_definition::<Named<ParamsOf<F>, F::Args>>(node), type_definition::<F::Output>(node)]
}

/// Calls a function of another program on the node `at`, by the shape of its parameters.
#[cfg(feature = "inspect")]
pub(crate) fn call_untyped(
    node: &Node,
    at: &NodeName,
    name: &str,
    args: Untyped,
    call: &'static CallName,
) -> Call<Untyped> {
    let request = Request { node, at, name, constructor: "", call };
    request.send(|encoder| encoder.field(&EncodedValue::from(args)))
}

/// Runs the function in a process of its own, and returns the process's number. `note` notes the process before it runs.
fn run<F: RemoteFunction>(
    node: &Node,
    args: F::Args,
    reply: Reply<F::Output>,
    note: impl FnOnce(u64) -> Option<RunningCall>,
) -> u64 {
    let start = StartInfo { parent: 0, kind: KindOf::<F>::KIND };
    let (cell, number) = Cell::<NoMessages>::new_occupied(node.clone(), None, start);
    let running = note(number);
    let handling = Handling::of_call(node, number, F::NAME);
    ProcessTask::spawn(&cell, number, async move {
        let _running = running;
        reply.send(handling.run(F::__call(args)).await);
        Exit::Normal
    });
    number
}

/// The names of a function's parameters.
struct ParamsOf<F>(PhantomData<F>);

impl<F: RemoteFunction> Names for ParamsOf<F> {
    const PARAMS: &'static [&'static str] = F::__PARAMS;
}

/// The place of the constant that all processes of a function share.
struct KindOf<F>(PhantomData<F>);

impl<F: RemoteFunction> KindOf<F> {
    const KIND: &'static ProcessKind = &ProcessKind::plain(|| F::NAME);
}

/// The protocol of a process that receives no messages.
enum NoMessages {}

impl Protocol for NoMessages {
    const NAME: &'static str = "no messages";
    const VARIANTS: &'static [Variant] = &[];

    fn variant(&self) -> usize {
        match *self {}
    }
}
