//! The applications of a node, one for each of its services: their processes, start order and restarts.

use std::path::PathBuf;
use std::sync::Arc;

use greenroom::prelude::*;
use greenroom::{Application, Applications, Listener, TreeRoot};

use crate::analytics::Analytics;
use crate::history::database::{Database, Source};
use crate::history::writer::Candidate;
use crate::log::Log;
use crate::reporting::Reporting;
use crate::rooms::Rooms;
use crate::services::{Service, Services};
use crate::terminal::Terminal;
use crate::web::Web;

/// The name of the history's file in the data directory.
pub(crate) const HISTORY: &str = "chat.redb";
/// The name of the log's file in the data directory.
const LOG: &str = "chat.log";

/// The settings of a node's applications.
#[derive(Clone)]
pub(crate) struct NodeSettings {
    /// The directory of the history and the log.
    pub(crate) data: PathBuf,
    pub(crate) services: Services,
    /// The terminal for the log's notes.
    pub(crate) terminal: Terminal,
}

impl NodeSettings {
    /// Creates the settings, and the data directory.
    pub(crate) fn new(data: PathBuf, services: Services, terminal: Terminal) -> Result<NodeSettings, Exit> {
        let failed = |error| Exit::error(format!("cannot use the directory {}: {error}", data.display()));
        if services.are_here(Service::Log) || services.are_here(Service::Database) {
            std::fs::create_dir_all(&data).map_err(failed)?;
        }
        Ok(NodeSettings { data, services, terminal })
    }
}

/// Writes the log.
#[supervisor(intensity = 10, period = "10s")]
pub(crate) struct LogTree {
    settings: NodeSettings,
    #[child(start = Log::open(
        self.settings.data.join(LOG),
        self.settings.terminal.clone(),
        self.settings.services.clone(),
    ))]
    log: Log,
}

/// Stores the history. One of the writers of all nodes puts the lines in order.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct DatabaseTree {
    settings: NodeSettings,
    #[child(start = Database::open(Source::File(self.settings.data.join(HISTORY)), self.settings.services.clone()))]
    database: Database,
    #[child(start = Candidate::new(self.settings.services.clone()), backoff = "100ms..2s")]
    writer: Candidate,
}

/// Counts the lines.
#[supervisor(intensity = 10, period = "10s")]
pub(crate) struct AnalyticsTree {
    services: Services,
    #[child(start = Analytics::open(self.services.clone()))]
    analytics: Analytics,
}

/// Writes a summary into the log.
#[supervisor(intensity = 10, period = "10s")]
pub(crate) struct ReportingTree {
    services: Services,
    #[child(start = Reporting::new(self.services.clone()))]
    reporting: Reporting,
}

/// Serves the page, and the people who are connected to it. The web stops before the rooms.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct WebTree {
    services: Services,
    /// The socket of the page. It stays open while the web process restarts, so browsers wait for it meanwhile.
    listener: Arc<Listener>,
    #[child(start = Rooms::new(self.services.clone()))]
    rooms: Rooms,
    #[child(start = Web::serve(self.listener.clone(), self.services.clone()))]
    web: Web,
}

/// Returns the applications of a node: one for each of its services. The web is one of them if the page has a socket.
pub(crate) fn applications(settings: &NodeSettings, listener: Option<Listener>) -> Applications {
    let services = &settings.services;
    let mut applications = Applications::new();
    if services.are_here(Service::Log) {
        applications = applications.with(application(services, Service::Log, LogTree { settings: settings.clone() }));
    }
    if services.are_here(Service::Database) {
        let tree = DatabaseTree { settings: settings.clone() };
        applications = applications.with(application(services, Service::Database, tree));
    }
    if services.are_here(Service::Analytics) {
        let tree = AnalyticsTree { services: services.clone() };
        applications = applications.with(application(services, Service::Analytics, tree));
    }
    if services.are_here(Service::Reporting) {
        let tree = ReportingTree { services: services.clone() };
        applications = applications.with(application(services, Service::Reporting, tree));
    }
    if let Some(listener) = listener {
        let tree = WebTree { services: services.clone(), listener: Arc::new(listener) };
        applications = applications.with(application(services, Service::Web, tree));
    }
    applications
}

/// Returns the application of a service, which starts after the earlier ones of its node. The node stops if it ends.
fn application<T: TreeRoot>(services: &Services, service: Service, tree: T) -> Application<T> {
    let earlier = Service::ALL.into_iter().take_while(|other| *other != service);
    let earlier = earlier.filter(|other| services.are_here(*other));
    earlier
        .fold(Application::new(service.name(), tree).permanent(), |application, other| application.after(other.name()))
}
