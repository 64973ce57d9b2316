//! The history's storage: the log of one node, in one redb file.
//!
//! The log has a table of records by position. Two more tables lead to the position: of a line by its room and
//! number, and of a line by its room and id. A line whose id is in the log is not written again, so a client may send
//! a line twice. Each function is one transaction, which is on disk when it returns.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Batch, Mark, Placed, Record, Refusal, Span, State, Stored, Term};
use crate::line::{Entry, Line, Room};
use crate::text::Text;

/// Maps a position to term, number, time, room, id, nick and words. The number of a record without a line is 0.
const LOG: TableDefinition<'_, u64, Row<'_>> = TableDefinition::new("log");
type Row<'a> = (u64, u64, u64, &'a str, &'a str, &'a str, &'a str);
/// Maps room and number to position.
const LINES: TableDefinition<'_, (&str, u64), u64> = TableDefinition::new("positions_by_number");
/// Maps room and id to position.
const IDS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("positions_by_id");
/// The fields of a [`State`] that the log does not have.
const STATE: TableDefinition<'_, &str, u64> = TableDefinition::new("state");
const TERM: &str = "term";
const COMMITTED: &str = "committed";
const MAY_VOTE: &str = "may_vote";

/// The limits of a page and of a span: the number of lines, and roughly the bytes of their words.
const PAGE_LINES: usize = 200;
const SPAN_RECORDS: usize = 512;
const MAX_BYTES: usize = 64 * 1024;
/// The number of rooms that a client is offered.
const OTHER_ROOMS: usize = 100;

/// The open file. Only one operating system process can have it open.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

/// The error of a file that cannot be used as a history.
#[derive(Debug)]
pub(crate) struct StoreError(PathBuf, redb::Error);

impl StoreError {
    /// Returns whether another process of the operating system has the file open.
    pub(crate) fn is_open_elsewhere(&self) -> bool {
        matches!(self.1, redb::Error::DatabaseAlreadyOpen)
    }
}

/// A room, and the number of its last line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Head {
    pub(crate) room: Room,
    pub(crate) last: u64,
}

/// The lines of a room that a page begins or ends at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Page {
    /// The last lines.
    Last,
    /// The first lines after this number.
    After(u64),
    /// The last lines before this number.
    Before(u64),
}

type Outcome<T> = Result<Result<T, Refusal>, StoreError>;

