//! The effect of each signal on its receiver, for local and remote signals alike.

use super::Relations;
use crate::base::{Down, Exit, ExitSignal, Pid};
use crate::wire::{Epoch, Signal};

/// The circumstances in which a process receives a signal.
pub(crate) struct Receipt<'a> {
    pub(crate) from: &'a Pid,
    /// The connection on which the signal came.
    pub(crate) epoch: Epoch,
    /// The sender is the receiver itself.
    pub(crate) is_own: bool,
    /// The receiver traps exits: it receives exit signals as messages.
    pub(crate) is_trapping: bool,
    /// The receiver is a server, and the sender is its parent or the node itself.
    pub(crate) is_from_parent: bool,
}

/// The effect of a signal on its receiver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// The process ends for this reason.
    Exit(Exit),
    /// The process stops in order: a server after the messages that were sent before.
    Stop(Exit),
    /// The mailbox receives this message.
    ExitMessage(ExitSignal),
    /// The mailbox receives this message.
    DownMessage(Down),
    /// The peer unlinked and waits for the acknowledgement with this id; once it is sent, call
    /// [`ack_sent`](Relations::ack_sent).
    Acknowledge(u64),
}

/// Access to a process's relations. Most processes never have any, so they are allocated on first use.
pub(crate) trait RelationsSlot {
    fn relations(&mut self) -> Option<&mut Relations>;

    fn relations_or_default(&mut self) -> &mut Relations;
}

/// Updates the receiver's relations by one signal and returns the signal's effect.
#[inline]
pub(crate) fn dispatch(slot: &mut impl RelationsSlot, receipt: Receipt<'_>, signal: Signal) -> Effect {
    let (from, epoch) = (receipt.from, receipt.epoch);
    match signal {
        Signal::Link => slot.relations_or_default().accept_link(from, epoch),
        Signal::Unlink { id } => {
            slot.relations_or_default().accept_unlink(from, id, epoch);
            return Effect::Acknowledge(id);
        }
        Signal::UnlinkAck { id } => {
            if let Some(relations) = slot.relations() {
                relations.accept_ack(from, id);
            }
        }
        Signal::Exit { reason, linked: true } => {
            if slot.relations().is_some_and(|relations| relations.break_link(from, epoch)) {
                return receipt.exit(reason, true);
            }
        }
        Signal::Exit { reason: Exit::Kill, linked: false } => return Effect::Exit(Exit::Killed),
        Signal::Exit { reason, linked: false } => {
            let ignores_normal = !receipt.is_own;
            return receipt.exit(reason, ignores_normal);
        }
        Signal::Stop { reason } => return Effect::Stop(reason),
        Signal::Monitor { reference, .. } => slot.relations_or_default().add_watcher(from, reference, epoch),
        Signal::Demonitor { reference } => {
            if let Some(relations) = slot.relations() {
                relations.remove_watcher(from, reference);
            }
        }
        Signal::Down { reference, reason } => {
            let target = slot.relations().and_then(|relations| relations.complete_monitor(from, reference, epoch));
            if let Some(target) = target {
                return Effect::DownMessage(Down { monitor: reference, target, reason });
            }
        }
    }
    Effect::None
}

