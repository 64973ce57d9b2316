//! The database: a process around the history on disk.
//!
//! What was not written was not said: a line is acknowledged, and told to the room, only when it is on disk.
//! Waiting lines are written together, as many as there are, so that a busy room costs few commits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::prelude::*;

use crate::line::{Entry, Line, Room, Saying};
use crate::log::LogRef;
use crate::rooms::RoomsRef;
use crate::store::{Store, StoreError};

/// A batch is closed at so many lines, or when its words have so many bytes.
const BATCH_LINES: usize = 512;
const BATCH_BYTES: usize = 64 * 1024;

/// Keeps the history.
#[actor(name = "database", trap_exit)]
pub(crate) struct Database {
    path: PathBuf,
    store: Option<Arc<Store>>,
}

impl Database {
    pub(crate) fn at(path: PathBuf) -> Database {
        Database { path, store: None }
    }

    /// One whose history is open already.
    #[cfg(test)]
    pub(crate) fn over(store: &Arc<Store>) -> Database {
        Database { path: PathBuf::new(), store: Some(Arc::clone(store)) }
    }

    fn store(&self) -> Arc<Store> {
        Arc::clone(self.store.as_ref().expect("the first thing a database does is to open its file"))
    }
}

#[actor]
impl Database {
    #[init]
    async fn open(&mut self, cx: &mut Context<Self>) -> Result<(), StoreError> {
        if self.store.is_none() {
            let path = self.path.clone();
            self.store = Some(Arc::new(cx.blocking(move || Store::open(&path)).await?));
        }
        Ok(())
    }

    /// Writes a line, together with all others that wait; then answers their speakers and tells the room.
    #[cast]
    pub(crate) async fn write(&mut self, cx: &mut Context<Self>, saying: Saying) -> Result<(), StoreError> {
        let mut bytes = saying.line.words.as_str().len();
        let mut batch = vec![saying];
        while batch.len() < BATCH_LINES && bytes < BATCH_BYTES {
            receive!(match cx {
                DatabaseMessage::Write { saying } => {
                    bytes += saying.line.words.as_str().len();
                    batch.push(saying);
                }
                after!(Duration::ZERO) => break,
            });
        }

        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let (lines, speakers): (Vec<Line>, Vec<Reply<u64>>) =
            batch.into_iter().map(|Saying { line, written }| (line, written)).unzip();
        // A commit waits for the disk, on a thread where nobody else wants to run.
        let store = self.store();
        let (lines, written) = cx
            .blocking(move || {
                let written = store.write(&lines, at);
                (lines, written)
            })
            .await;
        let written = written?;

        let mut news = Vec::new();
        for ((line, speaker), written) in lines.into_iter().zip(speakers).zip(written) {
            if written.fresh {
                news.push(Entry { number: written.number, at, line });
            }
            speaker.send(written.number);
        }
        if !news.is_empty() {
            RoomsRef::named("rooms").written(Arc::from(news));
        }
        Ok(())
    }

    /// A page of a room's history: the first lines after `after`, or the last lines of all. Empty at the end.
    #[call]
    pub(crate) async fn page(&mut self, cx: &mut Context<Self>, room: Room, after: Option<u64>) -> Vec<Entry> {
        let store = self.store();
        // Let it crash: whoever asked hears why, and the next life opens the file anew.
        cx.blocking(move || store.page(&room, after)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// To close the file waits for the disk, too.
    #[terminate]
    async fn close(&mut self, cx: &mut Context<Self>) {
        let store = self.store.take();
        cx.blocking(move || drop(store)).await;
        LogRef::named("log").note("database: closed".to_owned());
    }
}
