use super::few::Few;
use crate::base::{Down, Exit, ExitSignal, MonitorRef, NodeId, Pid, Sorted, Subject};
use crate::wire::Signal;

/// What a process has to do with others.
#[derive(Default)]
pub(crate) struct Relations {
    links: Few<Pid, Link>,
    watching: Sorted<MonitorRef, Watch>,
    watchers: Few<(MonitorRef, Pid), ()>,
    unlinks: u64,
    /// Unlinks of peers whose acknowledgement may not have left yet.
    owed: Sorted<Pid, u64>,
}

enum Link {
    Up,
    /// Unlinked here; the peer has not acknowledged yet.
    Ending(u64),
}

struct Watch {
    subject: Subject,
    /// Who it is, once that is known: a name on another node is resolved there.
    target: Option<Pid>,
}

/// What becomes of a signal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// The process ends.
    Die(Exit),
    /// The process ends in good order.
    Stop(Exit),
    /// A message for its mailbox.
    Exit(ExitSignal),
    /// A message for its mailbox.
    Down(Down),
    /// The peer unlinked and waits for the acknowledgement with this id: send it, then [`settle`](Relations::settle).
    Acknowledge(u64),
}

impl Relations {
    /// Those with whom a link is up.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Pid> {
        self.links.iter().filter(|(_, link)| matches!(link, Link::Up)).map(|(peer, _)| peer)
    }

    /// Whom it watches.
    pub(crate) fn watching(&self) -> impl Iterator<Item = &Subject> {
        self.watching.values().map(|watch| &watch.subject)
    }

    /// Who watches it.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = &Pid> {
        self.watchers.iter().map(|((_, watcher), ())| watcher)
    }

    /// Links with `peer`; what it has to be told, in this order.
    ///
    /// An acknowledgement that another thread is about to send goes first, since the peer would take the new link for
    /// one from before its unlink. It does not mind to be told twice.
    pub(crate) fn link(&mut self, peer: Pid) -> impl Iterator<Item = Signal> + use<> {
        let owed = self.owed.get(&peer).map(|id| Signal::UnlinkAck { id: *id });
        let new = !matches!(self.links.insert(peer, Link::Up), Some(Link::Up));
        new.then(|| owed.into_iter().chain([Signal::Link])).into_iter().flatten()
    }

    /// The acknowledgement with this id has left.
    pub(crate) fn settle(&mut self, peer: &Pid, id: u64) {
        if self.owed.get(peer) == Some(&id) {
            self.owed.remove(peer);
        }
    }

    /// Unlinks from `peer`; what it has to be told, if they were linked.
    pub(crate) fn unlink(&mut self, peer: &Pid) -> Option<Signal> {
        let link = self.links.get_mut(peer)?;
        if matches!(link, Link::Ending(_)) {
            return None;
        }
        self.unlinks += 1;
        *link = Link::Ending(self.unlinks);
        Some(Signal::Unlink { id: self.unlinks })
    }

    /// Notes that this process watches `subject`.
    pub(crate) fn monitor(&mut self, reference: MonitorRef, subject: Subject, target: Option<Pid>) {
        self.watching.insert(reference, Watch { subject, target });
    }

    /// Ends a monitor: whom to tell, or `None` if it was not live.
    pub(crate) fn demonitor(&mut self, reference: MonitorRef) -> Option<(Subject, Option<Pid>)> {
        self.watching.remove(&reference).map(|watch| (watch.subject, watch.target))
    }

    /// Takes in one signal; `is_me` if it is the process's own.
    pub(crate) fn handle(&mut self, is_me: bool, from: &Pid, trapping: bool, signal: Signal) -> Effect {
        match signal {
            Signal::Link => {
                if !matches!(self.links.get(from), Some(Link::Ending(_))) {
                    self.links.insert(from.clone(), Link::Up);
                }
                Effect::None
            }
            Signal::Unlink { id } => {
                if matches!(self.links.get(from), Some(Link::Up)) {
                    self.links.remove(from);
                }
                self.owed.insert(from.clone(), id);
                Effect::Acknowledge(id)
            }
            Signal::UnlinkAck { id } => {
                if matches!(self.links.get(from), Some(Link::Ending(pending)) if *pending == id) {
                    self.links.remove(from);
                }
                Effect::None
            }
            Signal::Exit { reason, linked: true } => match self.links.remove(from) {
                Some(Link::Up) => Relations::take(|| from.clone(), trapping, reason, true),
                // The peer ended before it acknowledged: nothing is left to wait for.
                Some(Link::Ending(_)) | None => Effect::None,
            },
            Signal::Exit { reason, linked: false } => Relations::exit(is_me, || from.clone(), trapping, reason),
            Signal::Stop { reason } => Effect::Stop(reason),
            Signal::Monitor { reference } => {
                self.watchers.insert((reference, from.clone()), ());
                Effect::None
            }
            Signal::Demonitor { reference } => {
                self.watchers.remove(&(reference, from.clone()));
                Effect::None
            }
            Signal::Down { reference, reason } => self.down(from, reference, reason),
        }
    }

    /// Takes in an exit signal that came over no link, for which one needs no relations.
    pub(crate) fn exit(is_me: bool, from: impl FnOnce() -> Pid, trapping: bool, reason: Exit) -> Effect {
        match reason {
            Exit::Kill => Effect::Die(Exit::Killed),
            reason => Relations::take(from, trapping, reason, !is_me),
        }
    }

    /// `ignores` whether a normal exit is nothing to it.
    fn take(from: impl FnOnce() -> Pid, trapping: bool, reason: Exit, ignores: bool) -> Effect {
        if trapping {
            Effect::Exit(ExitSignal { from: from(), reason })
        } else if reason == Exit::Normal && ignores {
            Effect::None
        } else {
            Effect::Die(reason)
        }
    }

    fn down(&mut self, from: &Pid, reference: MonitorRef, reason: Exit) -> Effect {
        let expected = self.watching.get(&reference).is_some_and(|watch| match (&watch.target, &watch.subject) {
            (Some(target), _) => target == from,
            (None, Subject::Name(_, node)) => node == from.node(),
            (None, Subject::Pid(pid)) => pid == from,
        });
        if !expected {
            return Effect::None;
        }
        match self.watching.remove(&reference) {
            Some(watch) => Effect::Down(Down { monitor: reference, target: watch.subject, reason }),
            None => Effect::None,
        }
    }

    /// The connection to `node` is lost: what this process would have heard of those who live there.
    pub(crate) fn disconnect(&mut self, node: &NodeId) -> Vec<(Pid, Signal)> {
        self.watchers.retain(|(_, watcher), ()| **watcher.node_id() != *node);
        let reason = Exit::NoConnection;
        let links = self.links.iter().map(|(peer, _)| peer).filter(|peer| **peer.node_id() == *node);
        let exits = links.map(|peer| (peer.clone(), Signal::Exit { reason: reason.clone(), linked: true }));
        let watching = self.watching.iter().filter_map(|(reference, watch)| {
            let target = match (&watch.target, &watch.subject) {
                (Some(target), _) if **target.node_id() == *node => target.clone(),
                (None, Subject::Name(_, name)) if *name == node.name => Pid::new(std::sync::Arc::new(node.clone()), 0),
                _ => return None,
            };
            Some((target, Signal::Down { reference: *reference, reason: reason.clone() }))
        });
        watching.chain(exits).collect()
    }

    /// Whether it has to do with nobody.
    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty() && self.watching.is_empty() && self.watchers.is_empty()
    }

    /// The process has ended: what everyone concerned has to be told.
    pub(crate) fn end(
        self,
        reason: &Exit,
    ) -> Farewell<impl Iterator<Item = (Pid, Signal)>, impl Iterator<Item = (MonitorRef, Subject, Option<Pid>)>> {
        let down = move |reference| Signal::Down { reference, reason: reason.clone() };
        let watchers = self.watchers.into_iter().map(move |((reference, watcher), ())| (watcher, down(reference)));
        let links = self.links.into_iter().filter(|(_, link)| matches!(link, Link::Up));
        let links = links.map(|(peer, _)| (peer, Signal::Exit { reason: reason.clone(), linked: true }));
        Farewell {
            // Links hear of it before watchers do, as on a BEAM.
            signals: links.chain(watchers),
            watching: self.watching.into_iter().map(|(r, w)| (r, w.subject, w.target)),
        }
    }
}

