//! The actors and functions that other nodes may start and call, and the calls of functions that run.

#[cfg(feature = "inspect")]
use std::collections::BTreeMap;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::RangeInclusive;
#[cfg(feature = "inspect")]
use std::sync::Arc;

#[cfg(feature = "inspect")]
use crate::base::OwnDefinition;
use crate::base::{CallErrorKind, Decoder, Exit, Right, Source, shorten};
use crate::node::{CallId, Node};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::Epoch;

/// An actor, a tree or a function that other nodes may start or call. [`#[actor]`](attr.actor.html),
/// [`#[supervisor]`](attr.supervisor.html) and [`#[remote]`](attr.remote.html) implement it. A tree has serde's traits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported",
    label = "expected an actor, a tree, or the type `Remote` of a function",
    note = "a tree is a struct with `#[supervisor]` and below it `#[derive(Serialize, Deserialize)]`, without type parameters",
    note = "an actor is a type with `#[actor]`; the function `disk_free` with `#[remote]` is exported as `disk_free::Remote`"
)]
pub trait Export {
    /// Adds all that other nodes may request. Generic, so that it is compiled only for what is exported.
    #[doc(hidden)]
    fn __export<E: AddExport>(exports: &mut E);
}

/// A table of exports.
pub trait AddExport {
    /// Adds the code that serves requests with this name and constructor.
    #[doc(hidden)]
    fn __add(&mut self, name: String, constructor: &'static str, serve: Serve);

    /// Adds the description of a function, by which it is called without its types.
    #[cfg(feature = "inspect")]
    #[doc(hidden)]
    fn __describe(&mut self, name: &'static str, describe: Describe);
}

/// The code that serves a request.
#[doc(hidden)]
pub struct Serve {
    /// The right that the peer needs.
    pub(crate) right: Right,
    /// Decodes the rest of the request, and starts a process.
    pub(crate) serve: fn(&Node, Decoder<'_>) -> Result<(), CallErrorKind>,
}

/// Returns the definitions of a function's parameters and of its answer.
#[cfg(feature = "inspect")]
#[doc(hidden)]
pub struct Describe(pub(crate) fn(&Node) -> [Arc<OwnDefinition>; 2]);

/// The exports of a node, by their name and constructor.
#[derive(Default)]
pub(crate) struct Exports {
    served: HashMap<String, HashMap<&'static str, Serve>>,
    #[cfg(feature = "inspect")]
    functions: BTreeMap<&'static str, Describe>,
}

impl AddExport for Exports {
    fn __add(&mut self, name: String, constructor: &'static str, serve: Serve) {
        self.served.entry(name).or_default().insert(constructor, serve);
    }

    #[cfg(feature = "inspect")]
    fn __describe(&mut self, name: &'static str, describe: Describe) {
        self.functions.insert(name, describe);
    }
}

/// The longest name in an error, in bytes.
const MAX_NAME: usize = 255;

impl Exports {
    /// Serves a request of another node: the name, the constructor, and what the export reads.
    ///
    /// # Errors
    /// There is no such export, the peer does not have the right, or the request cannot be read.
    fn serve(&self, node: &Node, request: &Source, may: impl Fn(Right) -> bool) -> Result<(), CallErrorKind> {
        let mut decoder = Decoder::new(request);
        let (name, constructor): (String, String) = decoder.field()?;
        // The peer chooses the names, and they are logged.
        let short = |name: &str| shorten(name, MAX_NAME).into();
        let constructors = self.served.get(&name).ok_or_else(|| CallErrorKind::NotExported(short(&name)))?;
        let unknown = || CallErrorKind::UnknownConstructor(short(&format!("{name}::{constructor}")));
        let Serve { right, serve } = constructors.get(&*constructor).ok_or_else(unknown)?;
        if !may(*right) {
            return Err(CallErrorKind::NotAllowed(*right));
        }
        serve(node, decoder)
    }
}

impl fmt::Debug for Exports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.served.keys()).finish()
    }
}

/// The calls of other nodes for which a process runs, until its end: the connection, the id, and the process's number.
///
/// A peer that uses an id twice has two entries.
#[derive(Default)]
pub(crate) struct RunningCalls(Mutex<BTreeSet<(Epoch, u64, u64)>>);

/// Removes the note of a running call at its end.
pub(crate) struct RunningCall {
    node: Node,
    call: (Epoch, u64, u64),
}

