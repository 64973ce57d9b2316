//! The groups of a node at work: the table under its lock, its subscribers, and a task for each peer.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::event::Subscriber;
use super::table::{Change, Limits, Table};
use crate::base::NodeId;
use crate::log;
use crate::node::Room;
use crate::node::{AnyCell, GroupService, LocalMembers, Node};
use crate::observe::ReportKind;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::wire::{Epoch, GroupName, GroupUpdate};

pub(super) type Groups = Table<Arc<dyn AnyCell>, Subscriber>;

/// The groups of one node.
pub(super) struct Service {
    // Lock order: this, then the control block of a process or the channel of a subscriber.
    table: Mutex<Groups>,
    /// Notified of each change of the node's own members, and of the loss of a peer.
    changed: Notify,
}

/// The time between two series of updates to one peer. Changes in between are sent together.
const PAUSE: Duration = Duration::from_millis(10);

impl Service {
    /// Returns the groups of a node, which takes part in groups from now on.
    pub(super) fn of(node: &Node) -> Arc<Service> {
        let make =
            || Arc::new(Service { table: Mutex::new(Table::new(Limits::default())), changed: Notify::new() }) as _;
        match Arc::clone(node.group_service_or_init(make)).into_any().downcast() {
            Ok(service) => service,
            Err(_) => unreachable!("a node has no other service for groups"),
        }
    }

    /// Adds a process of this node to a group, unless it has exited.
    pub(super) fn join(&self, node: &Node, name: &Arc<GroupName>, process: u64, cell: Arc<dyn AnyCell>) {
        let mut table = self.table();
        if table.join(name, process, || cell.enter_groups(process).then_some(cell)) {
            publish(&mut table, node.id(), Change { group: Arc::clone(name), joined: vec![process], left: Vec::new() });
            drop(table);
            self.changed.notify_waiters();
        }
    }

    /// Removes a process of this node from a group. Returns `false` if it is not a member.
    pub(super) fn leave(&self, node: &Node, name: &Arc<GroupName>, process: u64) -> bool {
        let mut table = self.table();
        let has_left = table.leave(name, process);
        if has_left {
            publish(&mut table, node.id(), Change { group: Arc::clone(name), joined: Vec::new(), left: vec![process] });
            drop(table);
            self.changed.notify_waiters();
        }
        has_left
    }

    // A panic while the lock was held can only come from an allocation or a waker, and the table is consistent then.
    pub(super) fn table(&self) -> MutexGuard<'_, Groups> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GroupService for Service {
    fn process_exited(&self, node: &Node, number: u64) {
        let mut table = self.table();
        for group in table.exit(number) {
            publish(&mut table, node.id(), Change { group, joined: Vec::new(), left: vec![number] });
        }
        drop(table);
        self.changed.notify_waiters();
    }

    fn peer_up(&self, node: &Node, epoch: Epoch) {
        if let Some(router) = node.router() {
            // Fails if the connection is over.
            let _ = router.send_group_update(epoch, GroupUpdate::Open);
        }
    }

    fn peer_continued(&self, node: &Node, epoch: Epoch) {
        self.table().continue_peer(epoch);
        // The task that feeds the peer ends.
        self.changed.notify_waiters();
        self.peer_up(node, epoch);
    }

    fn peer_down(&self, epoch: Epoch) {
        let mut table = self.table();
        if let Some((peer, changes)) = table.remove_peer(epoch) {
            for change in changes {
                publish(&mut table, &peer, change);
            }
        }
        drop(table);
        // The peer's task ends.
        self.changed.notify_waiters();
    }

    fn has_peer(&self, epoch: Epoch) -> bool {
        self.table().has_peer(epoch)
    }

    fn handle_update(&self, node: &Node, peer: &Arc<NodeId>, epoch: Epoch, update: GroupUpdate) {
        if update == GroupUpdate::Open {
            let feeder = self.table().add_peer(epoch, peer);
            if let Some(feeder) = feeder {
                // The peer may have begun to take part after it received the first one.
                self.peer_up(node, epoch);
                node.spawner().spawn(feed(node.clone(), Arc::clone(peer), epoch, feeder));
            }
            return;
        }
        let mut table = self.table();
        let (changes, ignored) = table.apply(epoch, update);
        for change in changes {
            publish(&mut table, peer, change);
        }
        drop(table);
        if ignored > 0 {
            node.loss_counts().count_refused_relation();
            node.report(ReportKind::PeerLimit, || {
                log::warn!(
                    target: "greenroom", peer = %peer.name, members = ignored,
                    "members of groups are ignored: this peer has too many of them"
                );
            });
        }
    }

    fn local_members(&self, group: &str, protocol: &str) -> Option<Arc<LocalMembers>> {
        let name = Arc::new(GroupName { name: group.into(), protocol: protocol.into() });
        Some(Arc::clone(&self.table().group(&name)?.local))
    }

    #[cfg(feature = "upgrade")]
    fn groups_of(&self, number: u64) -> Vec<String> {
        self.table().groups_of(number).map(|group| group.name.to_string()).collect()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Makes a process that was handed over a member of its groups again.
#[cfg(feature = "upgrade")]
pub(crate) fn join_again(node: &Node, process: u64, groups: &[String]) {
    let Some(cell) = node.table().get(process).filter(|_| !groups.is_empty()) else { return };
    let service = Service::of(node);
    for group in groups {
        let name = GroupName { name: group.as_str().into(), protocol: cell.protocol().into() };
        service.join(node, &Arc::new(name), process, Arc::clone(&cell));
    }
}

/// Sends a peer the members of this node and their changes, until the connection of this epoch is over.
async fn feed(node: Node, peer: Arc<NodeId>, epoch: Epoch, feeder: u64) {
    let service = Service::of(&node);
    let Some(router) = node.router() else { return };
    loop {
        let mut changed = std::pin::pin!(service.changed.notified());
        // From here on a change is not missed.
        changed.as_mut().enable();
        loop {
            let next = service.table().next_update(epoch, feeder);
            let Ok(next) = next else { return };
            let Some(update) = next else { break };
            match router.send_group_update(epoch, update) {
                None => return,
                Some(Room::Left) => {}
                Some(Room::Full) => {
                    if let Some(room) = router.backpressure(&peer.name) {
                        // Fails if the connection is over, which the next update finds.
                        let _ = room.await;
                    }
                }
            }
        }
        changed.await;
        let now = node.clock().now();
        node.clock().sleep_until(now + PAUSE).await;
    }
}

/// Sends the subscribers of a group its change.
fn publish(table: &mut Groups, node: &Arc<NodeId>, change: Change) {
    if let Some(group) = table.group_mut(&change.group) {
        for subscriber in &group.subscribers {
            subscriber.send(node, &change);
        }
    }
}
