//! The services that all nodes share, by name, wherever they are.

use greenroom::prelude::*;

use crate::database::DatabaseRef;
use crate::reporting::ReportingRef;
use crate::rooms::RoomsRef;

/// Stubs of the shared services. They are names, so they reach whoever has the name now.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) rooms: RoomsRef,
    pub(crate) database: DatabaseRef,
    pub(crate) reporting: ReportingRef,
}

impl Services {
    /// The services of the node `home`, as `node` reaches them.
    pub(crate) fn of(node: &Node, home: &NodeName) -> Services {
        Services {
            rooms: node.named_at("rooms", home),
            database: node.named_at("database", home),
            reporting: node.named_at("reporting", home),
        }
    }

    /// Finds the node that runs them: the first peer whose rooms answer, as soon as there is one.
    pub(crate) async fn find(node: &Node) -> Services {
        loop {
            for peer in node.peers() {
                let services = Services::of(node, &peer);
                if services.rooms.people().await.is_ok() {
                    return services;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
