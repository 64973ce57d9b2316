//! The handle of an owner on its claim.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::action::HoldId;
use super::{ClaimService, Loss};
use crate::registry::Claim;

/// A claim of an owner on this node, or the request for one. Its drop releases the claim.
pub(crate) struct Hold {
    service: Arc<ClaimService>,
    id: HoldId,
    key: Box<str>,
    /// `None` until it is granted.
    claim: Option<Claim>,
    lost: watch::Receiver<Option<Loss>>,
}

impl Hold {
    pub(super) fn new(service: Arc<ClaimService>, id: HoldId, key: &str, lost: watch::Receiver<Option<Loss>>) -> Hold {
        Hold { service, id, key: key.into(), claim: None, lost }
    }

    pub(super) fn granted(mut self, claim: Claim) -> Hold {
        self.claim = Some(claim);
        self
    }

    pub(crate) fn id(&self) -> HoldId {
        self.id
    }

    /// Returns the fencing token.
    pub(crate) fn token(&self) -> u64 {
        self.claim.as_ref().map_or(0, |claim| claim.token)
    }

    /// Returns `true` if the claim is valid at this moment, by the node's clock.
    #[cfg(test)]
    pub(crate) fn is_held(&self) -> bool {
        self.service.is_held(&self.key, self.id)
    }

    /// Resolves when the claim is lost. Cancel-safe.
    pub(crate) async fn lost(&self) -> Loss {
        // The hold exists.
        self.lost_or_dropped().await.unwrap_or(Loss::Stopped)
    }

    /// Resolves when the claim is lost; with `None` when the hold is dropped. Cancel-safe. Does not borrow the hold.
    pub(crate) fn lost_or_dropped(&self) -> impl Future<Output = Option<Loss>> + Send + use<> {
        let mut lost = self.lost.clone();
        async move { lost.wait_for(Option::is_some).await.ok().and_then(|loss| *loss) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.service.drop_hold(&self.key, self.id);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("key", &self.key).field("token", &self.token()).finish_non_exhaustive()
    }
}
