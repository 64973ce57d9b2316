//! A peer whose paused connection is continued by another one, or is lost.

use std::sync::{Arc, OnceLock};

use super::{Activity, Cluster, Connected, Peer};
use crate::base::NodeName;
use crate::net::Outbox;
use crate::session::Hello;
use crate::sync::{Mutex, PoisonError};
#[cfg(all(feature = "upgrade", unix))]
use crate::wire::Epoch;

impl Cluster {
    /// Returns the suspended peer with this name.
    pub(in crate::cluster) fn suspended_peer(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peer(name).filter(|peer| peer.pause.is_suspended())
    }

    /// Returns the peer of a connection that is up and continues that of a suspended one.
    pub(in crate::cluster) fn continue_peer(
        &self,
        suspended: &Peer,
        hello: &Hello,
        role: Option<&str>,
        outbox: &Arc<Outbox>,
    ) -> Arc<Peer> {
        outbox.replace_by(&suspended.outbox);
        let (advertise, rights) = (hello.advertise.clone(), self.policy.rights_of(&hello.node.name, role));
        let connected = Connected { advertise, mesh: hello.mesh, reads_contexts: hello.reads_contexts, rights };
        let peer = Arc::new(Peer {
            id: Arc::clone(&suspended.id),
            outbox: Arc::clone(&suspended.outbox),
            connected: OnceLock::from(connected),
            epoch: suspended.epoch,
            tracked: Arc::clone(&suspended.tracked),
            calls: suspended.calls.clone(),
            max_calls: suspended.max_calls,
            large_frames: Arc::clone(&suspended.large_frames),
            holds: Arc::clone(&suspended.holds),
            definitions: Mutex::default(),
            unread: Mutex::default(),
            activity: Activity::default(),
            pause: Arc::clone(&suspended.pause),
        });
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        peers.insert(hello.node.name.clone(), Arc::clone(&peer));
        peer
    }

    /// Executes the effects of the loss of a suspended connection, unless it is continued or lost.
    pub(in crate::cluster) fn lose_suspended(&self, peer: &Peer) {
        if let Some(loss) = peer.pause.take_loss() {
            self.links.set_tokens(&peer.id, None);
            peer.outbox.close();
            loss();
        }
    }
}

impl Peer {
    /// Returns the peer of a connection that the predecessor of this node has handed over.
    #[cfg(all(feature = "upgrade", unix))]
    pub(in crate::cluster) fn handed_over(
        hello: &Hello,
        epoch: Epoch,
        outbox: &Arc<Outbox>,
        cluster: &Cluster,
    ) -> Peer {
        // The certificate that the peer will have is not known. It has sent nothing before that.
        let rights = cluster.policy.rights_of(&hello.node.name, None);
        let (advertise, reads_contexts) = (hello.advertise.clone(), hello.reads_contexts);
        let connected = Connected { advertise, mesh: hello.mesh, reads_contexts, rights };
        Peer { connected: OnceLock::from(connected), ..Peer::new(&hello.node, epoch, outbox, cluster) }
    }

    /// Suspends the connection at its end, if it is paused and quiet. Returns `false` if its end is a loss.
    pub(in crate::cluster) fn suspend(&self) -> bool {
        self.pause.status().is_quiet && !self.large_frames.has_failed() && self.outbox.suspend()
    }
}
