//! The tasks that dial the seeds.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::connector::{Connector, Purpose};
use crate::base::NodeName;
use crate::cluster::closing::{ClosingPart, wait_until};
use crate::log;
use crate::session::Role;

/// An address that a task dials.
pub(in crate::cluster) struct Seed {
    pub(in crate::cluster) address: String,
    /// Unset when the address is not valid any more.
    pub(in crate::cluster) is_wanted: Arc<AtomicBool>,
}

/// Is dropped after the first attempt to reach a seed.
pub(in crate::cluster) type Tried = mpsc::Sender<Infallible>;

impl Seed {
    /// Returns a seed that is dialled as long as the node runs.
    pub(in crate::cluster) fn lasting(address: String) -> Seed {
        Seed { address, is_wanted: Arc::new(AtomicBool::new(true)) }
    }
}

impl Connector {
    /// Keeps a connection to a seed until the node stops or leaves, or the seed is not wanted.
    pub(in crate::cluster) async fn seed(self, seed: Seed, mut tried: Option<Tried>, closing: ClosingPart) {
        let (mut backoff, mut name) = (Backoff::new(), None);
        let address = &seed.address;
        self.cluster.members().add_seed(address);
        while !closing.has_begun() && !self.cluster.members().is_leaving() {
            // A seed may have dialled this node instead, or one of the two has closed the connection on purpose.
            if !self.needs_dial(address, name.as_ref()) {
                drop(tried.take());
                tokio::select! {
                    biased;
                    () = wait_until(&self.cluster.changed, || self.needs_dial(address, name.as_ref())) => {}
                    () = closing.begun() => return,
                }
            }
            if !seed.is_wanted.load(Ordering::Relaxed) {
                break;
            }
            let connected = tokio::select! {
                biased;
                connected = self.transport.connect(address) => connected,
                () = closing.begun() => return,
            };
            let pause = match connected {
                Ok(stream) => {
                    let ended = self.run(stream, Purpose::Seed, None, closing.clone(), tried.take()).await;
                    self.report(Role::Dialler, address, &ended);
                    name = ended.peer.or(name);
                    backoff.next_pause(ended.up_for.unwrap_or_default(), self.node.rng())
                }
                Err(error) => {
                    let pause = backoff.next_pause(Duration::ZERO, self.node.rng());
                    // The first failure may be a mistyped address. Later ones are logged for debugging only.
                    if tried.take().is_some() {
                        log::warn!(
                            target: "greenroom", seed = address, error = %log::Escaped(&error), ?pause, "cannot reach a seed: dialling again"
                        );
                    } else {
                        log::debug!(target: "greenroom", seed = address, error = %log::Escaped(&error), ?pause, "cannot reach a seed");
                    }
                    pause
                }
            };
            if self.pause(pause, &closing).await.is_break() {
                return;
            }
        }
        let (node, from) = (&self.node, self.node.name());
        self.cluster.change_members(node, from, |members| members.remove_seed(address, name.as_ref()));
    }

    /// Returns `true` if the seed with this address, or with this name if it is known, is not connected. One that is closed
    /// on purpose is not dialled.
    fn needs_dial(&self, address: &str, name: Option<&NodeName>) -> bool {
        let is_reached = |name: &NodeName| self.cluster.is_reached(name) || self.cluster.members().is_parted(name);
        !self.cluster.is_reached_at(address) && !name.is_some_and(is_reached)
    }
}
