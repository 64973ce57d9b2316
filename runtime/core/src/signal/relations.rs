use super::few::Few;
use crate::base::{Exit, MonitorRef, NodeId, Pid, Sorted, Subject};
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

    /// The peer has linked; an unlink of ours that it has not acknowledged yet prevails.
    pub(super) fn accept_link(&mut self, from: &Pid) {
        if !matches!(self.links.get(from), Some(Link::Ending(_))) {
            self.links.insert(from.clone(), Link::Up);
        }
    }

    /// The peer has unlinked and waits for the acknowledgement.
    pub(super) fn accept_unlink(&mut self, from: &Pid, id: u64) {
        if matches!(self.links.get(from), Some(Link::Up)) {
            self.links.remove(from);
        }
        self.owed.insert(from.clone(), id);
    }

    /// The peer has acknowledged the unlink with this id.
    pub(super) fn complete_unlink(&mut self, from: &Pid, id: u64) {
        if matches!(self.links.get(from), Some(Link::Ending(pending)) if *pending == id) {
            self.links.remove(from);
        }
    }

    /// The peer has ended; whether the link was up.
    pub(super) fn break_link(&mut self, from: &Pid) -> bool {
        // Ending: the peer ended before it acknowledged, and nothing is left to wait for.
        matches!(self.links.remove(from), Some(Link::Up))
    }

    pub(super) fn add_watcher(&mut self, from: &Pid, reference: MonitorRef) {
        self.watchers.insert((reference, from.clone()), ());
    }

    pub(super) fn remove_watcher(&mut self, from: &Pid, reference: MonitorRef) {
        self.watchers.remove(&(reference, from.clone()));
    }

    /// What the monitor watched, if it was live and `from` is that.
    pub(super) fn complete_monitor(&mut self, from: &Pid, reference: MonitorRef) -> Option<Subject> {
        let watch = self.watching.get(&reference)?;
        let expected = match (&watch.target, &watch.subject) {
            (Some(target), _) => target == from,
            (None, Subject::Name(_, node)) => node == from.node(),
            (None, Subject::Pid(pid)) => pid == from,
        };
        if expected { self.watching.remove(&reference).map(|watch| watch.subject) } else { None }
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
