//! Relations with the processes of a peer, as the successor of this node receives them.

use super::{MonitorRoute, Monitored};
use crate::base::{Exit, MonitorRef, Subject};
use crate::wire::{FrameTarget, Signal};

/// A relation of a process of this node with one of a peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptRelation {
    /// The number of the process of this node.
    pub(crate) process: u64,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
enum Kind {
    Link {
        peer: u64,
    },
    /// The peer's process monitors this one.
    Watcher {
        peer: u64,
        reference: MonitorRef,
    },
    /// This process monitors one of the peer.
    Monitor {
        target: Target,
        reference: MonitorRef,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
enum Target {
    Process(u64),
    Name(String),
}

impl KeptRelation {
    pub(crate) fn link(process: u64, peer: u64) -> KeptRelation {
        KeptRelation { process, kind: Kind::Link { peer } }
    }

    pub(crate) fn watcher(process: u64, peer: u64, reference: MonitorRef) -> KeptRelation {
        KeptRelation { process, kind: Kind::Watcher { peer, reference } }
    }

    pub(crate) fn monitor(process: u64, monitored: &Monitored, reference: MonitorRef) -> KeptRelation {
        let target = match (&monitored.route, &monitored.subject) {
            (MonitorRoute::Process(pid) | MonitorRoute::Child(pid), _) | (MonitorRoute::Name, Subject::Pid(pid)) => {
                Target::Process(pid.number())
            }
            (MonitorRoute::Name, Subject::Name(name, _)) => Target::Name(name.clone()),
        };
        KeptRelation { process, kind: Kind::Monitor { target, reference } }
    }

    /// Returns the signal that ends the relation, and its receiver on the peer, since the process was not handed over.
    pub(crate) fn end(&self) -> (FrameTarget, Signal) {
        let reason = Exit::shutdown();
        match &self.kind {
            Kind::Link { peer } => (FrameTarget::Process(*peer), Signal::Exit { reason, linked: true }),
            Kind::Watcher { peer, reference } => {
                (FrameTarget::Process(*peer), Signal::Down { reference: *reference, reason })
            }
            Kind::Monitor { target, reference } => {
                let target = match target {
                    Target::Process(number) => FrameTarget::Process(*number),
                    Target::Name(name) => FrameTarget::Name(name.as_str().into()),
                };
                (target, Signal::Demonitor { reference: *reference })
            }
        }
    }
}
