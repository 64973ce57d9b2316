//! The links, monitors and watchers of a process, and how they change.

use std::num::NonZeroU64;

#[cfg(all(feature = "upgrade", unix))]
use super::KeptRelation;
use super::Monitored;
use super::small_map::SmallMap;
use crate::base::{Exit, MonitorRef, NodeId, Pid, SortedMap, Subject};
use crate::wire::{Epoch, Signal};

/// The links, monitors and watchers of one process.
#[derive(Default)]
pub(crate) struct Relations {
    links: SmallMap<Pid, Link>,
    /// The monitors that this process holds on others.
    monitors: SortedMap<MonitorRef, (Monitored, Epoch)>,
    /// The monitors that others hold on this process.
    watchers: SmallMap<(MonitorRef, Pid), Epoch>,
    /// The id of the latest unlink.
    last_unlink: u64,
    /// Unlinks by peers whose acknowledgement may not have been sent yet.
    pending_acks: SortedMap<Pid, (u64, Epoch)>,
}

/// The relations of a process as data.
#[cfg(feature = "upgrade")]
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct RelationsRecord {
    pub(crate) links: Vec<(Pid, Epoch)>,
    pub(crate) monitors: Vec<(MonitorRef, Monitored, Epoch)>,
    pub(crate) watchers: Vec<(MonitorRef, Pid, Epoch)>,
}

struct Link {
    epoch: Epoch,
    /// The id of this process's unlink, which the peer has not acknowledged yet; `None` while the link is up.
    unlink: Option<NonZeroU64>,
}

impl Link {
    fn up(epoch: Epoch) -> Link {
        Link { epoch, unlink: None }
    }

    fn is_up(&self) -> bool {
        self.unlink.is_none()
    }
}

