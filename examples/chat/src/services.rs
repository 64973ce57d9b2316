//! The five services, the nodes that they run on, and the stubs of their processes.
//!
//! Each service is an application. All of them run on one node, or each on a node of its own, or several on each of
//! several nodes. A process uses the services of its own node, and for the others those of the first connected node that
//! has them.

use std::fmt;
use std::sync::Arc;

use greenroom::prelude::*;

use crate::analytics::AnalyticsRef;
use crate::history::database::DatabaseRef;
use crate::history::writer::{self, WriterRef};
use crate::log::LogRef;
use crate::nodes::Nodes;
use crate::reporting::ReportingRef;
use crate::rooms::RoomsRef;

/// A service: an application, and the name of its main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Log,
    Database,
    Analytics,
    Reporting,
    Web,
}

impl Service {
    /// All services in the order of their starts: the log logs the whole run, and the web serves only while the others
    /// run.
    pub(crate) const ALL: [Service; 5] =
        [Service::Log, Service::Database, Service::Analytics, Service::Reporting, Service::Web];

    /// Returns the service with this name.
    pub(crate) fn parse(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Log => "log",
            Service::Database => "database",
            Service::Analytics => "analytics",
            Service::Reporting => "reporting",
            Service::Web => "web",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A node and its services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: NodeName,
    pub(crate) services: Vec<Service>,
}

/// The services, as the processes of one node use them. A clone is cheap.
#[derive(Clone)]
pub(crate) struct Services {
    node: Node,
    /// The services of this node.
    here: Arc<[Service]>,
    others: Arc<[Place]>,
}

impl Services {
    /// Creates the services of a node, which runs those in `here`.
    pub(crate) fn new(node: &Node, here: Vec<Service>, others: Vec<Place>) -> Services {
        Services { node: node.clone(), here: here.into(), others: others.into() }
    }

    /// Creates the services of a node that runs all of them.
    #[cfg(test)]
    pub(crate) fn of(node: &Node) -> Services {
        Services::new(node, Service::ALL.to_vec(), Vec::new())
    }

    /// Returns whether this node runs a service.
    pub(crate) fn are_here(&self, service: Service) -> bool {
        self.here.contains(&service)
    }

    /// Returns the nodes with a database. This node has to be one of them.
    pub(crate) fn databases(&self) -> Nodes {
        let others = self.others.iter().filter(|place| place.services.contains(&Service::Database));
        Nodes::new(self.node.name(), others.map(|place| place.node.clone()))
    }

    /// Writes an event into the log. An event of another node than the log's has the name of its node.
    pub(crate) fn note(&self, text: &str) {
        let text = if self.are_here(Service::Log) { text.to_owned() } else { format!("{}: {text}", self.node.name()) };
        self.log().note(text);
    }

    pub(crate) fn log(&self) -> LogRef {
        self.nearest(Service::Log)
    }

    pub(crate) fn database(&self) -> DatabaseRef {
        self.nearest(Service::Database)
    }

    pub(crate) fn analytics(&self) -> AnalyticsRef {
        self.nearest(Service::Analytics)
    }

    pub(crate) fn reporting(&self) -> ReportingRef {
        self.nearest(Service::Reporting)
    }

    /// Returns the rooms of the people who are connected to this node, which belong to its web service.
    pub(crate) fn rooms(&self) -> RoomsRef {
        self.node.named("rooms")
    }

    /// Returns the one writer of the cluster, on whichever node.
    pub(crate) fn writer(&self) -> WriterRef {
        self.node.global(writer::NAME)
    }

    /// Returns the stub of a service by its name, which reaches its process also after a restart.
    fn nearest<S: Stub>(&self, service: Service) -> S {
        if self.are_here(service) {
            return self.node.named(service.name());
        }
        let peers = self.node.peers();
        let mut places = self.others.iter().filter(|place| place.services.contains(&service));
        // A call to a node that is down fails, as to a process that is.
        let place = places.clone().find(|place| peers.contains(&place.node)).or_else(|| places.next());
        place.map_or_else(|| self.node.named(service.name()), |place| self.node.named_at(service.name(), &place.node))
    }
}

/// The services of this node.
impl fmt::Display for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.here.iter().map(|service| service.name()).collect::<Vec<_>>().join(", "))
    }
}
