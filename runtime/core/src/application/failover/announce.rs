//! The claims of an application with failover: their keys, their values, and the view of them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::plan::View;
use crate::base::{NodeId, NodeName, Serialize};
use crate::registry::{Claim, ClaimService, HoldError};
use crate::sched::Clock;

/// The time for which a claim is requested before the request begins anew.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The pause after a request that was refused.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Returns the key of the node that runs the application.
pub(super) fn owner_key(application: &str) -> String {
    format!("application/{application}")
}

/// Returns the key of a node that is ready to run the application.
pub(super) fn candidate_key(application: &str, node: &NodeName) -> String {
    format!("candidate/{application}/{node}")
}

/// Returns the key of the intent of a node.
pub(super) fn intent_key(application: &str, node: &NodeName) -> String {
    format!("intent/{application}/{node}")
}

/// Returns the key of a node that keeps states of the application.
pub(super) fn states_key(application: &str, node: &NodeName) -> String {
    format!("states/{application}/{node}")
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// Returns what the nodes of the application have announced, without the node `own`.
pub(super) fn view(claims: &ClaimService, application: &str, nodes: &[NodeName], own: &NodeId) -> View {
    let of_others = |key: fn(&str, &NodeName) -> String| {
        // The name of another application can begin with this name and a slash.
        let is_of_other = move |claim: &Claim| claim.key == key(application, &claim.node.name) && claim.node != *own;
        let prefix = key(application, &own.name);
        let prefix = prefix.strip_suffix(own.name.as_str()).unwrap_or(&prefix);
        claims.list(prefix).into_iter().filter(is_of_other)
    };
    let place = |claim: Claim| nodes.iter().position(|node| *node == claim.node.name);
    let ready = of_others(candidate_key).filter_map(place).collect();
    let intents = of_others(intent_key).filter_map(|claim| postcard::from_bytes(&claim.value).ok());
    let intent = intents.max().unwrap_or_default();
    View { is_owned: claims.get(&owner_key(application)).is_some(), ready, intent }
}

/// Holds a claim with each value that is sent, until the sender is dropped; with `None` it holds nothing. Reports which
/// value the registry has.
pub(super) async fn announce<T: Clone>(
    claims: Arc<ClaimService>,
    clock: Arc<dyn Clock>,
    key: String,
    encode: fn(&T) -> Vec<u8>,
    mut announced: watch::Receiver<Option<T>>,
    report: impl Fn(Option<T>) + Send,
) {
    loop {
        let value = announced.borrow_and_update().clone();
        let hold = async {
            let Some(value) = value else { return pending().await };
            match claims.hold(&key, encode(&value), REQUEST_TIME).await {
                Ok(hold) => {
                    report(Some(value));
                    hold.lost().await;
                    report(None);
                }
                Err(HoldError::Stopped) => pending().await,
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
