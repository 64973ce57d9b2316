//! A process as data: what its cell has, and its messages. The state of the actor is the process's own.

mod restore;

use super::Cell;
use super::control_block::{Continued, RunState};
use crate::base::{ByteString, Down, Encoder, ExitSignal, NodeEvent, Payload, Protocol};
use crate::node::{Current, HookTimes, MessageContent, Node, OwnPart, ProcessRecord, RecordedProcess, TimerRecord};
use crate::process::{catch, protocol_definition};
use crate::signal::Relations;

impl<M: Protocol> Cell<M> {
    /// Returns the process with this number, whose own code has written its part.
    ///
    /// # Errors
    /// The process has ended.
    pub(crate) fn record(&self, number: u64, own: OwnPart) -> Result<RecordedProcess, String> {
        let OwnPart { state, calls, messages, timers, hooks, is_suspended, path } = own;
        let control = self.control();
        if !control.is_running(number) || control.state != RunState::Running {
            return Err("the process has ended".to_owned());
        }
        let relations = control.cold().map(|cold| &cold.relations);
        let process = ProcessRecord {
            number,
            is_root: self.path().is_none() && path.is_some(),
            path: self.path().map(ToString::to_string).or(path),
            child_number: self.child_slot.as_ref().and_then(|slot| slot.number.get().copied()),
            name: control.name().cloned(),
            groups: Vec::new(),
            traps_exits: Some(control.trap_exit).filter(|traps| *traps != control.kind.trap_exit),
            watches_nodes: Some(control.node_events).filter(|watches| *watches != control.kind.node_events),
            is_suspended,
            state,
            calls,
            messages,
            relations: relations.map(Relations::record).unwrap_or_default(),
            timers,
            hooks,
        };
        drop(control);
        let in_mailbox = process.messages.iter().map(|message| &message.content);
        let mut contents = in_mailbox.chain(process.timers.iter().map(|timer| &timer.message));
        let is_needed = contents.any(|content| matches!(content, MessageContent::Sent { .. }));
        let definition = protocol_definition::<M>(&self.node).filter(|_| is_needed);
        let definition = definition.and_then(|definition| definition.get().ok()).cloned();
        Ok(RecordedProcess { process, definition })
    }

    /// Takes the times of the timed hooks of a process that was handed over.
    pub(crate) fn take_continued_hooks(&self, number: u64) -> Option<HookTimes> {
        let take = |continued: &mut Box<Continued>| std::mem::take(&mut continued.hooks);
        self.with_attached(number, |attached| attached.continued.as_mut().map(take))?
    }

    /// Returns whether the process was suspended when it was handed over. Only once.
    pub(crate) fn was_suspended(&self, number: u64) -> bool {
        let take = |continued: &mut Box<Continued>| std::mem::take(&mut continued.is_suspended);
        self.with_attached(number, |attached| attached.continued.as_mut().map(take)).flatten().unwrap_or(false)
    }

    /// Writes the timers of the process.
    ///
    /// # Errors
    /// The message of one cannot be encoded.
    pub(in crate::process) fn record_timers(&self, number: u64) -> Result<Vec<TimerRecord>, String> {
        let now = self.node.clock().now();
        let timers = self.with_attached(number, |attached| attached.timers.values().cloned().collect::<Vec<_>>());
        let records = timers.unwrap_or_default().into_iter().filter_map(|timer| {
            let content = timer.with_message(|message: &M| message_content(&self.node, message))?;
            let left = timer.due().map(|due| due.saturating_duration_since(now));
            let id = timer.id()?;
            Some(content.map(|message| TimerRecord { id, left, message }))
        });
        records.collect()
    }
}

/// Encodes a message for the successor.
///
/// # Errors
/// It is of a local protocol, or `#[private]`, or its `Serialize` fails.
pub(in crate::process) fn message_content<M: Protocol>(node: &Node, message: &M) -> Result<MessageContent, String> {
    if let Some(event) = message.as_system() {
        return event_content(event).ok_or_else(|| format!("the message `{}`", M::VARIANTS[message.variant()].name));
    }
    let unsendable = |error: &dyn std::fmt::Display| {
        format!("the message `{}::{}`: {error}", M::NAME, M::VARIANTS[message.variant()].name)
    };
    let definition = protocol_definition::<M>(node).ok_or_else(|| unsendable(&"the protocol is local"))?;
    let protocol = definition.get().map_err(|error| unsendable(error))?.fingerprint;
    let mut payload = Payload::default();
    let mut encoder = Encoder::new(&mut payload, usize::MAX);
    let (encoded, calls) = Current::hand_over(node, || catch(|| message.encode(&mut encoder)));
    encoded.map_err(|panic| unsendable(&panic))?.map_err(|error| unsendable(&error))?;
    let fields = ByteString(payload.parts().concat());
    // The index of a variant fits: no enum has so many.
    Ok(MessageContent::Sent { protocol, variant: message.variant() as u32, fields, calls })
}

fn event_content(event: &dyn std::any::Any) -> Option<MessageContent> {
    if let Some(Down { monitor, target, reason }) = event.downcast_ref().cloned() {
        return Some(MessageContent::Down { monitor, target, reason });
    }
    if let Some(ExitSignal { from, reason }) = event.downcast_ref().cloned() {
        return Some(MessageContent::Exit { from, reason });
    }
    match event.downcast_ref()? {
        NodeEvent::Up(node) => Some(MessageContent::NodeUp(node.clone())),
        NodeEvent::Down(node) => Some(MessageContent::NodeDown(node.clone())),
        NodeEvent::Joined(_) | NodeEvent::Left(_) => None,
    }
}
