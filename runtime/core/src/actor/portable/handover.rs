//! A state in a message to the process that continues it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Portable;
use super::encoded::NamedState;
use crate::base::Exit;

/// The state of an actor on its way to the process that continues it, in a message or in bytes.
///
/// It is serialized together with the shape of the state's type. So a process of another release can read it by serde's
/// rules: fields may have been added, removed, moved and renamed. Where these do not suffice, functions with
/// `#[upgrade]` in the `#[actor]` impl convert the types of earlier states.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::Handover;
/// use serde::{Deserialize, Serialize};
///
/// #[actor(upgrade)]
/// #[derive(Default, Serialize, Deserialize)]
/// struct Counter {
///     count: u64,
/// }
///
/// /// The state of an earlier release.
/// #[derive(Serialize, Deserialize)]
/// struct Tally {
///     strokes: Vec<()>,
/// }
///
/// #[actor]
/// impl Counter {
///     #[call]
///     fn add(&mut self, n: u64) -> u64 {
///         self.count += n;
///         self.count
///     }
///
///     /// Ends the process, and returns its state.
///     #[call]
///     fn hand_over(&mut self, cx: &mut Context<Self>) -> Handover<Counter> {
///         cx.stop(Exit::shutdown());
///         Handover::new(std::mem::take(self))
///     }
///
///     #[upgrade]
///     fn from_tally(old: Tally) -> Counter {
///         Counter { count: old.strokes.len() as u64 }
///     }
/// }
///
/// # #[greenroom::main]
/// # async fn main() -> greenroom::Result {
/// let first = Counter { count: 1 }.spawn();
/// first.add(2).await?;
/// let second = first.hand_over().await?.into_state()?.spawn();
/// assert_eq!(second.add(1).await?, 4);
/// # Ok(())
/// # }
/// ```
///
/// # What a state can contain
/// - Stubs and [`Recipient`](crate::Recipient)s refer to the same processes as before.
/// - A [`Reply`](crate::Reply) that is handed over in a message is answered by the new process. In bytes that are made
///   outside of a message, as for a file, it is an error.
/// - A [`MonitorRef`](crate::MonitorRef) and a [`Timer`](crate::Timer) belong to the process, as its links, its name and its
///   mailbox do. The new process monitors nothing, and the timer is one that has fired. They are the same as before only if
///   the process itself continues, in the [upgrade](crate::Node::upgrade) of its node.
///
/// # Errors
/// Serializing fails if the state cannot be recorded or written, for the reasons that apply to messages. A state that
/// cannot be read does not fail the message in which it arrives: [`into_state`](Handover::into_state) returns the error.
pub struct Handover<A>(Result<A, Exit>);

impl<A> Handover<A> {
    /// Takes the state to be handed over.
    pub fn new(state: A) -> Handover<A> {
        Handover(Ok(state))
    }

    /// Returns the state.
    ///
    /// # Errors
    /// The state was sent by another release, and this one cannot read it. Or a function with `#[upgrade]` refused it, for
    /// this reason.
    pub fn into_state(self) -> Result<A, Exit> {
        self.0
    }
}

impl<A> fmt::Debug for Handover<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0.as_ref().err();
        f.debug_struct("Handover").field("type", &std::any::type_name::<A>()).field("error", &error).finish()
    }
}

/// Requires a current node: a running process, or `node.enter()`.
impl<A: Portable> Serialize for Handover<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let custom = <S::Error as serde::ser::Error>::custom::<String>;
        let state = self.0.as_ref().map_err(|error| custom(error.to_string()))?;
        NamedState::of(state).map_err(custom)?.serialize(serializer)
    }
}

/// Requires a current node: a running process, or `node.enter()`.
impl<'de, A: Portable> Deserialize<'de> for Handover<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Handover<A>, D::Error> {
        Ok(Handover(NamedState::deserialize(deserializer)?.read()))
    }
}
