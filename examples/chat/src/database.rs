//! The database process: owns the history on disk.
//!
//! A line is acknowledged, and sent to the room's members, only after it is on disk. All waiting lines are written in
//! one batch, so a busy room needs few commits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::prelude::*;

use crate::line::{Entry, Line, PendingLine, Room};
use crate::log::LogRef;
use crate::rooms::RoomsRef;
use crate::store::{Store, StoreError};

/// The limits of a batch: the number of lines, and the bytes of their words.
const BATCH_LINES: usize = 512;
const BATCH_BYTES: usize = 64 * 1024;

/// Writes and reads the history.
#[actor(name = "database", trap_exit)]
pub(crate) struct Database {
    store: Arc<Store>,
}

impl Database {
    /// Creates a database whose history is already open.
    #[cfg(test)]
    pub(crate) fn with_store(store: &Arc<Store>) -> Database {
        Database { store: Arc::clone(store) }
    }
}

#[actor]
impl Database {
    #[init]
    pub(crate) async fn open(path: PathBuf, cx: &mut Context<Self>) -> Result<Database, StoreError> {
        let store = cx.blocking(move || Store::open(&path)).await?;
        Ok(Database { store: Arc::new(store) })
    }

    /// Writes this line and all other waiting ones. Then answers each sender and sends the new lines to the rooms.
    #[cast]
    pub(crate) async fn write(&mut self, cx: &mut Context<Self>, pending: PendingLine) -> Result<(), StoreError> {
        let mut bytes = pending.line.words.as_str().len();
        let mut batch = vec![pending];
        while batch.len() < BATCH_LINES && bytes < BATCH_BYTES {
            receive!(match cx {
                DatabaseMessage::Write { pending } => {
                    bytes += pending.line.words.as_str().len();
                    batch.push(pending);
                }
                after!(Duration::ZERO) => break,
            });
        }

        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let (lines, replies): (Vec<Line>, Vec<Reply<u64>>) =
            batch.into_iter().map(|PendingLine { line, reply }| (line, reply)).unzip();
        // A commit waits for the disk, so it runs on a thread for blocking work.
        let store = Arc::clone(&self.store);
        let (lines, written) = cx
            .blocking(move || {
                let written = store.write(&lines, at);
                (lines, written)
            })
            .await;
        let written = written?;

        let mut new_entries = Vec::new();
        for ((line, reply), written) in lines.into_iter().zip(replies).zip(written) {
            if written.is_new {
                new_entries.push(Entry { number: written.number, at, line });
            }
            reply.send(written.number);
        }
        if !new_entries.is_empty() {
            RoomsRef::named("rooms").publish(Arc::from(new_entries));
        }
        Ok(())
    }

    /// Returns a page of a room's history: the first lines after `after`, or the last lines of the room. The page
    /// after the last line is empty.
    #[call]
    pub(crate) async fn page(&mut self, cx: &mut Context<Self>, room: Room, after: Option<u64>) -> Vec<Entry> {
        let store = Arc::clone(&self.store);
        // On an error the process crashes: the caller receives the reason, and the restarted process opens the file
        // again.
        cx.blocking(move || store.page(&room, after)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// All lines are on disk. The file itself is closed when the state is dropped, before a restart opens it again.
    #[terminate]
    fn close(&mut self) {
        LogRef::named("log").note("database: closed".to_owned());
    }
}
