//! The tasks that dial the seeds.

use std::time::Duration;

use tokio::sync::oneshot;

use super::backoff::Backoff;
use super::connector::Connector;
use crate::base::NodeName;
use crate::cluster::closing::ClosingPart;
use crate::log;
use crate::session::Role;

impl Connector {
    /// Keeps a connection to a seed until the node stops. `tried` is dropped after the first attempt.
    pub(in crate::cluster) async fn seed(self, address: String, tried: oneshot::Sender<()>, closing: ClosingPart) {
        let (mut tried, mut backoff, mut name) = (Some(tried), Backoff::new(), None);
        while !closing.has_begun() {
            // A seed may have dialled this node instead.
            if self.is_reached(&address, name.as_ref()) {
                drop(tried.take());
                tokio::select! {
                    biased;
                    () = self.disconnected(&address, name.as_ref()) => {}
                    () = closing.begun() => return,
                }
            }
            let connected = tokio::select! {
                biased;
                connected = self.transport.connect(&address) => connected,
                () = closing.begun() => return,
            };
            let pause = match connected {
                Ok(stream) => {
                    let ended = self.run(stream, Role::Dialler, None, closing.clone(), tried.take()).await;
                    self.report(Role::Dialler, &address, &ended);
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
            tokio::select! {
                biased;
                () = self.node.clock().sleep_until(self.node.clock().now() + pause) => {}
                () = closing.begun() => return,
            }
        }
    }

    /// Returns `true` if there is a connection to the seed with this address, or with this name if it is known.
    fn is_reached(&self, address: &str, name: Option<&NodeName>) -> bool {
        self.cluster.is_reached_at(address) || name.is_some_and(|name| self.cluster.peer(name).is_some())
    }

    /// Waits until there is no connection to the seed.
    async fn disconnected(&self, address: &str, name: Option<&NodeName>) {
        loop {
            let changed = self.cluster.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.is_reached(address, name) {
                return;
            }
            changed.await;
        }
    }
}
