//! The start of a node in place of the predecessor's.

use std::io;
use std::sync::Arc;

use super::ending::shim;
use super::origin::{AdoptedNode, Origin};
use super::processes::finish_adoption;
use super::upgrader::Upgrader;
use crate::base::{NodeId, NodeName};
use crate::cluster::{Beginning, NodeBuilder};
use crate::log;
use crate::net;
use crate::node::{Node, SocketName};
use crate::sched::NodeEnv;

/// Begins this process: it runs as the shim and exits, or connects with its predecessor, if it has one.
pub(crate) fn begin_process() {
    shim::run_if_requested();
    Origin::get();
}

/// Lets a node be upgraded, and begin in place of the predecessor's node of the same name.
pub(crate) fn take_part(builder: NodeBuilder) -> NodeBuilder {
    builder.begin_by(Box::new(|name| Box::pin(beginning(name))))
}

/// Returns a local node, which takes the place of the predecessor's if that is a local one.
pub(crate) async fn local_node() -> Node {
    let beginning = beginning(NodeName::local()).await;
    let node = match beginning.incarnation {
        Some(incarnation) => Node::new(NodeId::local(incarnation), NodeEnv::tokio()),
        None => Node::local(),
    };
    (beginning.begun)(&node);
    (beginning.started)();
    node
}

/// Returns the beginning of a node: in place of the predecessor's node if that has this name, and otherwise anew.
async fn beginning(name: NodeName) -> Beginning {
    begin_process();
    let adopted = match Origin::get() {
        Some(origin) => origin.node().await.map(|node| (origin, node)),
        None => None,
    };
    let Some((origin, adopted)) = adopted.filter(|(_, adopted)| adopted.id.name == name) else {
        return Beginning { begun: Box::new(|node| drop(Upgrader::of(node))), ..Beginning::default() };
    };
    let listener = origin.take_socket(&SocketName::Node).and_then(|socket| {
        let unusable = |error: &io::Error| {
            log::warn!(target: "greenroom", error = %log::Escaped(error), "the socket of the predecessor is not usable");
        };
        net::inherited(socket).inspect_err(unusable).ok()
    });
    let AdoptedNode { id, next_number, next_reference, peers } = adopted;
    let incarnation = Some(id.incarnation);
    let begun = move |node: &Node| {
        Upgrader::of(node);
        node.continue_numbers(next_number);
        node.continue_references(next_reference);
        for item in origin.take_processes() {
            item.give_to(node);
        }
        node.succession().pause();
        let node = node.clone();
        node.clone().spawner().spawn(async move {
            origin.started().await;
            let handed_over = node.handed_over_or_default();
            handed_over.trees_started(Arc::clone(node.clock())).await;
            match handed_over.refusal() {
                Some(reason) => origin.refuse(reason),
                None => {
                    origin.note_restarts(handed_over.restarts());
                    origin.settle(&SocketName::Node);
                }
            }
            origin.committed().await;
            finish_adoption(&node);
            node.succession().resume();
            log::info!(target: "greenroom", node = %node.name(), "node was upgraded: this process serves");
        });
    };
    let started = || origin.node_started();
    Beginning { incarnation, listener, peers, begun: Box::new(begun), started: Box::new(started) }
}
