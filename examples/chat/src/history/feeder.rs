//! The feeder process: brings the database of another node up to date, and keeps it so.
//!
//! It reads from the database of its own node, so a database that is behind, or empty, costs no memory here.

use greenroom::prelude::*;
use tokio::time::sleep;

use super::database::DatabaseRef;
use super::writer::WriterRef;
use super::{Batch, Refusal, Term};

/// The delay before another attempt to reach a lost database.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// The period of batches without a record. They are for a database that gets its vote back, or whose node was lost.
const IDLE_PERIOD: Duration = Duration::from_secs(1);

/// The messages to a feeder.
#[protocol(local)]
pub(crate) enum Feed {
    /// The log ends at `last`, and is acknowledged up to `committed`.
    Feed { last: u64, committed: u64 },
}

/// Sends the log to one database.
#[actor(protocol = Feed)]
pub(crate) struct Feeder {
    /// The node of the database, by its index and name.
    pub(super) node: usize,
    pub(super) name: NodeName,
    pub(super) follower: DatabaseRef,
    /// The database of this node.
    pub(super) database: DatabaseRef,
    pub(super) writer: WriterRef,
    pub(super) term: Term,
}

impl Process for Feeder {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let Feed::Feed { mut last, mut committed } = cx.receive().await;
        let mut position = last;
        loop {
            // Only the latest message counts.
            let mut wait = if position < last { Duration::ZERO } else { IDLE_PERIOD };
            loop {
                receive!(match cx {
                    Feed::Feed { last: new_last, committed: new_committed } => {
                        (last, committed, wait) = (new_last, new_committed, Duration::ZERO);
                    }
                    after!(wait) => break,
                });
            }
            // No attempts to reach a node that is down: it is dialled already.
            if !cx.node().peers().contains(&self.name) {
                sleep(RETRY_DELAY).await;
                continue;
            }
            let start = position;
            let span = self.database.read(start).await?;
            position = span.end().position;
            match self.follower.append(Batch { term: self.term, span, committed }).await {
                Ok(Ok(stored)) => drop(self.writer.stored(self.node, stored)),
                Ok(Err(Refusal::Behind(known))) => position = known,
                // Ends the writer as well, which is linked.
                Ok(Err(refusal)) => return Err(refusal.into()),
                Err(_) => {
                    // The batch may be lost. Sending it again has no effect otherwise.
                    position = start;
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }
}
