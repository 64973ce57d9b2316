//! The links, monitors and watchers of a process, and how they change.

use super::Monitored;
use super::small_map::SmallMap;
use crate::base::{Exit, MonitorRef, NodeId, Pid, SortedMap, Subject};
use crate::wire::Signal;

/// The links, monitors and watchers of one process.
#[derive(Default)]
pub(crate) struct Relations {
    links: SmallMap<Pid, Link>,
    /// The monitors that this process holds on others.
    monitors: SortedMap<MonitorRef, Monitored>,
    /// The monitors that others hold on this process.
    watchers: SmallMap<(MonitorRef, Pid), ()>,
    /// The id of the latest unlink.
    last_unlink: u64,
    /// Unlinks by peers whose acknowledgement may not have been sent yet.
    pending_acks: SortedMap<Pid, u64>,
}

enum Link {
    Up,
    /// This process has unlinked; the peer has not acknowledged the unlink with this id yet.
    Ending(u64),
}

impl Relations {
    /// Returns the peers whose link is up.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Pid> {
        self.links.iter().filter(|(_, link)| matches!(link, Link::Up)).map(|(peer, _)| peer)
    }

    /// Returns the subjects of this process's monitors.
    pub(crate) fn monitored(&self) -> impl Iterator<Item = &Subject> {
        self.monitors.values().map(|monitor| &monitor.subject)
    }

    /// Returns the processes that monitor this one.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = &Pid> {
        self.watchers.iter().map(|((_, watcher), ())| watcher)
    }

    /// Links with `peer` and returns the signals to send to it, in order.
    ///
    /// A pending acknowledgement precedes the link: otherwise the peer would take the new link for one made before its
    /// unlink. Another thread may send the same acknowledgement; receiving it twice has no effect.
    pub(crate) fn link(&mut self, peer: Pid) -> impl Iterator<Item = Signal> + use<> {
        let pending_ack = self.pending_acks.get(&peer).map(|id| Signal::UnlinkAck { id: *id });
        let new = !matches!(self.links.insert(peer, Link::Up), Some(Link::Up));
        new.then(|| pending_ack.into_iter().chain([Signal::Link])).into_iter().flatten()
    }

    /// Unlinks from `peer` and returns the signal to send to it, if the two were linked.
    pub(crate) fn unlink(&mut self, peer: &Pid) -> Option<Signal> {
        let link = self.links.get_mut(peer)?;
        if matches!(link, Link::Ending(_)) {
            return None;
        }
        self.last_unlink += 1;
        *link = Link::Ending(self.last_unlink);
        Some(Signal::Unlink { id: self.last_unlink })
    }

    /// Records a monitor of this process.
    pub(crate) fn monitor(&mut self, reference: MonitorRef, monitored: Monitored) {
        self.monitors.insert(reference, monitored);
    }

    /// Removes a monitor of this process and returns its target; `None` if it was not live.
    pub(crate) fn demonitor(&mut self, reference: MonitorRef) -> Option<Monitored> {
        self.monitors.remove(&reference)
    }

    /// Records that the acknowledgement with this id has been sent.
    pub(crate) fn ack_sent(&mut self, peer: &Pid, id: u64) {
        if self.pending_acks.get(peer) == Some(&id) {
            self.pending_acks.remove(peer);
        }
    }

    /// Accepts a peer's link, unless the peer has still to acknowledge an unlink: then it sent the link before that
    /// unlink arrived.
    pub(super) fn accept_link(&mut self, peer: &Pid) {
        if !matches!(self.links.get(peer), Some(Link::Ending(_))) {
            self.links.insert(peer.clone(), Link::Up);
        }
    }

    /// Accepts a peer's unlink, which is to be acknowledged.
    pub(super) fn accept_unlink(&mut self, peer: &Pid, id: u64) {
        if matches!(self.links.get(peer), Some(Link::Up)) {
            self.links.remove(peer);
        }
        self.pending_acks.insert(peer.clone(), id);
    }

    /// Accepts a peer's acknowledgement of the unlink with this id.
    pub(super) fn accept_ack(&mut self, peer: &Pid, id: u64) {
        if matches!(self.links.get(peer), Some(Link::Ending(pending)) if *pending == id) {
            self.links.remove(peer);
        }
    }

    /// Removes the link to a peer that has ended; returns whether it was up.
    pub(super) fn break_link(&mut self, peer: &Pid) -> bool {
        // A peer that ended before it acknowledged an unlink sends no acknowledgement any more.
        matches!(self.links.remove(peer), Some(Link::Up))
    }

    pub(super) fn add_watcher(&mut self, watcher: &Pid, reference: MonitorRef) {
        self.watchers.insert((reference, watcher.clone()), ());
    }

    pub(super) fn remove_watcher(&mut self, watcher: &Pid, reference: MonitorRef) {
        self.watchers.remove(&(reference, watcher.clone()));
    }

    /// Removes the monitor whose target has ended and returns its subject; `None` if the monitor is not live or `from`
    /// is not its target.
    pub(super) fn complete_monitor(&mut self, from: &Pid, reference: MonitorRef) -> Option<Subject> {
        let expected = self.monitors.get(&reference)?.accepts_down_from(from);
        if expected { self.monitors.remove(&reference).map(|monitor| monitor.subject) } else { None }
    }

    /// Returns the signals that this process receives, with their senders, because the connection to `node` is lost.
    pub(crate) fn disconnect(&mut self, node: &NodeId) -> Vec<(Pid, Signal)> {
        self.watchers.retain(|(_, watcher), ()| **watcher.node_id() != *node);
        let reason = Exit::NoConnection;
        let links = self.links.iter().map(|(peer, _)| peer).filter(|peer| **peer.node_id() == *node);
        let exits = links.map(|peer| (peer.clone(), Signal::Exit { reason: reason.clone(), linked: true }));
        let downs = self.monitors.iter().filter_map(|(reference, monitor)| {
            let from = monitor.lost_with(node)?;
            Some((from, Signal::Down { reference: *reference, reason: reason.clone() }))
        });
        downs.chain(exits).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty() && self.monitors.is_empty() && self.watchers.is_empty()
    }

    /// Returns the signals to send because this process has ended.
    pub(crate) fn into_notices(
        self,
        reason: &Exit,
    ) -> ExitNotices<impl Iterator<Item = (Pid, Signal)>, impl Iterator<Item = (MonitorRef, Monitored)>> {
        let down = move |reference| Signal::Down { reference, reason: reason.clone() };
        let watchers = self.watchers.into_iter().map(move |((reference, watcher), ())| (watcher, down(reference)));
        let links = self.links.into_iter().filter(|(_, link)| matches!(link, Link::Up));
        let links = links.map(|(peer, _)| (peer, Signal::Exit { reason: reason.clone(), linked: true }));
        ExitNotices {
            // Links before watchers, as in OTP.
            signals: links.chain(watchers),
            monitors: self.monitors.into_iter(),
        }
    }
}

/// The signals to send after a process has ended.
pub(crate) struct ExitNotices<S, M> {
    /// The exit signals to links and the `Down` signals to watchers.
    pub(crate) signals: S,
    /// The process's own monitors, which are to be removed at their targets.
    pub(crate) monitors: M,
}