impl Receipt<'_> {
    /// Returns the effect of an exit signal that came over a link, or without one for a reason other than `kill`.
    #[inline]
    fn exit(self, reason: Exit, ignores_normal: bool) -> Effect {
        if self.is_trapping && self.is_from_parent {
            Effect::Stop(reason)
        } else if self.is_trapping {
            Effect::ExitMessage(ExitSignal { from: self.from.clone(), reason })
        } else if matches!(reason, Exit::Normal) && ignores_normal {
            Effect::None
        } else {
            Effect::Exit(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{MonitorRef, NodeId, NodeName};
    use crate::signal::Monitored;

    fn pid(number: u64) -> Pid {
        let node = NodeId { name: NodeName::new("a@test").unwrap(), incarnation: 1 };
        Pid::new(Arc::new(node), number)
    }

    impl RelationsSlot for Relations {
        fn relations(&mut self) -> Option<&mut Relations> {
            Some(self)
        }

        fn relations_or_default(&mut self) -> &mut Relations {
            self
        }
    }

    /// Sends `signal` to process 1, which does not trap exits.
    fn handle(relations: &mut Relations, from: u64, signal: Signal) -> Effect {
        handle_on(Epoch::LOCAL, relations, from, signal)
    }

    fn handle_on(epoch: Epoch, relations: &mut Relations, from: u64, signal: Signal) -> Effect {
        let receipt = Receipt { from: &pid(from), epoch, is_own: from == 1, is_trapping: false, is_from_parent: false };
        dispatch(relations, receipt, signal)
    }

    /// Sends `signal` from process 2 to process 1, which is linked to it or not.
    fn check(linked: bool, is_trapping: bool, signal: Signal) -> Effect {
        let mut relations = Relations::default();
        if linked {
            assert_eq!(relations.link(pid(2), Epoch::LOCAL).count(), 1);
        }
        let receipt = Receipt { from: &pid(2), epoch: Epoch::LOCAL, is_own: false, is_trapping, is_from_parent: false };
        dispatch(&mut relations, receipt, signal)
    }

    #[test]
    fn exit_signals_have_the_effects_of_otp() {
        let exit = |reason: &Exit, linked| Signal::Exit { reason: reason.clone(), linked };
        let message = |reason: &Exit| Effect::ExitMessage(ExitSignal { from: pid(2), reason: reason.clone() });
        let boom = Exit::error("boom");
        assert_eq!(check(true, false, exit(&Exit::Normal, true)), Effect::None);
        assert_eq!(check(true, true, exit(&Exit::Normal, true)), message(&Exit::Normal));
        assert_eq!(check(true, false, exit(&boom, true)), Effect::Exit(boom.clone()));
        assert_eq!(check(true, true, exit(&boom, true)), message(&boom));
        assert_eq!(check(true, false, exit(&Exit::Kill, true)), Effect::Exit(Exit::Kill));
        assert_eq!(check(true, true, exit(&Exit::Kill, true)), message(&Exit::Kill));
        assert_eq!(check(false, false, exit(&Exit::Kill, false)), Effect::Exit(Exit::Killed));
        assert_eq!(check(false, true, exit(&Exit::Kill, false)), Effect::Exit(Exit::Killed));
        assert_eq!(check(false, false, exit(&Exit::Normal, false)), Effect::None);
        assert_eq!(check(false, true, exit(&Exit::Normal, false)), message(&Exit::Normal));
        assert_eq!(check(false, false, exit(&boom, true)), Effect::None);
        assert_eq!(check(false, true, exit(&boom, true)), Effect::None);
    }

    #[test]
    fn a_normal_exit_signal_to_oneself_ends_the_process_unless_trapped() {
        let mut relations = Relations::default();
        let normal = Signal::Exit { reason: Exit::Normal, linked: false };
        assert_eq!(handle(&mut relations, 1, normal.clone()), Effect::Exit(Exit::Normal));
        let trapped =
            Receipt { from: &pid(1), epoch: Epoch::LOCAL, is_own: true, is_trapping: true, is_from_parent: false };
        assert!(matches!(dispatch(&mut relations, trapped, normal), Effect::ExitMessage(_)));
    }

    #[test]
    fn an_exit_signal_from_the_parent_stops_a_server_that_traps_exits() {
        let (parent, exit) = (pid(2), Signal::Exit { reason: Exit::Normal, linked: false });
        let receipt = |is_trapping| Receipt {
            from: &parent,
            epoch: Epoch::LOCAL,
            is_own: false,
            is_trapping,
            is_from_parent: true,
        };
        let mut relations = Relations::default();
        assert_eq!(dispatch(&mut relations, receipt(true), exit.clone()), Effect::Stop(Exit::Normal));
        assert_eq!(dispatch(&mut relations, receipt(false), exit), Effect::None);
    }

    #[test]
    fn a_new_link_survives_the_acknowledgement_of_an_older_unlink() {
        let mut relations = Relations::default();
        assert!(relations.link(pid(2), Epoch::LOCAL).eq([Signal::Link]));
        assert!(relations.link(pid(2), Epoch::LOCAL).eq([]));
        let Some((Signal::Unlink { id }, _)) = relations.unlink(&pid(2)) else { panic!("was linked") };
        // The peer sent this link before it received the unlink.
        handle(&mut relations, 2, Signal::Link);
        let exit = Signal::Exit { reason: Exit::error("boom"), linked: true };
        assert_eq!(handle(&mut relations, 2, exit.clone()), Effect::None);
        assert!(relations.link(pid(2), Epoch::LOCAL).eq([Signal::Link]));
        handle(&mut relations, 2, Signal::UnlinkAck { id });
        assert!(matches!(handle(&mut relations, 2, exit), Effect::Exit(_)));
    }

    #[test]
    fn a_pending_acknowledgement_precedes_a_new_link() {
        let mut relations = Relations::default();
        let unlink = |id| Signal::Unlink { id };
        assert_eq!(handle(&mut relations, 2, unlink(7)), Effect::Acknowledge(7));
        assert!(relations.link(pid(2), Epoch::LOCAL).eq([Signal::UnlinkAck { id: 7 }, Signal::Link]));
        assert_eq!(handle(&mut relations, 2, unlink(8)), Effect::Acknowledge(8));
        relations.ack_sent(&pid(2), 7);
        relations.ack_sent(&pid(2), 8);
        assert!(relations.link(pid(2), Epoch::LOCAL).eq([Signal::Link]));
    }

    #[test]
    fn a_down_is_accepted_once_and_only_from_the_monitored_process() {
        let mut relations = Relations::default();
        let reference = MonitorRef(7);
        relations.monitor(reference, Monitored::process(pid(2)), Epoch::LOCAL);
        let down = Signal::Down { reference, reason: Exit::Normal };
        assert_eq!(handle(&mut relations, 3, down.clone()), Effect::None);
        assert!(matches!(handle(&mut relations, 2, down.clone()), Effect::DownMessage(_)));
        assert_eq!(handle(&mut relations, 2, down), Effect::None);
        assert!(relations.demonitor(reference).is_none());
    }

    #[test]
    fn a_lost_connection_ends_links_and_monitors() {
        let (mut relations, epoch) = (Relations::default(), Epoch(3));
        assert_eq!(relations.link(pid(2), epoch).count(), 1);
        relations.monitor(MonitorRef(1), Monitored::process(pid(2)), epoch);
        relations.monitor(MonitorRef(2), Monitored::name("mail".into(), pid(2).node().clone()), epoch);
        relations.monitor(MonitorRef(3), Monitored::child(pid(7), "/Shop/till", None), epoch);
        relations.add_watcher(&pid(2), MonitorRef(4), epoch);
        // An earlier or a later connection to the same node.
        for other in [Epoch(2), Epoch(4), Epoch::LOCAL] {
            assert_eq!(relations.disconnect(pid(2).node_id(), other), []);
        }
        assert_eq!(relations.watchers().count(), 1);
        let lost = relations.disconnect(pid(2).node_id(), epoch);
        assert_eq!(lost.len(), 4);
        let effects: Vec<_> =
            lost.into_iter().map(|(from, signal)| handle_on(epoch, &mut relations, from.number(), signal)).collect();
        assert!(matches!(
            &effects[..],
            [Effect::DownMessage(_), Effect::DownMessage(_), Effect::DownMessage(_), Effect::Exit(Exit::NoConnection)]
        ));
        assert_eq!(relations.watchers().count(), 0);
    }

    #[test]
    fn a_signal_of_another_connection_has_no_effect_on_a_link_or_a_monitor() {
        let (old, new) = (Epoch(3), Epoch(4));
        let mut relations = Relations::default();
        assert_eq!(relations.link(pid(2), new).count(), 1);
        relations.monitor(MonitorRef(1), Monitored::process(pid(2)), new);
        let exit = Signal::Exit { reason: Exit::error("ill"), linked: true };
        let down = Signal::Down { reference: MonitorRef(1), reason: Exit::error("ill") };
        for stale in [exit.clone(), down.clone()] {
            assert_eq!(handle_on(old, &mut relations, 2, stale), Effect::None);
        }
        assert_eq!(handle_on(old, &mut relations, 2, Signal::Unlink { id: 9 }), Effect::Acknowledge(9));
        assert_eq!(relations.links().count(), 1);
        // That acknowledgement belongs to the old connection.
        assert!(relations.link(pid(3), old).eq([Signal::Link]));
        assert!(matches!(handle_on(new, &mut relations, 2, down), Effect::DownMessage(_)));
        assert!(matches!(handle_on(new, &mut relations, 2, exit), Effect::Exit(_)));
        assert!(relations.link(pid(2), new).eq([Signal::Link]), "without the acknowledgement");
    }

    #[test]
    fn a_link_over_a_new_connection_does_not_wait_for_an_unlink_over_the_old_one() {
        let (old, new) = (Epoch(3), Epoch(4));
        let mut relations = Relations::default();
        assert_eq!(relations.link(pid(2), old).count(), 1);
        assert!(matches!(relations.unlink(&pid(2)), Some((Signal::Unlink { .. }, of)) if of == old));
        assert_eq!(handle_on(old, &mut relations, 2, Signal::Link), Effect::None);
        assert_eq!(relations.links().count(), 0, "sent before the unlink arrived");
        assert_eq!(handle_on(new, &mut relations, 2, Signal::Link), Effect::None);
        assert_eq!(relations.links().count(), 1);
    }
}
