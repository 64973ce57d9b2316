//! The parts of the log, as the databases exchange them.

use std::fmt;

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::line::Entry;

/// The period of one writer. Its low byte is the index of the writer's node, so two writers never have the same term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Term(pub(crate) u64);

impl Term {
    /// Returns the next term of the node with this index.
    pub(crate) fn next(self, node: u8) -> Term {
        Term((((self.0 >> 8) + 1) << 8) | u64::from(node))
    }
}

/// A record's place in the log. The greater one of two logs, by their last records, has every acknowledged line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) term: Term,
    /// 1, 2, 3 and so on without a gap. 0 is the place before the first record.
    pub(crate) position: u64,
}

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) term: Term,
    /// The line. The first record of a term has none.
    pub(crate) entry: Option<Entry>,
}

/// Consecutive records, and the place of the record before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) previous: Mark,
    pub(crate) records: Vec<Record>,
}

impl Span {
    /// Returns the place of the last record.
    pub(crate) fn end(&self) -> Mark {
        let term = self.records.last().map_or(self.previous.term, |record| record.term);
        Mark { term, position: self.previous.position + self.records.len() as u64 }
    }
}

/// Records that a writer sends to a database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) term: Term,
    pub(crate) span: Span,
    /// The position up to which the writer has acknowledged the log.
    pub(crate) committed: u64,
}

/// The state of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The greatest term that the database has promised.
    pub(crate) term: Term,
    /// The place of its last record.
    pub(crate) end: Mark,
    /// A position up to which the log is acknowledged.
    pub(crate) committed: u64,
    /// False if the database has lost its directory, and has not caught up since.
    pub(crate) may_vote: bool,
}

/// The answer to a [`Batch`]: the database has the log up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) position: u64,
    pub(crate) may_vote: bool,
}

/// A written line that is not acknowledged yet, or that had been written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) position: u64,
    pub(crate) number: u64,
}

/// The reason for which a database refuses a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The database has promised this later term.
    Promised(Term),
    /// The database does not have the record before the sent ones. It has the writer's log up to this position.
    Behind(u64),
    /// The database has not caught up since it lost its directory.
    Recovering,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Promised(_) => f.write_str("another writer has taken over"),
            Refusal::Behind(position) => write!(f, "the database has the log up to {position} only"),
            Refusal::Recovering => f.write_str("the database has not caught up yet"),
        }
    }
}

/// A writer that is refused ends in order, and its supervisor starts it again as a candidate.
impl From<Refusal> for Exit {
    fn from(refusal: Refusal) -> Exit {
        Exit::Shutdown(Some(refusal.to_string().into()))
    }
}
