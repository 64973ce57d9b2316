//! The states of an application on their way to its next owner.
//!
//! An owner that moves the application keeps its states, and announces them by a claim with the token of its run, before it
//! ends its claim on the application. So the next owner finds that claim, collects the states, and then starts the
//! application.
//!
//! Only the owner that directly follows gets the states. They are kept for [`KEEP_TIME`], and given once, to a greater token.
//! An owner that finds them announced, but cannot get them, starts the application only after that time: the states do not
//! exist any more then. So no run comes between that of the states and the run that continues them. This relies on clocks
//! that run at about the same speed, as leases do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::announce::{PAUSE, states_key};
use super::manager::Manager;
use crate::application::report;
use crate::base::{NodeName, Right};
use crate::call::CallName;
use crate::node::{AddExport, Export, Node, Serve};
use crate::registry::{ClaimService, RegistryError};
use crate::remote::{RemoteFunction, call_at, serve_call};
use crate::supervisor::TreeStates;

/// The time for which the states of an application are kept for its next owner.
pub(super) const KEEP_TIME: Duration = Duration::from_secs(10);
/// The time by which an owner that cannot get the states waits longer, as two clocks differ.
const MARGIN: Duration = Duration::from_secs(1);

/// Collects the states of the previous owner, for the owner whose claim has this token.
pub(super) async fn collect(manager: &Arc<Manager>, claims: &ClaimService, token: u64) -> TreeStates {
    let node = &manager.node;
    let clock = node.clock();
    let deadline = clock.now() + KEEP_TIME + MARGIN;
    let lost = |reason: &str| {
        report::states_lost(node, manager.name(), 1, reason);
        TreeStates::default()
    };
    loop {
        let left = deadline.saturating_duration_since(clock.now());
        let reason = match keeper(manager, claims, token).await {
            Ok(None) => return TreeStates::default(),
            Ok(Some(keeper)) if keeper == *node.name() => return manager.give(token).unwrap_or_default(),
            Ok(Some(keeper)) => {
                let args = (manager.name().to_owned(), token);
                match call_at::<GiveStates>(node, keeper.as_str(), args).within(left).await {
                    Ok(Some(states)) => return states,
                    Ok(None) => return lost("the previous node does not have it any more"),
                    Err(error) => error.to_string(),
                }
            }
            Err(error) => error.to_string(),
        };
        if left.is_zero() {
            return lost(&reason);
        }
        clock.sleep_until(clock.now() + PAUSE.min(left)).await;
    }
}

/// Returns the node that has the latest states from before this token.
pub(super) async fn keeper(
    manager: &Manager,
    claims: &ClaimService,
    token: u64,
) -> Result<Option<NodeName>, RegistryError> {
    let mut latest = None;
    for node in &manager.nodes {
        let claim = claims.lookup(&states_key(manager.name(), node)).await?;
        let run = claim.and_then(|claim| postcard::from_bytes::<u64>(&claim.value).ok());
        latest = latest.max(run.filter(|run| *run < token).map(|run| (run, node)));
    }
    Ok(latest.map(|(_, node)| node.clone()))
}

/// The function by which the next owner collects states.
pub(super) struct GiveStates;

impl RemoteFunction for GiveStates {
    // Not an identifier: no function of a user has the name.
    const NAME: &'static str = "failover::states";
    const __CALL: &'static CallName = &CallName { protocol: "failover", message: "states" };
    const __PARAMS: &'static [&'static str] = &["application", "token"];
    type Args = (String, u64);
    type Output = Option<TreeStates>;

    fn __call((application, token): (String, u64)) -> impl Future<Output = Option<TreeStates>> + Send {
        let managers = Manager::all(&Node::current());
        let manager = managers.into_iter().find(|manager| manager.name() == application);
        std::future::ready(manager.and_then(|manager| manager.give(token)))
    }
}

/// The states of the applications of a node, for other nodes that can claim them.
pub(crate) struct Transferable;

#[diagnostic::do_not_recommend]
impl Export for Transferable {
    fn __export<E: AddExport>(exports: &mut E) {
        let serve = Serve { right: Right::Claim, serve: serve_call::<GiveStates> };
        exports.__add(GiveStates::NAME.to_owned(), "", serve);
    }
}
