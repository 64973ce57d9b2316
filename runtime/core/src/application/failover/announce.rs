//! The claims of an application with failover: their keys, their values, and the view of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::plan::{Announcement, View};
use crate::base::{NodeId, NodeName};
use crate::registry::{ClaimService, HoldError};
use crate::sched::Clock;

/// The time for which a claim is requested before the request begins anew.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The pause after a request that was refused.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Returns the key of the node that runs the application.
pub(super) fn owner_key(application: &str) -> String {
    format!("application/{application}")
}

/// Returns the key of the announcement of a node.
pub(super) fn announcement_key(application: &str, node: &NodeName) -> String {
    format!("candidate/{application}/{node}")
}

/// Returns what the nodes of the application have announced.
pub(super) fn view(claims: &ClaimService, application: &str, nodes: &[NodeName], own: &NodeId) -> View {
    let prefix = format!("candidate/{application}/");
    let others = claims.list(&prefix).into_iter().filter_map(|claim| {
        // The name of another application can begin with this name and a slash.
        let is_of_application = claim.key[prefix.len()..] == *claim.node.name.as_str();
        let (announcement, _) = postcard::take_from_bytes::<Announcement>(&claim.value).ok()?;
        let place = nodes.iter().position(|node| *node == claim.node.name && *node != own.name);
        (is_of_application && claim.node != *own).then_some((place, announcement))
    });
    let others = others.collect();
    View { is_owned: claims.get(&owner_key(application)).is_some(), others }
}

/// Announces each value that is sent, until the sender is dropped. `None` withdraws the announcement.
pub(super) async fn announce(
    claims: Arc<ClaimService>,
    clock: Arc<dyn Clock>,
    key: String,
    mut announced: watch::Receiver<Option<Announcement>>,
) {
    loop {
        let announcement = *announced.borrow_and_update();
        let hold = async {
            let Some(announcement) = announcement else { return std::future::pending().await };
            let value = postcard::to_allocvec(&announcement).unwrap_or_default();
            match claims.hold(&key, value, REQUEST_TIME).await {
                Ok(hold) => drop(hold.lost().await),
                Err(HoldError::Stopped) => std::future::pending().await,
                Err(_) => clock.sleep_until(clock.now() + PAUSE).await,
            }
        };
        tokio::select! {
            biased;
            changed = announced.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = hold => {}
        }
    }
}
