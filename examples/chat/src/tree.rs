//! The supervision trees: who runs where, and who is restarted when.

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

/// What a tree is started with.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// The directory of the history and the log.
    pub(crate) data: PathBuf,
    /// What the node's own files are called.
    pub(crate) name: String,
    /// The page's port.
    pub(crate) port: u16,
    /// Where the log is shown.
    pub(crate) terminal: Terminal,
}

impl NodeSettings {
    /// A place for the node of this name, and its directory.
    pub(crate) fn new(
        data: PathBuf,
        node: Option<&NodeName>,
        port: u16,
        terminal: Terminal,
    ) -> Result<NodeSettings, Exit> {
        let failed = |error| Exit::error(format!("cannot use the directory {}: {error}", data.display()));
        std::fs::create_dir_all(&data).map_err(failed)?;
        let name = node.and_then(|name| name.as_str().split('@').next()).unwrap_or("chat");
        // A node's name may have letters in it that a file's cannot.
        let name = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        Ok(NodeSettings { data, name, port, terminal })
    }

    fn log(&self) -> PathBuf {
        self.data.join(&self.name).with_extension("log")
    }

    /// The history's file.
    pub(crate) fn history(&self) -> PathBuf {
        self.data.join("chat.redb")
    }
}

/// The whole chat on one node. The log starts first and stops last, so it sees everything; the web starts last
/// and stops first, so nobody comes in before all is ready.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct ChatTree {
    pub(crate) place: NodeSettings,
    pub(crate) services: Services,
    #[child(start = Log::at(self.place.log(), self.place.terminal.clone()))]
    log: Log,
    #[child(start = Database::at(self.place.history()))]
    database: Database,
    #[child]
    analytics: Analytics,
    #[child]
    reporting: Reporting,
    #[child]
    rooms: Rooms,
    #[child(start = Web::at(self.place.port, self.services.clone()))]
    web: Web,
}

/// A node that has joined another one: its own web and log, everything else by name.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct BranchTree {
    pub(crate) place: NodeSettings,
    pub(crate) services: Services,
    #[child(start = Log::at(self.place.log(), self.place.terminal.clone()))]
    log: Log,
    #[child(start = Web::at(self.place.port, self.services.clone()))]
    web: Web,
}
