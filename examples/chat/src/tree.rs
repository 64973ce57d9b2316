//! The supervision trees of a node: its processes, their start order and their restarts.

use std::path::PathBuf;

use greenroom::prelude::*;

use crate::analytics::Analytics;
use crate::database::Database;
use crate::log::Log;
use crate::reporting::Reporting;
use crate::rooms::Rooms;
use crate::services::Services;
use crate::terminal::Terminal;
use crate::web::Web;

/// The settings of a node's supervision tree.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// The directory of the history and the log.
    pub(crate) data: PathBuf,
    /// The name of the node's own files.
    pub(crate) name: String,
    /// The page's port.
    pub(crate) port: u16,
    /// The terminal for the log's notes.
    pub(crate) terminal: Terminal,
}

impl NodeSettings {
    /// Creates the settings for the node of this name, and the data directory.
    pub(crate) fn new(
        data: PathBuf,
        node: Option<&NodeName>,
        port: u16,
        terminal: Terminal,
    ) -> Result<NodeSettings, Exit> {
        let failed = |error| Exit::error(format!("cannot use the directory {}: {error}", data.display()));
        std::fs::create_dir_all(&data).map_err(failed)?;
        let name = node.and_then(|name| name.as_str().split('@').next()).unwrap_or("chat");
        // A node's name may contain characters that are invalid in a file name.
        let name = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        Ok(NodeSettings { data, name, port, terminal })
    }

    fn log(&self) -> PathBuf {
        self.data.join(&self.name).with_extension("log")
    }

    /// Returns the path of the history's file.
    pub(crate) fn history(&self) -> PathBuf {
        self.data.join("chat.redb")
    }
}

/// The tree of a node that runs all services. The log starts first and stops last, so it logs the whole run. The web
/// starts last and stops first, so it serves only while the other processes run.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct ChatTree {
    pub(crate) settings: NodeSettings,
    pub(crate) services: Services,
    #[child(start = Log::open(self.settings.log(), self.settings.terminal.clone()))]
    log: Log,
    #[child(start = Database::open(self.settings.history()))]
    database: Database,
    #[child]
    analytics: Analytics,
    #[child]
    reporting: Reporting,
    #[child]
    rooms: Rooms,
    #[child(start = Web::listen(self.settings.port, self.services.clone()))]
    web: Web,
}

/// The tree of a node that joined another one: its own web and log. It reaches the other processes by name.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct JoinedTree {
    pub(crate) settings: NodeSettings,
    pub(crate) services: Services,
    #[child(start = Log::open(self.settings.log(), self.settings.terminal.clone()))]
    log: Log,
    #[child(start = Web::listen(self.settings.port, self.services.clone()))]
    web: Web,
}
