//! The stubs of the processes that a session or a request needs.

use greenroom::prelude::*;

use crate::analytics::AnalyticsRef;
use crate::history::database::DatabaseRef;
use crate::history::writer::{self, WriterRef};
use crate::reporting::ReportingRef;
use crate::rooms::RoomsRef;

/// The stubs of the processes. A stub by name reaches the current owner of the name, also after a restart.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) rooms: RoomsRef,
    pub(crate) database: DatabaseRef,
    pub(crate) analytics: AnalyticsRef,
    pub(crate) reporting: ReportingRef,
    /// The one writer of the cluster, on whichever node.
    pub(crate) writer: WriterRef,
}

impl Services {
    /// Returns the services of a node.
    pub(crate) fn of(node: &Node) -> Services {
        Services {
            rooms: node.named("rooms"),
            database: node.named("database"),
            analytics: node.named("analytics"),
            reporting: node.named("reporting"),
            writer: node.global(writer::NAME),
        }
    }
}