impl Relations {
    /// Returns the peers whose link is up.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Pid> {
        self.links.iter().filter(|(_, link)| link.is_up()).map(|(peer, _)| peer)
    }

    /// Returns the subjects of this process's monitors.
    pub(crate) fn monitored(&self) -> impl Iterator<Item = &Subject> {
        self.monitors.values().map(|(monitor, _)| &monitor.subject)
    }

    /// Returns the processes that monitor this one.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = &Pid> {
        self.watchers.iter().map(|((_, watcher), _)| watcher)
    }

    /// Returns the links that are up, the monitors of this process, and those that others hold on it.
    #[cfg(feature = "upgrade")]
    pub(crate) fn record(&self) -> RelationsRecord {
        let up = self.links.iter().filter(|(_, link)| link.is_up());
        RelationsRecord {
            links: up.map(|(peer, link)| (peer.clone(), link.epoch)).collect(),
            monitors: self.monitors.iter().map(|(reference, (of, epoch))| (*reference, of.clone(), *epoch)).collect(),
            watchers: self.watchers.iter().map(|((reference, by), epoch)| (*reference, by.clone(), *epoch)).collect(),
        }
    }

    /// Adds the relations that the process had on the predecessor of its node.
    #[cfg(feature = "upgrade")]
    pub(crate) fn restore(&mut self, record: &RelationsRecord) {
        for (peer, epoch) in &record.links {
            self.links.insert(peer.clone(), Link::up(*epoch));
        }
        for (reference, monitored, epoch) in &record.monitors {
            self.monitor(*reference, monitored.clone(), *epoch);
        }
        for (reference, watcher, epoch) in &record.watchers {
            self.add_watcher(watcher, *reference, *epoch);
        }
    }

    /// Links with `peer` over the connection of this epoch and returns the signals to send to it, in order.
    ///
    /// A pending acknowledgement precedes the link: otherwise the peer would take the new link for one made before its
    /// unlink. Another thread may send the same acknowledgement; receiving it twice has no effect.
    pub(crate) fn link(&mut self, peer: Pid, epoch: Epoch) -> impl Iterator<Item = Signal> + use<> {
        let pending_ack = self.pending_acks.get(&peer).filter(|(_, of)| *of == epoch);
        let pending_ack = pending_ack.map(|(id, _)| Signal::UnlinkAck { id: *id });
        let before = self.links.insert(peer, Link::up(epoch));
        let new = !before.is_some_and(|link| link.is_up() && link.epoch == epoch);
        new.then(|| pending_ack.into_iter().chain([Signal::Link])).into_iter().flatten()
    }

    /// Unlinks from `peer` and returns the signal to send to it, with the link's epoch, if the two were linked.
    pub(crate) fn unlink(&mut self, peer: &Pid) -> Option<(Signal, Epoch)> {
        let link = self.links.get_mut(peer).filter(|link| link.is_up())?;
        self.last_unlink += 1;
        link.unlink = NonZeroU64::new(self.last_unlink);
        Some((Signal::Unlink { id: self.last_unlink }, link.epoch))
    }

    /// Records a monitor of this process, whose signal is sent over the connection of this epoch.
    pub(crate) fn monitor(&mut self, reference: MonitorRef, monitored: Monitored, epoch: Epoch) {
        self.monitors.insert(reference, (monitored, epoch));
    }

    /// Removes a monitor of this process and returns its target and epoch; `None` if it was not live.
    pub(crate) fn demonitor(&mut self, reference: MonitorRef) -> Option<(Monitored, Epoch)> {
        self.monitors.remove(&reference)
    }

    /// Records that the acknowledgement with this id has been sent.
    pub(crate) fn ack_sent(&mut self, peer: &Pid, id: u64) {
        if self.pending_acks.get(peer).is_some_and(|(pending, _)| *pending == id) {
            self.pending_acks.remove(peer);
        }
    }

    /// Accepts a peer's link, unless the peer has still to acknowledge an unlink: then it sent the link before that
    /// unlink arrived.
    pub(super) fn accept_link(&mut self, peer: &Pid, epoch: Epoch) {
        if !self.links.get(peer).is_some_and(|link| !link.is_up() && link.epoch == epoch) {
            self.links.insert(peer.clone(), Link::up(epoch));
        }
    }

    /// Accepts a peer's unlink, which is to be acknowledged.
    pub(super) fn accept_unlink(&mut self, peer: &Pid, id: u64, epoch: Epoch) {
        if self.links.get(peer).is_some_and(|link| link.is_up() && link.epoch == epoch) {
            self.links.remove(peer);
        }
        self.pending_acks.insert(peer.clone(), (id, epoch));
    }

    /// Accepts a peer's acknowledgement of the unlink with this id.
    pub(super) fn accept_ack(&mut self, peer: &Pid, id: u64) {
        if self.links.get(peer).is_some_and(|link| link.unlink.is_some_and(|pending| pending.get() == id)) {
            self.links.remove(peer);
        }
    }

    /// Removes the link of this epoch to a peer that has ended; returns whether it was up.
    pub(super) fn break_link(&mut self, peer: &Pid, epoch: Epoch) -> bool {
        if self.links.get(peer).is_none_or(|link| link.epoch != epoch) {
            return false;
        }
        // A peer that ended before it acknowledged an unlink sends no acknowledgement any more.
        self.links.remove(peer).is_some_and(|link| link.is_up())
    }

    pub(crate) fn add_watcher(&mut self, watcher: &Pid, reference: MonitorRef, epoch: Epoch) {
        self.watchers.insert((reference, watcher.clone()), epoch);
    }

    pub(super) fn remove_watcher(&mut self, watcher: &Pid, reference: MonitorRef) {
        self.watchers.remove(&(reference, watcher.clone()));
    }

    /// Removes the monitor whose target has ended and returns its subject; `None` if the monitor is not live or `from`
    /// is not its target.
    pub(super) fn complete_monitor(&mut self, from: &Pid, reference: MonitorRef, epoch: Epoch) -> Option<Subject> {
        let (monitored, of) = self.monitors.get(&reference)?;
        let expected = *of == epoch && monitored.accepts_down_from(from);
        if expected { self.monitors.remove(&reference).map(|(monitored, _)| monitored.subject) } else { None }
    }

    /// Returns the signals that this process receives, with their senders, because the connection of this epoch to
    /// `node` is lost.
    pub(crate) fn disconnect(&mut self, node: &NodeId, epoch: Epoch) -> Vec<(Pid, Signal)> {
        self.watchers.retain(|_, of| *of != epoch);
        self.pending_acks.retain(|_, (_, of)| *of != epoch);
        let reason = Exit::NoConnection;
        let links = self.links.iter().filter(|(_, link)| link.epoch == epoch);
        let exits = links.map(|(peer, _)| (peer.clone(), Signal::Exit { reason: reason.clone(), linked: true }));
        let downs =
            self.monitors.iter().filter(|(_, (_, of))| *of == epoch).filter_map(|(reference, (monitored, _))| {
                let from = monitored.lost_with(node)?;
                Some((from, Signal::Down { reference: *reference, reason: reason.clone() }))
            });
        downs.chain(exits).collect()
    }

    /// Returns whether there is a relation over the connection of this epoch.
    pub(crate) fn has_any_over(&self, epoch: Epoch) -> bool {
        self.links.iter().any(|(_, link)| link.epoch == epoch)
            || self.watchers.iter().any(|(_, of)| *of == epoch)
            || self.monitors.values().any(|(_, of)| *of == epoch)
    }

    /// Returns the relations of the process with this number over the connection of this epoch.
    #[cfg(all(feature = "upgrade", unix))]
    pub(crate) fn kept_over(&self, process: u64, epoch: Epoch) -> Vec<KeptRelation> {
        let links = self.links.iter().filter(|(_, link)| link.is_up() && link.epoch == epoch);
        let watchers = self.watchers.iter().filter(|(_, of)| **of == epoch);
        let monitors = self.monitors.iter().filter(|(_, (_, of))| *of == epoch);
        links
            .map(|(peer, _)| KeptRelation::link(process, peer.number()))
            .chain(
                watchers.map(|((reference, watcher), _)| KeptRelation::watcher(process, watcher.number(), *reference)),
            )
            .chain(monitors.map(|(reference, (target, _))| KeptRelation::monitor(process, target, *reference)))
            .collect()
    }

    /// Returns the number of links and of watchers over the connection of this epoch.
    pub(crate) fn count_over(&self, epoch: Epoch) -> usize {
        self.links.iter().filter(|(_, link)| link.epoch == epoch).count()
            + self.watchers.iter().filter(|(_, of)| **of == epoch).count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty() && self.monitors.is_empty() && self.watchers.is_empty()
    }

    /// Returns the signals to send because this process has ended.
    pub(crate) fn into_notices(
        self,
        reason: &Exit,
    ) -> ExitNotices<impl Iterator<Item = (Pid, Signal, Epoch)>, impl Iterator<Item = (MonitorRef, Monitored, Epoch)>>
    {
        let down = move |reference| Signal::Down { reference, reason: reason.clone() };
        let watchers = self.watchers.into_iter();
        let watchers = watchers.map(move |((reference, watcher), epoch)| (watcher, down(reference), epoch));
        let links = self.links.into_iter().filter(|(_, link)| link.is_up());
        let exit = || Signal::Exit { reason: reason.clone(), linked: true };
        let links = links.map(move |(peer, link)| (peer, exit(), link.epoch));
        ExitNotices {
            // Links before watchers, as in OTP.
            signals: links.chain(watchers),
            monitors: self.monitors.into_iter().map(|(reference, (monitored, epoch))| (reference, monitored, epoch)),
        }
    }
}

/// The signals to send after a process has ended, each with the epoch of its relation.
pub(crate) struct ExitNotices<S, M> {
    /// The exit signals to links and the `Down` signals to watchers.
    pub(crate) signals: S,
    /// The process's own monitors, which are to be removed at their targets.
    pub(crate) monitors: M,
}
