//! The database process: owns the log of its node on disk.
//!
//! The [`writer`](super::writer) sends it records, and the position up to which the log is acknowledged. From then on
//! the database passes the acknowledged lines to its [subscribers](super::subscription) and to readers. So no reader sees
//! a line that could still be lost.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::once;
use greenroom::prelude::*;
use tokio::time::sleep;

use super::store::{Head, Page, Store, StoreError};
use super::subscription::Published;
use super::{Batch, CAUGHT_UP, IS_OPEN, Mark, Placed, Refusal, Span, State, Stored, Term};
use crate::line::{Entry, Line, Room, call_until_answered, now};
use crate::nodes::Nodes;
use crate::services::Services;

/// The period of the attempts to open a file that another process has open.
const OPEN_PERIOD: Duration = Duration::from_millis(100);
/// The maximum number of subscribers: three processes of each node that has no database of its own.
const MAX_SUBSCRIBERS: usize = 64;

/// Writes and reads the log of a node. An exit signal ends it at once: all records are on disk, and the file is closed when
/// the state is dropped, before a restart opens it again.
#[actor(name = "database")]
pub(crate) struct Database {
    source: Source,
    services: Services,
    /// The log, unless another process has its file open.
    store: Option<Arc<Store>>,
    /// The log is acknowledged up to this position at least.
    committed: u64,
    /// The least log with which the database may vote again, once the others have stated theirs.
    target: Option<Mark>,
    subscribers: HashMap<MonitorRef, Subscriber>,
}

/// A process that receives the acknowledged lines.
struct Subscriber {
    process: Recipient<Published>,
    /// The position up to which it has them.
    position: u64,
}

/// The place of a history.
#[derive(Clone)]
pub(crate) enum Source {
    File(PathBuf),
    /// A history in memory, which outlives the process as a disk does.
    #[cfg(test)]
    Memory(Arc<Store>),
}

#[actor]
impl Database {
    /// Opens the file. While another process has it open, [`wait_for_file`](Database::wait_for_file) waits for it.
    #[init]
    pub(crate) async fn open(
        source: Source,
        services: Services,
        cx: &mut Context<Self>,
    ) -> Result<Database, StoreError> {
        let mut database =
            Database { source, services, store: None, committed: 0, target: None, subscribers: HashMap::new() };
        database.try_open(cx).await?;
        Ok(database)
    }

    /// Waits while another process has the file open: the predecessor of a node that is upgraded stops after this process
    /// has started. No message is handled meanwhile, so a database without its promises answers nothing.
    #[continue_with]
    async fn wait_for_file(&mut self, cx: &mut Context<Self>) -> Result<(), StoreError> {
        while self.store.is_none() {
            sleep(OPEN_PERIOD).await;
            self.try_open(cx).await?;
        }
        Ok(())
    }

    /// Promises to refuse writers of earlier terms. Returns the place of the last record.
    #[call]
    pub(crate) async fn promise(&mut self, cx: &mut Context<Self>, term: Term) -> Result<Mark, Refusal> {
        self.execute(cx, move |store| store.promise(term)).await
    }

    /// Writes the first record of the term of this node's writer.
    #[call]
    #[private]
    pub(crate) async fn begin(&mut self, cx: &mut Context<Self>, term: Term) -> Result<Mark, Refusal> {
        self.execute(cx, move |store| store.begin(term)).await
    }

    /// Writes lines of this node's writer, and returns their places.
    #[call]
    #[private]
    pub(crate) async fn propose(
        &mut self,
        cx: &mut Context<Self>,
        term: Term,
        lines: Vec<Line>,
    ) -> Result<Vec<Placed>, Refusal> {
        let committed = self.committed;
        self.execute(cx, move |store| store.propose(term, &lines, now(), committed)).await
    }

    /// Writes records of the writer, of any node.
    #[call]
    pub(crate) async fn append(&mut self, cx: &mut Context<Self>, batch: Batch) -> Result<Stored, Refusal> {
        let (target, committed) = (self.target, batch.committed);
        let stored = self.execute(cx, move |store| store.append(&batch, target)).await?;
        if stored.may_vote && self.target.take().is_some() {
            self.note_vote();
        }
        self.advance(cx, committed.min(stored.position)).await;
        Ok(stored)
    }

    /// The log of this node's writer is acknowledged up to this position.
    #[cast]
    #[private]
    pub(crate) async fn commit(&mut self, cx: &mut Context<Self>, position: u64) {
        self.advance(cx, position).await;
    }

    /// Takes over what the other databases have promised. The vote is granted at `target`.
    #[cast]
    #[private]
    async fn recover(&mut self, cx: &mut Context<Self>, term: Term, target: Mark) {
        self.target = Some(target);
        if self.execute(cx, move |store| store.recover(term, target)).await {
            self.target = None;
            self.note_vote();
        }
    }

