//! The stubs of the processes that all nodes share, addressed by registered name.

use greenroom::prelude::*;

use crate::database::DatabaseRef;
use crate::reporting::ReportingRef;
use crate::rooms::RoomsRef;

/// The stubs of the shared processes. A stub by name reaches the current owner of the name, also after a restart.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) rooms: RoomsRef,
    pub(crate) database: DatabaseRef,
    pub(crate) reporting: ReportingRef,
}

impl Services {
    /// Returns the services of the node `home`, for use on `node`.
    pub(crate) fn of(node: &Node, home: &NodeName) -> Services {
        Services {
            rooms: node.named_at("rooms", home),
            database: node.named_at("database", home),
            reporting: node.named_at("reporting", home),
        }
    }

    /// Waits until a peer runs the services, and returns them.
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
