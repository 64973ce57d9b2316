//! A task that watches a registry.

use std::time::Duration;

use greenroom::registry::{Change, Changes, Registry, RegistryError};
use greenroom_etcd::Etcd;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cluster::DEADLINE;

/// The changes that a watch reports.
pub(crate) struct Observer {
    changes: UnboundedReceiver<Change>,
    watch: JoinHandle<RegistryError>,
}

impl Observer {
    pub(crate) fn new(registry: &Etcd) -> Observer {
        let (sender, changes) = unbounded_channel();
        let registry = registry.clone();
        let watch = tokio::spawn(async move {
            let mut report = move |change| drop(sender.send(change));
            registry.watch(&mut Changes::new(&mut report)).await
        });
        Observer { changes, watch }
    }

    /// Waits for the next change, as a text.
    pub(crate) async fn next(&mut self) -> String {
        let change = timeout(DEADLINE, self.changes.recv()).await.expect("a change arrives");
        match change.expect("the watch has not ended") {
            Change::All(mut claims) => {
                claims.sort_by(|a, b| a.key.cmp(&b.key));
                let claims = claims.iter().map(|claim| format!("{} of {}", claim.key, claim.node));
                format!("all: {}", claims.collect::<Vec<_>>().join(", "))
            }
            Change::Claimed(claim) => format!("{} of {}", claim.key, claim.node),
            Change::Ended(key) => format!("{key} ended"),
        }
    }

    /// Checks that no change arrives for this time.
    pub(crate) async fn nothing_for(&mut self, time: Duration) {
        assert_eq!(timeout(time, self.changes.recv()).await.ok(), None);
    }

    /// Waits for the end of the watch.
    pub(crate) async fn ended(self) -> RegistryError {
        timeout(DEADLINE, self.watch).await.expect("the watch ends").expect("it does not panic")
    }
}