    /// Returns the first records after this position, acknowledged or not.
    #[call]
    pub(crate) async fn read(&mut self, cx: &mut Context<Self>, after: u64) -> Span {
        self.execute(cx, move |store| store.read(after)).await
    }

    /// Returns the state of the log.
    #[call]
    pub(crate) async fn state(&mut self, cx: &mut Context<Self>) -> State {
        self.execute(cx, Store::state).await
    }

    /// Sends the acknowledged lines after this position to a process, as long as it runs. Without a position it receives
    /// those from now on.
    #[cast]
    pub(crate) async fn subscribe(
        &mut self,
        cx: &mut Context<Self>,
        process: Recipient<Published>,
        after: Option<u64>,
    ) {
        self.subscribers.retain(|_, subscriber| subscriber.process != process);
        if self.subscribers.len() < MAX_SUBSCRIBERS {
            let position = after.unwrap_or(self.committed);
            // With its first position, the process can continue at another database.
            drop(process.send(Published { position, entries: Arc::default() }));
            self.subscribers.insert(cx.monitor(&process), Subscriber { process, position });
            self.publish(cx).await;
        }
    }

    #[down]
    fn subscriber_ended(&mut self, down: Down) {
        self.subscribers.remove(&down.monitor);
    }

    /// Returns a page of a room's acknowledged lines.
    #[call]
    pub(crate) async fn page(&mut self, cx: &mut Context<Self>, room: Room, page: Page) -> Vec<Entry> {
        let committed = self.committed;
        self.execute(cx, move |store| store.page(&room, page, committed)).await
    }

    /// Returns the last acknowledged numbers of these rooms, and of some others.
    #[call]
    pub(crate) async fn heads(&mut self, cx: &mut Context<Self>, rooms: Vec<Room>) -> Vec<Head> {
        let committed = self.committed;
        self.execute(cx, move |store| store.heads(&rooms, committed)).await
    }
}

impl Database {
    /// Opens the file, unless another process has it open.
    async fn try_open(&mut self, cx: &mut Context<Self>) -> Result<(), StoreError> {
        let store = match self.source.clone() {
            Source::File(path) => match cx.blocking(move || Store::open(&path)).await {
                Err(error) if error.is_open_elsewhere() => return Ok(()),
                opened => Arc::new(opened?),
            },
            #[cfg(test)]
            Source::Memory(store) => store,
        };
        let state = store.state()?;
        self.services.note(&format!("{IS_OPEN}, with the records up to {}", state.end.position));
        // A new history, or one that was deleted: the other databases have the answer. It arrives as a message, so that
        // two databases can ask each other.
        if !state.may_vote {
            let answer = once(ask_others(self.services.databases()));
            cx.attach(answer, |(term, target)| DatabaseMessage::Recover { term, target });
        }
        (self.store, self.committed) = (Some(store), state.committed);
        Ok(())
    }

    fn note_vote(&self) {
        self.services.note(&format!("database: this node {CAUGHT_UP} and has a vote"));
    }

    /// Executes a function on a thread for blocking work, since a commit waits for the disk. On an error the process
    /// crashes: the caller receives the reason, and the restarted process opens the file again.
    async fn execute<T: Send + 'static>(
        &self,
        cx: &mut Context<Self>,
        function: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let store = self.store.clone().expect("no message is handled before the file is open");
        cx.blocking(move || function(&store)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The log is acknowledged up to this position at least.
    async fn advance(&mut self, cx: &mut Context<Self>, committed: u64) {
        self.committed = self.committed.max(committed);
        self.publish(cx).await;
    }

    /// Sends the subscribers the acknowledged lines that they do not have. Usually they have the same ones, so that these
    /// are read once.
    async fn publish(&mut self, cx: &mut Context<Self>) {
        while let Some(after) = self.subscribers.values().map(|subscriber| subscriber.position).min()
            && after < self.committed
        {
            let mut span = self.execute(cx, move |store| store.read(after)).await;
            span.records.truncate((self.committed - after) as usize);
            if span.records.is_empty() {
                return;
            }
            let position = span.end().position;
            let entries: Arc<[Entry]> = span.records.into_iter().filter_map(|record| record.entry).collect();
            for subscriber in self.subscribers.values_mut().filter(|subscriber| subscriber.position == after) {
                subscriber.position = position;
                drop(subscriber.process.send(Published { position, entries: Arc::clone(&entries) }));
            }
        }
    }
}

/// Waits until all other databases have stated the terms that they have promised and their logs. Returns the greatest
/// ones.
async fn ask_others(nodes: Nodes) -> (Term, Mark) {
    let others: Vec<DatabaseRef> = nodes.others().map(|name| DatabaseRef::at("database", name)).collect();
    let states = join_all(others.iter().map(|other| call_until_answered(|| other.state()))).await;
    let term = states.iter().map(|state| state.term).max().unwrap_or_default();
    let target = states.iter().map(|state| state.end).max().unwrap_or_default();
    (term, target)
}
