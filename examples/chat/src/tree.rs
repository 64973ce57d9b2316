//! The supervision tree of a node: its processes, their start order and their restarts.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use greenroom::prelude::*;

use crate::analytics::Analytics;
use crate::history::database::{Database, Source};
use crate::history::writer::Candidate;
use crate::log::Log;
use crate::nodes::Nodes;
use crate::reporting::Reporting;
use crate::rooms::Rooms;
use crate::terminal::Terminal;
use crate::web::Web;

/// The name of the history's file in the data directory.
pub(crate) const HISTORY: &str = "chat.redb";

/// The settings of a node's supervision tree.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// The directory of the history and the log.
    pub(crate) data: PathBuf,
    /// The nodes that have a copy of the history.
    pub(crate) nodes: Nodes,
    /// The socket of the page. It stays open while the web process restarts, so browsers wait for it meanwhile.
    pub(crate) listener: Arc<TcpListener>,
    /// The terminal for the log's notes.
    pub(crate) terminal: Terminal,
}

impl NodeSettings {
    /// Creates the settings, and the data directory.
    pub(crate) fn new(
        data: PathBuf,
        nodes: Nodes,
        listener: TcpListener,
        terminal: Terminal,
    ) -> Result<NodeSettings, Exit> {
        let failed = |error| Exit::error(format!("cannot use the directory {}: {error}", data.display()));
        std::fs::create_dir_all(&data).map_err(failed)?;
        listener.set_nonblocking(true)?;
        Ok(NodeSettings { data, nodes, listener: Arc::new(listener), terminal })
    }

    fn log(&self) -> PathBuf {
        self.data.join("chat.log")
    }

    /// Returns the path of the history's file.
    pub(crate) fn history(&self) -> PathBuf {
        self.data.join(HISTORY)
    }
}

/// The tree of a node. The log starts first and stops last, so it logs the whole run. The web starts last and stops
/// first, so it serves only while the other processes run.
#[supervisor(strategy = one_for_one, intensity = 10, period = "10s")]
pub(crate) struct ChatTree {
    pub(crate) settings: NodeSettings,
    #[child(start = Log::open(self.settings.log(), self.settings.terminal.clone()))]
    log: Log,
    #[child(start = Database::open(Source::File(self.settings.history()), self.settings.nodes.clone()))]
    database: Database,
    #[child]
    analytics: Analytics,
    #[child]
    reporting: Reporting,
    #[child]
    rooms: Rooms,
    #[child(start = Candidate::new(self.settings.nodes.clone()), backoff = "100ms..2s")]
    writer: Candidate,
    #[child(start = Web::serve(self.settings.listener.clone()))]
    web: Web,
}
