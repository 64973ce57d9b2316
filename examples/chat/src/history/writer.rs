//! The writer process: puts the lines of the whole cluster in order, on one node at a time.
//!
//! Each node has one. It is a candidate until it gets the global name `writer`; then it takes over the log, and writes
//! until it is refused or its node is lost. Every step is safe with two writers at a time: see the
//! [history](super).
//!
//! It writes all waiting lines at once, first to the database of its node. A [`Feeder`] for each other database sends
//! them on. When a majority has a line, the writer answers its sender.

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt};
use greenroom::prelude::*;
use greenroom::registry::global;
use tokio::time::sleep;

use super::database::DatabaseRef;
use super::feeder::{FeedRef, Feeder};
use super::{Batch, Mark, Placed, Refusal, Stored, Term, WRITES};
use crate::line::Line;
use crate::nodes::Nodes;
use crate::services::Services;

/// The global name of the writer.
pub(crate) const NAME: &str = "writer";
/// The limits of a batch: the number of lines, and the bytes of their words.
const BATCH_LINES: usize = 512;
const BATCH_BYTES: usize = 64 * 1024;
/// The maximum number of lines that wait for a majority. Further ones are refused, and their senders repeat them.
const MAX_WAITING: usize = 8192;
/// The delay before another attempt to become the writer.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// The messages to a writer.
#[protocol]
pub(crate) enum Writer {
    /// Writes a line, and answers with its number when a majority has it.
    Say { line: Line, reply: Reply<u64> },
    /// A feeder's report: the database of this node has the log.
    #[private]
    Stored { node: usize, stored: Stored },
    /// The former writer or the database of this node has ended.
    #[from]
    Down(Down),
}

/// The process that is the writer, or waits to become it.
#[actor(protocol = Writer)]
pub(crate) struct Candidate {
    services: Services,
    nodes: Nodes,
    databases: Vec<DatabaseRef>,
}

impl Candidate {
    pub(crate) fn new(services: Services) -> Candidate {
        let nodes = services.databases();
        let databases = nodes.names().iter().map(|name| DatabaseRef::at("database", name)).collect();
        Candidate { services, nodes, databases }
    }

    fn database(&self) -> &DatabaseRef {
        &self.databases[self.nodes.own()]
    }
}

impl Process for Candidate {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.wait_for_name(cx).await;
        let term = self.take_over().await?;
        self.services.note(&format!("writer: this node {WRITES}"));
        let first = self.database().begin(term).await??;
        Tenure::new(self, cx, term, first).write(cx).await
    }
}

impl Candidate {
    /// Waits until this process has the global name. A node without a vote could not take over the log.
    async fn wait_for_name(&self, cx: &mut Context<Self>) {
        loop {
            // Alone it would get the name from its own view of the cluster, and lose it again when it is connected.
            let peers = cx.node().peers();
            let reached = 1 + self.nodes.others().filter(|other| peers.contains(other)).count();
            let may_vote = self.database().state().await.is_ok_and(|state| state.may_vote);
            if reached < self.nodes.majority() || !may_vote {
                sleep(RETRY_DELAY).await;
            } else if global::register(NAME, &cx.me()).await.is_ok() {
                return;
            } else {
                let owner = cx.monitor(&WriterRef::global(NAME));
                receive!(match cx {
                    Writer::Down(down) if down.monitor == owner => {}
                });
                // A name without an owner gives a `Down` at once, also while another node is about to have it.
                sleep(RETRY_DELAY / 10).await;
            }
        }
    }

    /// Obtains the promises of a majority, and the best log among theirs.
    async fn take_over(&self) -> Result<Term, Exit> {
        let mut latest = self.database().state().await?.term;
        loop {
            let term = latest.next(self.nodes.own() as u8);
            let mut promises: FuturesUnordered<_> =
                self.databases.iter().map(|database| async move { (database, database.promise(term).await) }).collect();
            let mut granted: Vec<(&DatabaseRef, Mark)> = Vec::new();
            while granted.len() < self.nodes.majority()
                && let Some((database, promise)) = promises.next().await
            {
                match promise {
                    Ok(Ok(end)) => granted.push((database, end)),
                    Ok(Err(Refusal::Promised(later))) => latest = latest.max(later),
                    // Without a vote, or lost.
                    Ok(Err(_)) | Err(_) => {}
                }
            }
            match granted.iter().max_by_key(|(_, end)| *end) {
                Some((best, end)) if granted.len() >= self.nodes.majority() => {
                    self.adopt(term, best, *end).await?;
                    return Ok(term);
                }
                _ => sleep(RETRY_DELAY).await,
            }
            latest = latest.max(term);
        }
    }

    /// Makes the log of this node the same as that of the database that has the best one.
    async fn adopt(&self, term: Term, best: &DatabaseRef, end: Mark) -> Result<(), Exit> {
        let own = self.database();
        let mut state = own.state().await?;
        // Up to `committed` all logs are equal.
        let mut position = state.committed;
        while state.end < end {
            let span = best.read(position).await?;
            if span.records.is_empty() || span.end() > end {
                return Err(Refusal::Promised(term).into());
            }
            position = span.end().position;
            own.append(Batch { term, span, committed: 0 }).await??;
            state = own.state().await?;
        }
        Ok(())
    }
}

