//! The claims of a node over a live upgrade: the successor continues those of its predecessor.
//!
//! | process | from the hand-over on | if the upgrade fails | from the commit on |
//! |---|---|---|---|
//! | predecessor | sends no requests but renewals | goes on | ends its claims on its own side only |
//! | successor | its owners receive the claims of the predecessor | does not exist | releases those without an owner |
//!
//! So each claim has one owner at a time, and keeps its token.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ClaimService;
use crate::base::NodeId;
use crate::log;
use crate::node::{HandedOver, Node, NodeClaims};
use crate::registry::Claim;

/// The claims that are handed over.
#[derive(Serialize, Deserialize)]
struct Record {
    /// The claims of this node that have an owner, and those of other nodes.
    claims: Vec<ClaimRecord>,
    registry: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct ClaimRecord {
    key: String,
    node: NodeId,
    token: u64,
    value: Vec<u8>,
}

/// Pauses the claims, and returns them. `None` if the registry does not let a successor continue them.
pub(super) fn hand_over(service: &Arc<ClaimService>) -> Option<Vec<u8>> {
    let mut state = service.state();
    let claims = state.machine.record();
    // Before the registry is read: what it grants now is not handed over, and the successor releases it.
    state.machine.pause();
    state.is_handed_over = true;
    drop(state);
    let record = |Claim { key, node, token, value }| ClaimRecord { key, node, token, value };
    let claims = claims.into_iter().map(record).collect();
    let record = service.registry.hand_over().map(|registry| Record { claims, registry });
    let bytes = record.and_then(|record| postcard::to_allocvec(&record).ok());
    if bytes.is_none() {
        Arc::clone(service).resume();
    }
    bytes
}

impl ClaimService {
    /// Returns whether a successor serves that continues the claims.
    pub(super) fn is_continued_elsewhere(&self) -> bool {
        self.state().is_handed_over && self.node.upgrade().is_some_and(|node| node.has_successor())
    }

    /// Continues the claims of the predecessor, if the node has one. `is_local` states whether requests to the registry have no
    /// effect on other nodes before this process serves.
    pub(super) fn begin_in_place_of_predecessor(self: &Arc<Self>, node: &Node, is_local: bool) {
        if node.is_own_turn() {
            return;
        }
        if !is_local {
            self.state().machine.pause();
        }
        let Some(bytes) = node.handed_over().and_then(HandedOver::take_claims) else { return };
        let record: Result<Record, String> = postcard::from_bytes(&bytes).map_err(|error| error.to_string());
        let continued = record.and_then(|record| {
            self.registry.continue_with(&record.registry).map(|()| record).map_err(|error| error.to_string())
        });
        match continued {
            Ok(Record { claims, .. }) => {
                let claim = |ClaimRecord { key, node, token, value }| Claim { key, node, token, value };
                let claims = claims.into_iter().map(claim).collect();
                self.apply(|machine, now| machine.continue_with(claims, now));
            }
            Err(error) => log::warn!(
                target: "greenroom", node = %node.name(), error = %log::Escaped(error),
                "claims of the predecessor are not continued"
            ),
        }
    }

    /// Returns the claim of the predecessor on a key, if no owner has it yet.
    pub(crate) fn continued(&self, key: &str) -> Option<Claim> {
        self.state().machine.continued(key).cloned()
    }

    /// Returns the claims of the predecessor whose keys begin with `prefix`, and which no owner has yet.
    pub(in crate::registry) fn all_continued(&self, prefix: &str) -> Vec<Claim> {
        let state = self.state();
        state.machine.all_continued().filter(|claim| claim.key.starts_with(prefix)).cloned().collect()
    }
}