/// What is left to say when a process has ended.
pub(crate) struct Farewell<S, W> {
    /// To its watchers and links.
    pub(crate) signals: S,
    /// Monitors of its own that have to be taken back.
    pub(crate) watching: W,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::NodeName;

    fn pid(number: u64) -> Pid {
        let node = NodeId { name: NodeName::new("a@test").unwrap(), incarnation: 1 };
        Pid::new(Arc::new(node), number)
    }

    /// Feeds signals from process 2 to process 1, linked to it or not.
    fn check(linked: bool, trapping: bool, signal: Signal) -> Effect {
        let mut relations = Relations::default();
        if linked {
            assert_eq!(relations.link(pid(2)).count(), 1);
        }
        relations.handle(false, &pid(2), trapping, signal)
    }

    #[test]
    fn exit_signals_follow_the_table() {
        let exit = |reason: &Exit, linked| Signal::Exit { reason: reason.clone(), linked };
        let message = |reason: &Exit| Effect::Exit(ExitSignal { from: pid(2), reason: reason.clone() });
        let boom = Exit::error("boom");
        assert_eq!(check(true, false, exit(&Exit::Normal, true)), Effect::None);
        assert_eq!(check(true, true, exit(&Exit::Normal, true)), message(&Exit::Normal));
        assert_eq!(check(true, false, exit(&boom, true)), Effect::Die(boom.clone()));
        assert_eq!(check(true, true, exit(&boom, true)), message(&boom));
        assert_eq!(check(true, false, exit(&Exit::Kill, true)), Effect::Die(Exit::Kill));
        assert_eq!(check(true, true, exit(&Exit::Kill, true)), message(&Exit::Kill));
        assert_eq!(check(false, false, exit(&Exit::Kill, false)), Effect::Die(Exit::Killed));
        assert_eq!(check(false, true, exit(&Exit::Kill, false)), Effect::Die(Exit::Killed));
        assert_eq!(check(false, false, exit(&Exit::Normal, false)), Effect::None);
        assert_eq!(check(false, true, exit(&Exit::Normal, false)), message(&Exit::Normal));
        assert_eq!(check(false, false, exit(&boom, true)), Effect::None);
        assert_eq!(check(false, true, exit(&boom, true)), Effect::None);
    }