impl RunningCalls {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Epoch, u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the processes of the calls of a connection with ids in this range.
    fn processes(&self, epoch: Epoch, ids: RangeInclusive<u64>) -> Vec<u64> {
        let range = (epoch, *ids.start(), 0)..=(epoch, *ids.end(), u64::MAX);
        self.lock().range(range).map(|(_, _, process)| *process).collect()
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.node.running_calls().lock().remove(&self.call);
    }
}

impl Node {
    /// Sets what other nodes may start and call.
    pub(crate) fn set_exports(&self, exports: Exports) {
        // Called once, by the builder, before the node is shared.
        let _ = self.inner.exports.set(exports);
    }

    /// Returns the names of the exported functions.
    #[cfg(feature = "inspect")]
    pub(crate) fn exported_functions(&self) -> Vec<&'static str> {
        self.inner.exports.get().map(|exports| exports.functions.keys().copied().collect()).unwrap_or_default()
    }

    /// Returns the definitions of an exported function's parameters and of its answer.
    #[cfg(feature = "inspect")]
    pub(crate) fn describe_function(&self, name: &str) -> Option<[Arc<OwnDefinition>; 2]> {
        let Describe(describe) = self.inner.exports.get()?.functions.get(name)?;
        Some(describe(self))
    }

    /// Serves a request of another node, which has the rights that `may` states.
    ///
    /// # Errors
    /// Nothing is exported under the name, the peer does not have the right, or the request cannot be read.
    pub(crate) fn serve_request(&self, request: &Source, may: impl Fn(Right) -> bool) -> Result<(), CallErrorKind> {
        let nothing = Exports::default();
        self.inner.exports.get().unwrap_or(&nothing).serve(self, request, may)
    }

    fn running_calls(&self) -> &RunningCalls {
        &self.inner.running_calls
    }

    /// Notes that the process with this number runs for a call of another node. It is killed if the caller gives up.
    pub(crate) fn note_running_call(&self, CallId { epoch, id }: CallId, process: u64) -> RunningCall {
        let call = (epoch, id, process);
        self.running_calls().lock().insert(call);
        RunningCall { node: self.clone(), call }
    }

    /// Kills the process that runs for a call, whose caller does not wait any more.
    pub(crate) fn cancel_running_call(&self, CallId { epoch, id }: CallId) {
        self.running_calls()
            .processes(epoch, id..=id)
            .into_iter()
            .for_each(|process| self.send_exit(process, Exit::Kill));
    }

    /// Kills the processes that run for calls of a connection that is lost.
    pub(crate) fn cancel_running_calls(&self, lost: Epoch) {
        self.running_calls()
            .processes(lost, 0..=u64::MAX)
            .into_iter()
            .for_each(|process| self.send_exit(process, Exit::Kill));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{DecodeError, Encoder, Payload};

    fn request(name: &str, constructor: &str) -> Source {
        let mut payload = Payload::default();
        let mut encoder = Encoder::new(&mut payload, usize::MAX);
        encoder.field(&(name.to_owned(), constructor.to_owned())).unwrap();
        encoder.field(&7_u8).unwrap();
        payload.to_source()
    }

    #[tokio::test]
    async fn a_request_is_served_or_an_error() {
        let node = Node::local();
        let mut exports = Exports::default();
        let serve = |_: &Node, mut decoder: Decoder<'_>| {
            assert_eq!(decoder.field::<u8>()?, 7);
            Ok(decoder.finish()?)
        };
        exports.__add("Render".into(), "open", Serve { right: Right::Spawn, serve });
        let serve = |request: &Source, may| exports.serve(&node, request, |right| right == Right::Spawn && may);
        let served = request("Render", "open");
        assert_eq!(serve(&served, true), Ok(()));
        assert_eq!(serve(&served, false), Err(CallErrorKind::NotAllowed(Right::Spawn)));
        for cut in 0..served.len() {
            let error = serve(&Source::from(served[..cut].to_vec()), true).unwrap_err();
            assert!(matches!(error, CallErrorKind::Decode(DecodeError::Malformed(_))), "{error:?}");
        }
        let unknown = CallErrorKind::UnknownConstructor("Render::close".into());
        assert_eq!(serve(&request("Render", "close"), true), Err(unknown));
        let Err(CallErrorKind::NotExported(name)) = serve(&request(&"n".repeat(1 << 20), ""), true) else {
            panic!("nothing of this name is exported")
        };
        assert!(name.len() <= MAX_NAME, "{} bytes", name.len());
    }
}
