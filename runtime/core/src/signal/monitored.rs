//! The target of a monitor.

use std::sync::Arc;

use crate::base::{NodeId, NodeName, Pid, Subject};

/// A monitored process, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "upgrade", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Monitored {
    /// The process as the monitor's `Down` names it.
    pub(crate) subject: Subject,
    pub(crate) route: MonitorRoute,
}

/// The receiver of a monitor's signals.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "upgrade", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum MonitorRoute {
    /// The process with this pid.
    Process(Pid),
    /// The supervised child with this id. Its node attaches the monitor to one of the child's processes.
    Child(Pid),
    /// The process that has the name on the node of the subject when the signal arrives there.
    Name,
}

impl Monitored {
    pub(crate) fn process(pid: Pid) -> Monitored {
        Monitored { subject: Subject::Pid(pid.clone()), route: MonitorRoute::Process(pid) }
    }

    /// The process with this pid, monitored by its name.
    pub(crate) fn named_process(name: String, at: NodeName, pid: Pid) -> Monitored {
        Monitored { subject: Subject::Name(name, at), route: MonitorRoute::Process(pid) }
    }

    /// A supervised child by its id. The subject is the child's process, if that is known, or the child's path.
    pub(crate) fn child(id: Pid, path: &str, process: Option<Pid>) -> Monitored {
        let path = || Subject::Name(path.to_owned(), id.node().clone());
        Monitored { subject: process.map_or_else(path, Subject::Pid), route: MonitorRoute::Child(id) }
    }

    /// The process that has this name on another node.
    pub(crate) fn name(name: String, at: NodeName) -> Monitored {
        Monitored { subject: Subject::Name(name, at), route: MonitorRoute::Name }
    }

    /// Returns the node of the target.
    pub(crate) fn node(&self) -> &NodeName {
        match (&self.route, &self.subject) {
            (MonitorRoute::Process(pid) | MonitorRoute::Child(pid), _) | (MonitorRoute::Name, Subject::Pid(pid)) => {
                pid.node()
            }
            (MonitorRoute::Name, Subject::Name(_, at)) => at,
        }
    }

    /// Returns whether the `Down` of the monitor can come from this process.
    pub(crate) fn accepts_down_from(&self, from: &Pid) -> bool {
        match (&self.route, &self.subject) {
            (MonitorRoute::Process(pid), _) => pid == from,
            (MonitorRoute::Child(id), _) => id.node_id() == from.node_id(),
            (MonitorRoute::Name, Subject::Name(_, at)) => at == from.node(),
            (MonitorRoute::Name, Subject::Pid(pid)) => pid == from,
        }
    }

    /// Returns the sender of the `Down` for a lost connection to `node`; `None` if the target is not on that node.
    pub(crate) fn lost_with(&self, node: &NodeId) -> Option<Pid> {
        match (&self.route, &self.subject) {
            (MonitorRoute::Process(pid) | MonitorRoute::Child(pid), _) => {
                (**pid.node_id() == *node).then(|| pid.clone())
            }
            (MonitorRoute::Name, Subject::Name(_, at)) => {
                (*at == node.name).then(|| Pid::new(Arc::new(node.clone()), 0))
            }
            (MonitorRoute::Name, Subject::Pid(_)) => None,
        }
    }
}
