//! The subscription of a process to the acknowledged lines, which it receives in order, each once.
//!
//! The process subscribes to one database, that of its node or the nearest one. When that database ends, it subscribes to
//! the next one behind the last lines that it has.

use std::sync::Arc;

use greenroom::Receives;
use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::line::Entry;
use crate::services::Services;

/// Acknowledged lines of consecutive records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Published {
    /// The position of the last of the records.
    pub(crate) position: u64,
    pub(crate) entries: Arc<[Entry]>,
}

/// The state of a subscription.
pub(crate) struct Subscription {
    /// The database, while it runs.
    database: Option<MonitorRef>,
    /// The position of the last record that was received.
    position: Option<u64>,
}

impl Subscription {
    /// Creates a subscription that begins with the next line.
    pub(crate) fn new() -> Subscription {
        Subscription { database: None, position: None }
    }

    /// Subscribes, unless the database of the last subscription runs. To be called at the start, and from time to time.
    pub(crate) fn renew<A>(&mut self, cx: &mut Context<A>, services: &Services)
    where
        A: Process<Protocol: Receives<Published> + Receives<Down>>,
    {
        if self.database.is_none() {
            let database = services.database();
            self.database = Some(cx.monitor(&database));
            database.subscribe(cx.me().recipient(), self.position);
        }
    }

    /// Returns whether this `Down` is that of the database.
    pub(crate) fn handle_down(&mut self, down: &Down) -> bool {
        self.database.take_if(|database| *database == down.monitor).is_some()
    }

    /// Returns the lines. All lines of a database arrive before its end is noticed, so none arrives twice.
    pub(crate) fn accept(&mut self, published: Published) -> Arc<[Entry]> {
        self.position = Some(published.position);
        published.entries
    }
}