/// The state of a process while it is the writer.
struct Tenure {
    term: Term,
    nodes: Nodes,
    database: DatabaseRef,
    feeders: Vec<FeedRef>,
    /// The place of the first record of this term.
    first: Mark,
    /// For each node the position up to which its database has the log, with a vote.
    stored: Vec<u64>,
    committed: u64,
    /// The end of the log and `committed`, as the feeders have them.
    fed: (u64, u64),
    /// The lines that no majority has yet, by position: their numbers and senders.
    waiting: BTreeMap<u64, (u64, Reply<u64>)>,
}

impl Tenure {
    fn new(candidate: &Candidate, cx: &mut Context<Candidate>, term: Term, first: Mark) -> Tenure {
        let mut stored = vec![0; candidate.databases.len()];
        let own = candidate.nodes.own();
        stored[own] = first.position;
        let nodes = candidate.nodes.names().iter().zip(&candidate.databases).enumerate();
        let feeder = |(node, (name, follower)): (usize, (&NodeName, &DatabaseRef))| Feeder {
            node,
            name: name.clone(),
            follower: follower.clone(),
            database: candidate.database().clone(),
            writer: cx.me(),
            term,
        };
        let feeders: Vec<Feeder> = nodes.filter(|(node, _)| *node != own).map(feeder).collect();
        let feeders = feeders.into_iter().map(|feeder| feeder.spawn_link(cx)).collect();
        Tenure {
            term,
            nodes: candidate.nodes.clone(),
            database: candidate.database().clone(),
            feeders,
            first,
            stored,
            committed: 0,
            fed: (0, 0),
            waiting: BTreeMap::new(),
        }
    }

    async fn write(mut self, cx: &mut Context<Candidate>) -> Result<(), Exit> {
        // A restarted database has forgotten what is acknowledged, and the next term states it again.
        let database = cx.monitor(&self.database);
        self.commit();
        loop {
            match cx.receive().await {
                Writer::Down(down) if down.monitor == database => return Err(down.reason),
                Writer::Say { line, reply } => self.say(cx, line, reply).await?,
                Writer::Stored { node, stored } if stored.may_vote => {
                    self.stored[node] = self.stored[node].max(stored.position);
                    self.commit();
                }
                Writer::Stored { .. } | Writer::Down(_) => {}
            }
        }
    }

    /// Writes this line and all other waiting ones.
    async fn say(&mut self, cx: &mut Context<Candidate>, line: Line, reply: Reply<u64>) -> Result<(), Exit> {
        let mut bytes = line.words.as_str().len();
        let (mut lines, mut replies) = (vec![line], vec![reply]);
        while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
            receive!(match cx {
                Writer::Say { line, reply } => {
                    bytes += line.words.as_str().len();
                    lines.push(line);
                    replies.push(reply);
                }
                after!(Duration::ZERO) => break,
            });
        }
        // A dropped reply fails the call, and the session repeats it.
        if self.waiting.len() >= MAX_WAITING {
            return Ok(());
        }
        let placed = self.database.propose(self.term, lines).await??;
        for (Placed { position, number }, reply) in placed.into_iter().zip(replies) {
            if position <= self.committed {
                reply.send(number);
            } else {
                // Replaces the reply of an earlier attempt, whose sender has given up.
                self.waiting.insert(position, (number, reply));
                self.stored[self.nodes.own()] = self.stored[self.nodes.own()].max(position);
            }
        }
        self.commit();
        Ok(())
    }

    /// Acknowledges what a majority has, and informs the databases.
    fn commit(&mut self) {
        let acknowledged = acknowledged(&self.stored, self.nodes.majority(), self.first.position);
        if let Some(position) = acknowledged.filter(|position| *position > self.committed) {
            self.committed = position;
            self.database.commit(position);
            let waiting = self.waiting.split_off(&(position + 1));
            for (number, reply) in std::mem::replace(&mut self.waiting, waiting).into_values() {
                reply.send(number);
            }
        }
        let fed = (self.stored[self.nodes.own()], self.committed);
        if self.fed != fed {
            self.fed = fed;
            self.feeders.iter().for_each(|feeder| drop(feeder.feed(fed.0, fed.1)));
        }
    }
}

/// Returns the position up to which a majority of the databases has the log. Records of earlier terms count only together
/// with the first one of this term: until then another writer, whose log is the better one, could replace them.
fn acknowledged(stored: &[u64], majority: usize, first: u64) -> Option<u64> {
    let mut stored = stored.to_vec();
    stored.sort_unstable_by(|a, b| b.cmp(a));
    Some(stored[majority - 1]).filter(|position| *position >= first)
}

#[cfg(test)]
mod tests {
    use super::acknowledged;

    #[test]
    fn a_majority_acknowledges_the_log_with_the_first_record_of_the_term() {
        for (stored, expected) in [
            (&[7][..], Some(7)),
            (&[7, 5], Some(5)),
            (&[7, 5, 3], Some(5)),
            (&[7, 0, 3], None),
            (&[7, 4, 4], None),
            (&[5, 5, 0], Some(5)),
            (&[9, 9, 1, 2, 8], Some(8)),
        ] {
            assert_eq!(acknowledged(stored, stored.len() / 2 + 1, 5), expected, "{stored:?}");
        }
    }
}
