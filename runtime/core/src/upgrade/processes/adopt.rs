//! The end of a take-over, at the commit: relations with processes that were not handed over end.

use std::collections::BTreeSet;

use crate::base::{Exit, NodeId, Pid};
use crate::log;
use crate::node::{Node, TakenProcess};
use crate::signal::{MonitorRoute, RelationsRecord};
use crate::wire::{Epoch, Signal};

/// Ends the relations of the processes that were taken over with those that were not, as if these had stopped.
pub(in crate::upgrade) fn finish_adoption(node: &Node) {
    let Some(handed_over) = node.handed_over() else { return };
    // If this release does not use claims, they begin with those of the predecessor here, and are released.
    #[cfg(feature = "registry")]
    let claims = (handed_over.has_claims() || node.has_used_claims()).then(|| node.claims());
    let (taken, left) = handed_over.finish();
    if !left.is_empty() {
        node.loss_counts().count_lost_states(left.len() as u64);
        let paths: Vec<&str> = left.iter().filter_map(|process| process.path.as_deref()).take(10).collect();
        log::warn!(
            target: "greenroom", count = left.len(), paths = %log::Escaped(paths.join(", ")),
            "processes of the predecessor have no place in this release, and have ended"
        );
    }
    #[cfg(feature = "registry")]
    if claims.is_some() {
        crate::registry::register_again(node, |number| taken.iter().any(|process| process.number == number));
        node.resume_claims();
    }
    let reason = || Exit::Shutdown(Some("the process was not handed over to the successor of its node".into()));
    let has_ended = |pid: &Pid| pid.belongs_to(node.id()) && node.signal_target(pid.number()).is_none();
    for TakenProcess { number, relations, groups } in taken {
        let Some((_, cell)) = node.signal_target(number) else { continue };
        #[cfg(feature = "registry")]
        crate::registry::join_again(node, number, &groups);
        #[cfg(not(feature = "registry"))]
        drop(groups);
        for (peer, epoch) in lost_connections(node, &relations) {
            cell.disconnect(number, &peer, epoch);
        }
        for (peer, _) in relations.links.iter().filter(|(peer, _)| has_ended(peer)) {
            cell.signal(number, peer, Epoch::LOCAL, Signal::Exit { reason: reason(), linked: true });
        }
        for (reference, monitored, _) in relations.monitors {
            if let MonitorRoute::Process(of) | MonitorRoute::Child(of) = &monitored.route
                && has_ended(of)
            {
                cell.signal(number, of, Epoch::LOCAL, Signal::Down { reference, reason: reason() });
            }
        }
    }
}

/// Returns the connections of these relations that were not handed over: the peers, and the epochs.
fn lost_connections(node: &Node, relations: &RelationsRecord) -> BTreeSet<(NodeId, Epoch)> {
    let links = relations.links.iter().map(|(peer, epoch)| (NodeId::clone(peer.node_id()), *epoch));
    let watchers = relations.watchers.iter().map(|(_, by, epoch)| (NodeId::clone(by.node_id()), *epoch));
    let monitors = relations.monitors.iter().map(|(_, of, epoch)| match &of.route {
        MonitorRoute::Process(pid) | MonitorRoute::Child(pid) => (NodeId::clone(pid.node_id()), *epoch),
        // Such a monitor ends by the name of the node, with any of its incarnations.
        MonitorRoute::Name => (NodeId { name: of.node().clone(), incarnation: 0 }, *epoch),
    });
    let epochs = node.router().map(|router| router.epochs()).unwrap_or_default();
    let is_lost = |(_, epoch): &(NodeId, Epoch)| *epoch != Epoch::LOCAL && !epochs.contains(epoch);
    links.chain(watchers).chain(monitors).filter(is_lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{MonitorRef, NodeName};
    use crate::signal::Monitored;

    #[tokio::test]
    async fn relations_over_a_connection_that_was_not_handed_over_are_lost() {
        let node = Node::local();
        let name = NodeName::new("peer@test").unwrap();
        let id = |incarnation| NodeId { name: name.clone(), incarnation };
        let relations = RelationsRecord {
            links: vec![(Pid::new(id(3).into(), 1), Epoch(7)), (node.pid(9), Epoch::LOCAL)],
            monitors: vec![(MonitorRef(1), Monitored::name("till".to_owned(), name.clone()), Epoch(8))],
            watchers: Vec::new(),
        };
        let lost = lost_connections(&node, &relations);
        assert_eq!(lost, [(id(0), Epoch(8)), (id(3), Epoch(7))].into());
    }
}