    #[test]
    fn exit_to_oneself_with_normal_ends_unless_trapped() {
        let mut relations = Relations::default();
        let normal = Signal::Exit { reason: Exit::Normal, linked: false };
        assert_eq!(relations.handle(true, &pid(1), false, normal.clone()), Effect::Die(Exit::Normal));
        assert!(matches!(relations.handle(true, &pid(1), true, normal), Effect::Exit(_)));
    }

    #[test]
    fn a_link_made_anew_survives_the_old_acknowledgement() {
        let mut relations = Relations::default();
        assert!(relations.link(pid(2)).eq([Signal::Link]));
        assert!(relations.link(pid(2)).eq([]));
        let Some(Signal::Unlink { id }) = relations.unlink(&pid(2)) else { panic!("was linked") };
        // The peer's own LINK crossed our UNLINK: it does not count.
        relations.handle(false, &pid(2), false, Signal::Link);
        let died = Signal::Exit { reason: Exit::error("boom"), linked: true };
        assert_eq!(relations.handle(false, &pid(2), false, died.clone()), Effect::None);
        assert!(relations.link(pid(2)).eq([Signal::Link]));
        relations.handle(false, &pid(2), false, Signal::UnlinkAck { id });
        assert!(matches!(relations.handle(false, &pid(2), false, died), Effect::Die(_)));
    }

    #[test]
    fn an_acknowledgement_goes_before_a_new_link() {
        let mut relations = Relations::default();
        let unlink = |id| Signal::Unlink { id };
        assert_eq!(relations.handle(false, &pid(2), false, unlink(7)), Effect::Acknowledge(7));
        assert!(relations.link(pid(2)).eq([Signal::UnlinkAck { id: 7 }, Signal::Link]));
        assert_eq!(relations.handle(false, &pid(2), false, unlink(8)), Effect::Acknowledge(8));
        relations.settle(&pid(2), 7);
        relations.settle(&pid(2), 8);
        assert!(relations.link(pid(2)).eq([Signal::Link]));
    }

    #[test]
    fn a_down_counts_once_and_only_from_whom_was_watched() {
        let mut relations = Relations::default();
        let reference = MonitorRef(7);
        relations.monitor(reference, Subject::Pid(pid(2)), Some(pid(2)));
        let down = Signal::Down { reference, reason: Exit::Normal };
        assert_eq!(relations.handle(false, &pid(3), false, down.clone()), Effect::None);
        assert!(matches!(relations.handle(false, &pid(2), false, down.clone()), Effect::Down(_)));
        assert_eq!(relations.handle(false, &pid(2), false, down), Effect::None);
        assert!(relations.demonitor(reference).is_none());
    }

    #[test]
    fn a_lost_node_is_a_lost_process() {
        let mut relations = Relations::default();
        assert_eq!(relations.link(pid(2)).count(), 1);
        relations.monitor(MonitorRef(1), Subject::Pid(pid(2)), Some(pid(2)));
        let by_name = Subject::Name("mail".into(), pid(2).node().clone());
        relations.monitor(MonitorRef(2), by_name, None);
        let lost = relations.disconnect(pid(2).node_id());
        assert_eq!(lost.len(), 3);
        let effects: Vec<_> =
            lost.into_iter().map(|(from, signal)| relations.handle(false, &from, false, signal)).collect();
        assert!(matches!(&effects[..], [Effect::Down(_), Effect::Down(_), Effect::Die(Exit::NoConnection)]));
    }
}