impl Store {
    /// Opens the file, and creates it if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Store, StoreError> {
        let failed = |error| StoreError(path.to_owned(), error);
        let database = Database::create(path).map_err(|error| failed(error.into()))?;
        Store::with_database(path, database)
    }

    /// Creates a history in memory.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Store {
        let database = Database::builder().create_with_backend(redb::backends::InMemoryBackend::new());
        Store::with_database(Path::new("memory"), database.expect("a database in memory opens"))
            .expect("a database in memory is writable")
    }

    fn with_database(path: &Path, database: Database) -> Result<Store, StoreError> {
        let store = Store { path: path.to_owned(), database };
        // Creates the tables, so that a read finds them.
        store.write(|_| Ok(()))?;
        Ok(store)
    }

    /// Returns the state of the log.
    pub(crate) fn state(&self) -> Result<State, StoreError> {
        let read = || {
            let transaction = self.database.begin_read()?;
            let (log, state) = (transaction.open_table(LOG)?, transaction.open_table(STATE)?);
            read_state(&log, &state)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Promises to refuse earlier terms than this one. Returns the place of the last record.
    pub(crate) fn promise(&self, term: Term) -> Outcome<Mark> {
        self.write(|tables| {
            let state = tables.state()?;
            match tables.refusal(term)? {
                Some(refusal) => Ok(Err(refusal)),
                None if !state.may_vote => Ok(Err(Refusal::Recovering)),
                None => {
                    tables.state.insert(TERM, term.0)?;
                    Ok(Ok(state.end))
                }
            }
        })
    }

    /// Writes the first record of a term. Returns its place.
    pub(crate) fn begin(&self, term: Term) -> Outcome<Mark> {
        self.write(|tables| {
            if let Some(refusal) = tables.refusal(term)? {
                return Ok(Err(refusal));
            }
            let end = Mark { term, position: tables.state()?.end.position + 1 };
            tables.state.insert(TERM, term.0)?;
            tables.insert(end.position, &Record { term, entry: None })?;
            Ok(Ok(end))
        })
    }

    /// Writes the new ones of these lines behind the log, in order. Returns the place of each. Stores with them the
    /// position up to which the log is acknowledged, which costs no transaction of its own.
    pub(crate) fn propose(&self, term: Term, lines: &[Line], at: u64, committed: u64) -> Outcome<Vec<Placed>> {
        self.write(|tables| {
            if let Some(refusal) = tables.refusal(term)? {
                return Ok(Err(refusal));
            }
            tables.state.insert(COMMITTED, committed)?;
            let mut end = tables.state()?.end.position;
            let mut placed = Vec::with_capacity(lines.len());
            for line in lines {
                let existing = tables.ids.get((line.room.as_str(), line.id.as_str()))?.map(|position| position.value());
                if let Some(position) = existing {
                    let number = tables.log.get(position)?.map_or(0, |row| row.value().1);
                    placed.push(Placed { position, number });
                    continue;
                }
                end += 1;
                let room = line.room.as_str();
                let last = tables.lines.range((room, 0)..=(room, u64::MAX))?.next_back().transpose()?;
                let number = last.map_or(0, |(key, _)| key.value().1) + 1;
                let entry = Some(Entry { number, at, line: line.clone() });
                tables.insert(end, &Record { term, entry })?;
                placed.push(Placed { position: end, number });
            }
            Ok(Ok(placed))
        })
    }

    /// Writes the records of a batch where they are missing, and removes those that contradict them. The vote is
    /// granted once the log has reached `target`.
    pub(crate) fn append(&self, batch: &Batch, target: Option<Mark>) -> Outcome<Stored> {
        let Batch { term, span, committed } = batch;
        // A batch without records informs of acknowledgements, which the next records state again. So it need not wait for
        // the disk.
        let state = self.state()?;
        if span.records.is_empty() && state.may_vote && state.term == *term && state.end == span.previous {
            return Ok(Ok(Stored { position: state.end.position, may_vote: true }));
        }
        self.write(|tables| {
            if let Some(refusal) = tables.refusal(*term)? {
                return Ok(Err(refusal));
            }
            let state = tables.state()?;
            let previous = tables.term_at(span.previous.position)?;
            if previous != Some(span.previous.term) {
                return Ok(Err(Refusal::Behind(state.committed)));
            }
            tables.state.insert(TERM, term.0)?;
            for (position, record) in (span.previous.position + 1..).zip(&span.records) {
                match tables.term_at(position)? {
                    Some(term) if term == record.term => continue,
                    Some(_) => tables.truncate(position)?,
                    None => {}
                }
                tables.insert(position, record)?;
            }
            let position = span.end().position;
            tables.state.insert(COMMITTED, state.committed.max(position.min(*committed)))?;
            let may_vote = state.may_vote || target.is_some_and(|target| tables.end().is_ok_and(|end| end >= target));
            tables.state.insert(MAY_VOTE, u64::from(may_vote))?;
            Ok(Ok(Stored { position, may_vote }))
        })
    }

    /// Takes over the promises of the other databases. Returns whether the log has reached `target` already: then the
    /// vote is granted.
    pub(crate) fn recover(&self, term: Term, target: Mark) -> Result<bool, StoreError> {
        self.write(|tables| {
            let state = tables.state()?;
            let may_vote = state.may_vote || state.end >= target;
            tables.state.insert(TERM, state.term.max(term).0)?;
            tables.state.insert(MAY_VOTE, u64::from(may_vote))?;
            Ok(may_vote)
        })
    }

    /// Returns the first records after this position.
    pub(crate) fn read(&self, after: u64) -> Result<Span, StoreError> {
        let read = || {
            let transaction = self.database.begin_read()?;
            let log = transaction.open_table(LOG)?;
            let term = log.get(after)?.map_or(0, |row| row.value().0);
            let (mut records, mut bytes) = (Vec::new(), 0);
            for row in log.range(after + 1..)?.take(SPAN_RECORDS) {
                let row = row?.1;
                bytes += row.value().6.len();
                records.push(record(row.value())?);
                if bytes >= MAX_BYTES {
                    break;
                }
            }
            Ok(Span { previous: Mark { term: Term(term), position: after }, records })
        };
        read().map_err(|error| self.failed(error))
    }

    /// Returns a page of a room's lines in order, of those that are acknowledged.
    pub(crate) fn page(&self, room: &Room, page: Page, committed: u64) -> Result<Vec<Entry>, StoreError> {
        let read = || {
            let transaction = self.database.begin_read()?;
            let (log, lines) = (transaction.open_table(LOG)?, transaction.open_table(LINES)?);
            let (first, last) = match page {
                Page::Last => (0, u64::MAX),
                Page::After(number) => (number.saturating_add(1), u64::MAX),
                Page::Before(number) => (0, number.saturating_sub(1)),
            };
            let forwards = matches!(page, Page::After(_));
            let mut range = lines.range((room.as_str(), first)..=(room.as_str(), last))?;
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while entries.len() < PAGE_LINES && bytes < MAX_BYTES {
                let row = if forwards { range.next() } else { range.next_back() };
                let Some((_, position)) = row.transpose()? else { break };
                match log.get(position.value())? {
                    Some(row) if position.value() <= committed => {
                        bytes += row.value().6.len();
                        entries.extend(record(row.value())?.entry);
                    }
                    _ if forwards => break,
                    _ => {}
                }
            }
            if !forwards {
                entries.reverse();
            }
            Ok(entries)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Returns the last acknowledged numbers of these rooms, and of the first other ones by name.
    pub(crate) fn heads(&self, rooms: &[Room], committed: u64) -> Result<Vec<Head>, StoreError> {
        let read = || {
            let lines = self.database.begin_read()?.open_table(LINES)?;
            let mut names: BTreeSet<Room> = rooms.iter().cloned().collect();
            let mut other = String::new();
            while names.len() < rooms.len() + OTHER_ROOMS {
                // The first line of the next room.
                let next = lines.range((other.as_str(), u64::MAX)..)?.next().transpose()?;
                let Some((key, _)) = next else { break };
                other = key.value().0.to_owned();
                names.insert(text(&other)?);
            }
            let mut heads = Vec::new();
            for room in names {
                let all = lines.range((room.as_str(), 0)..=(room.as_str(), u64::MAX))?.rev();
                let last = all.filter_map(Result::ok).find(|(_, position)| position.value() <= committed);
                heads.extend(last.map(|(key, _)| Head { last: key.value().1, room }));
            }
            Ok(heads)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Executes a transaction.
    fn write<T>(&self, execute: impl FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let write = || {
            let transaction = self.database.begin_write()?;
            let result = execute(&mut Tables::open(&transaction)?)?;
            transaction.commit()?;
            Ok(result)
        };
        write().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: redb::Error) -> StoreError {
        StoreError(self.path.clone(), error)
    }
}

/// The tables of a transaction that writes.
struct Tables<'t> {
    log: Table<'t, u64, Row<'static>>,
    lines: Table<'t, (&'static str, u64), u64>,
    ids: Table<'t, (&'static str, &'static str), u64>,
    state: Table<'t, &'static str, u64>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Tables<'t>, redb::Error> {
        Ok(Tables {
            log: transaction.open_table(LOG)?,
            lines: transaction.open_table(LINES)?,
            ids: transaction.open_table(IDS)?,
            state: transaction.open_table(STATE)?,
        })
    }

    fn state(&self) -> Result<State, redb::Error> {
        read_state(&self.log, &self.state)
    }

    fn end(&self) -> Result<Mark, redb::Error> {
        read_end(&self.log)
    }

    /// Returns the refusal of a term that is earlier than the promised one.
    fn refusal(&self, term: Term) -> Result<Option<Refusal>, redb::Error> {
        let promised = self.state()?.term;
        Ok((term < promised).then_some(Refusal::Promised(promised)))
    }

    fn term_at(&self, position: u64) -> Result<Option<Term>, redb::Error> {
        let term = self.log.get(position)?.map(|row| Term(row.value().0));
        Ok(if position == 0 { Some(Term::default()) } else { term })
    }

    fn insert(&mut self, position: u64, Record { term, entry }: &Record) -> Result<(), redb::Error> {
        let Some(Entry { number, at, line: Line { room, id, nick, words } }) = entry else {
            self.log.insert(position, (term.0, 0, 0, "", "", "", ""))?;
            return Ok(());
        };
        let (room, id) = (room.as_str(), id.as_str());
        self.log.insert(position, (term.0, *number, *at, room, id, nick.as_str(), words.as_str()))?;
        self.lines.insert((room, *number), position)?;
        self.ids.insert((room, id), position)?;
        Ok(())
    }

    /// Removes the records from this position on.
    fn truncate(&mut self, position: u64) -> Result<(), redb::Error> {
        while self.end()?.position >= position {
            let Some((_, row)) = self.log.pop_last()? else { break };
            let (_, number, _, room, id, ..) = row.value();
            self.lines.remove((room, number))?;
            self.ids.remove((room, id))?;
        }
        Ok(())
    }
}

fn read_end(log: &impl ReadableTable<u64, Row<'static>>) -> Result<Mark, redb::Error> {
    let last = log.last()?;
    Ok(last.map_or(Mark::default(), |(position, row)| Mark { term: Term(row.value().0), position: position.value() }))
}

fn read_state(
    log: &impl ReadableTable<u64, Row<'static>>,
    state: &impl ReadableTable<&'static str, u64>,
) -> Result<State, redb::Error> {
    let field = |name| Ok::<_, redb::Error>(state.get(name)?.map_or(0, |value| value.value()));
    Ok(State {
        term: Term(field(TERM)?),
        end: read_end(log)?,
        committed: field(COMMITTED)?,
        may_vote: field(MAY_VOTE)? != 0,
    })
}

/// Converts a row. An invalid text means that the file is damaged.
fn record((term, number, at, room, id, nick, words): Row<'_>) -> Result<Record, redb::Error> {
    let line =
        || Ok::<_, redb::Error>(Line { room: text(room)?, id: text(id)?, nick: text(nick)?, words: text(words)? });
    let entry = if number == 0 { None } else { Some(Entry { number, at, line: line()? }) };
    Ok(Record { term: Term(term), entry })
}

fn text<const MAX: usize>(text: &str) -> Result<Text<MAX>, redb::Error> {
    Text::new(text).map_err(|invalid| redb::Error::Corrupted(format!("a text {invalid}")))
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the database {}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests;
