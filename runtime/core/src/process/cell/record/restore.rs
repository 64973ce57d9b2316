//! The continuation of a process in a cell.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::super::Cell;
use super::super::control_block::{Continued, StartInfo};
use crate::base::{Down, ExitSignal, MessageContext, NodeEvent, Protocol, Source, System, UnreadMessage};
use crate::log;
use crate::mailbox::Entry;
use crate::node::{Addressable, AnyCell, Current, EncodedMessage, LocalProcess, MessageContent, ProcessRecord};
use crate::process::Timer;
use crate::process::cell::messages::OwnMessage;

impl<M: Protocol> Cell<M> {
    /// Occupies a vacant cell with a process that was handed over. It does not run yet. Its state is the
    /// caller's, and so are the handles of its timers.
    pub(crate) fn occupy_again(self: &Arc<Self>, start: StartInfo, process: &ProcessRecord, timers: &[Timer]) {
        self.occupy_as(start, process.number);
        self.restore(process, timers);
    }

    /// Gives a process that does not run yet all that was handed over but the state.
    pub(crate) fn restore(self: &Arc<Self>, process: &ProcessRecord, timers: &[Timer]) {
        let number = process.number;
        let node = &self.node;
        let handed_over = node.handed_over_or_default();
        if handed_over.is_exported(number) {
            self.export_pid();
        }
        if let Some(child) = process.child_number
            && Arc::clone(self).list_child().is_some()
            && handed_over.is_exported(child)
        {
            self.export_child();
        }
        if let Some(name) = &process.name {
            let local = LocalProcess { number, cell: Arc::clone(self) as Arc<dyn AnyCell> };
            if let Err(error) = node.names().register(name, local) {
                log::warn!(
                    target: "greenroom", name = %log::Escaped(name), error = %log::Escaped(&error),
                    "process was handed over without its name"
                );
            }
        }
        self.restore_control_block(process);
        let messages = process.messages.iter().filter_map(|message| {
            let read = self.read_content(number, &message.content)?;
            Some(Entry { origin: message.origin, context: MessageContext::NONE, message: read })
        });
        self.queue.put_first(messages.collect());
        for (record, timer) in process.timers.iter().zip(timers) {
            if let Some(message) = self.read_content(number, &record.message) {
                self.restore_timer(number, timer, record.left, message);
            }
        }
    }

    fn restore_control_block(&self, process: &ProcessRecord) {
        let mut control = self.control();
        control.trap_exit = process.traps_exits.unwrap_or(control.trap_exit);
        control.node_events = process.watches_nodes.unwrap_or(control.node_events);
        control.cold_or_default().relations.restore(&process.relations);
        control.attached_or_default().continued =
            Some(Box::new(Continued { hooks: process.hooks.clone(), is_suspended: process.is_suspended }));
        drop(control);
        if let Some(watches) = process.watches_nodes {
            self.node.watch_nodes(process.number, watches);
        }
    }

    /// Makes a message of its record. A message that this release cannot read is lost.
    fn read_content(&self, number: u64, content: &MessageContent) -> Option<M> {
        let node = &self.node;
        let event = |event: &mut dyn Any| M::from_system(&mut System::offer_any(event));
        match content.clone() {
            MessageContent::Down { monitor, target, reason } => event(&mut Some(Down { monitor, target, reason })),
            MessageContent::Exit { from, reason } => event(&mut Some(ExitSignal { from, reason })),
            MessageContent::NodeUp(id) => event(&mut Some(NodeEvent::Up(id))),
            MessageContent::NodeDown(id) => event(&mut Some(NodeEvent::Down(id))),
            MessageContent::Sent { protocol, variant, fields, calls } => {
                let payload = Source::from(fields.0);
                let definition = |fingerprint| node.handed_over()?.definition(fingerprint);
                let context = &MessageContext::NONE;
                let definition = &definition;
                let encoded = EncodedMessage { protocol, variant, context, payload: &payload, definition, from: None };
                let read = Current::take_over(node, (Vec::new(), calls), || Cell::<M>::read_message(node, &encoded));
                let unreadable = |error: UnreadMessage| {
                    node.loss_counts().count_lost_messages(1);
                    log::warn!(
                        target: "greenroom", pid = %node.pid(number), protocol = M::NAME,
                        error = %log::Escaped(&error.error),
                        "message that was handed over is lost: this release cannot read it"
                    );
                };
                read.map_err(unreadable).ok()
            }
        }
    }

    /// Starts a timer again, from the turn of this process of the operating system on.
    fn restore_timer(self: &Arc<Self>, number: u64, timer: &Timer, left: Option<Duration>, message: M) {
        let due = left.and_then(|left| self.node.clock().now().checked_add(left));
        timer.set(due, Box::new(OwnMessage { owner: Arc::clone(self), number, message }));
        let added = self.with_attached_if_running(number, |attached| {
            let id = timer.id()?;
            attached.next_timer = attached.next_timer.max(id + 1);
            attached.timers.insert(id, timer.clone());
            Some(id)
        });
        let Some(id) = added.flatten() else { return };
        let (cell, timer) = (Arc::clone(self), timer.clone());
        self.node.spawner().spawn(async move {
            cell.node.own_turn().await;
            cell.run_timer(number, id, &timer);
        });
    }
}
