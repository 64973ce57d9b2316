//! A process is started from a state that was handed over.

use super::Portability;
use crate::actor::start::Launch;
use crate::actor::{Constructor, Process};
use crate::base::{EncodedState, Exit};
use crate::node::Node;
#[cfg(feature = "upgrade")]
use crate::node::ProcessRecord;
#[cfg(feature = "upgrade")]
use crate::process::Timer;

/// An actor whose state was handed over. The process that is started from it runs [`resumed`](Process::resumed), and neither
/// `init` nor `continue_with`.
pub(crate) struct Resumed<A>(A);

impl<A: Process> Resumed<A> {
    /// The functions for the state of the actor; `None` if it is not portable.
    const PORTABILITY: Option<Portability> = A::OPTIONS.portability;

    /// Reads the state.
    ///
    /// # Errors
    /// The actor is not portable, the state cannot be read, or a function with `#[upgrade]` fails.
    pub(crate) fn read(node: &Node, state: &EncodedState) -> Result<Resumed<A>, Exit> {
        let portability = Self::PORTABILITY.ok_or_else(|| Exit::error("the actor is not portable"))?;
        portability.read(node, state).map(Resumed)
    }
}

#[cfg(feature = "upgrade")]
impl<A: Process> Resumed<A> {
    /// Reads the state of a process that a predecessor has handed over. Returns its timers, too, which may be in the state.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn take_over(node: &Node, process: &ProcessRecord) -> Result<(Resumed<A>, Vec<Timer>), Exit> {
        let portability = Self::PORTABILITY.ok_or_else(|| Exit::error("the actor is not portable"))?;
        let timers: Vec<Timer> = process.timers.iter().map(|timer| Timer::again(timer.id)).collect();
        let handles = process.timers.iter().zip(&timers).map(|(record, timer)| (record.id, timer.to_handle()));
        Ok((Resumed(portability.take_over(node, process, handles.collect())?), timers))
    }

    /// Returns the actor, to be started anew.
    pub(crate) fn into_actor(self) -> A {
        self.0
    }
}

impl<A: Process> Constructor for Resumed<A> {
    type Actor = A;

    fn __launch(self, launch: Launch<'_, A>) {
        launch.resume(self.0);
    }
}
