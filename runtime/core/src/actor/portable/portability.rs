//! The functions by which the runtime encodes and reads the state of a portable actor.

use std::any::Any;

use super::encoded::NamedState;
use super::{Otherwise, Portable};
use crate::base::{Decoder, EncodedState, Exit, Source};
#[cfg(feature = "upgrade")]
use crate::node::{AnyHandle, KeptCall, ProcessRecord};
use crate::node::{Current, Node};
use crate::process::catch;

/// The functions for the state of one type of actor, and its option `otherwise`. The type is known to those that call them.
#[derive(Clone, Copy, Debug)]
pub struct Portability {
    encode: fn(&dyn Any) -> Result<EncodedState, String>,
    /// Reads a state into an `Option` of the actor.
    read: fn(&EncodedState, &mut dyn Any) -> Result<(), Exit>,
    /// The treatment of a process whose state is not handed over.
    pub otherwise: Otherwise,
}

impl Portability {
    /// Returns the functions for the state of `A`.
    #[must_use]
    pub const fn of<A: Portable>(otherwise: Otherwise) -> Portability {
        Portability { encode: encode::<A>, read: read::<A>, otherwise }
    }

    /// Encodes the state of an actor, in its process.
    ///
    /// # Errors
    /// The reason why the state has no shape, or cannot be written.
    pub(super) fn encode(&self, actor: &dyn Any) -> Result<EncodedState, String> {
        // A `Serialize` that panics has not changed the state.
        catch(|| (self.encode)(actor)).unwrap_or_else(|panic| Err(panic.to_string()))
    }

    /// Reads the state of an actor of type `A`, for a process that does not run yet.
    ///
    /// # Errors
    /// The state cannot be read, or a function with `#[upgrade]` fails.
    pub(super) fn read<A: 'static>(&self, node: &Node, state: &EncodedState) -> Result<A, Exit> {
        let mut actor: Option<A> = None;
        let (result, _) = Current::collect_dropped(node, Node::SYSTEM, || catch(|| (self.read)(state, &mut actor)));
        result??;
        actor.ok_or_else(|| Exit::error("the state is of another type"))
    }

    /// Encodes the state of an actor for the successor of its node, in its process.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    #[cfg(feature = "upgrade")]
    pub(crate) fn hand_over(
        &self,
        node: &Node,
        actor: &dyn Any,
    ) -> Result<(EncodedState, Vec<Option<KeptCall>>), String> {
        let (state, calls) = Current::hand_over(node, || self.encode(actor));
        state.map(|state| (state, calls))
    }

    /// Reads the state of a process that a predecessor has handed over. `handles` are those of the process.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[cfg(feature = "upgrade")]
    pub(super) fn take_over<A: 'static>(
        &self,
        node: &Node,
        process: &ProcessRecord,
        handles: Vec<(u64, AnyHandle)>,
    ) -> Result<A, Exit> {
        let (mut actor, state): (Option<A>, _) = (None, &process.state);
        Current::take_over(node, (handles, process.calls.clone()), || catch(|| (self.read)(state, &mut actor)))??;
        actor.ok_or_else(|| Exit::error("the state is of another type"))
    }
}

fn encode<A: Portable>(actor: &dyn Any) -> Result<EncodedState, String> {
    let actor = actor.downcast_ref::<A>().ok_or("the state is of another type")?;
    let bytes = postcard::to_allocvec(&NamedState::of(actor)?).map_err(|error| error.to_string())?;
    Ok(EncodedState::new(bytes))
}

fn read<A: Portable>(state: &EncodedState, actor: &mut dyn Any) -> Result<(), Exit> {
    let bytes = Source::from(state.bytes().to_vec());
    let mut decoder = Decoder::new(&bytes);
    let state = decoder.field::<NamedState>().and_then(|state| decoder.finish().map(|()| state));
    let state = state.map_err(|error| Exit::error(format_args!("the bytes are not a state: {error}")))?;
    if let Some(actor) = actor.downcast_mut::<Option<A>>() {
        *actor = Some(state.read()?);
    }
    Ok(())
}
