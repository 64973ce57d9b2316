//! The history on disk: one redb file, written in batches.
//!
//! Two tables: the lines of each room by number, and the number of each line by its id. A line whose id is there
//! already is not written again, so that to say it twice is to say it once. A batch is one transaction: when
//! [`Store::write`] returns, all of it is on disk; when it fails, none.

use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::line::{Entry, Line, Room};
use crate::text::Text;

/// Room and number to id, time, nick and words.
const LINES: TableDefinition<'_, (&str, u64), (&str, u64, &str, &str)> = TableDefinition::new("lines");
/// Room and id to number.
const NUMBERS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("numbers");

/// A page of history holds at most so many lines, and not many more bytes of words than these.
const PAGE_LINES: usize = 200;
const PAGE_BYTES: usize = 64 * 1024;

/// The open file. Only one process of the operating system can have it open.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

/// The file cannot be used as a history, and why.
#[derive(Debug)]
pub(crate) struct StoreError(PathBuf, redb::Error);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) number: u64,
    /// Whether it is new. Otherwise it was written before, under this number.
    pub(crate) fresh: bool,
}

impl Store {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Store, StoreError> {
        let failed = |error| StoreError(path.to_owned(), error);
        let database = Database::create(path).map_err(|error| failed(error.into()))?;
        Store::over(path, database)
    }

    /// A history that is on no disk.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Store {
        let database = Database::builder().create_with_backend(redb::backends::InMemoryBackend::new());
        Store::over(Path::new("memory"), database.expect("memory is there")).expect("memory is written")
    }

    fn over(path: &Path, database: Database) -> Result<Store, StoreError> {
        let store = Store { path: path.to_owned(), database };
        // Both tables exist from the first day, so that nobody has to ask.
        store.write(&[], 0)?;
        Ok(store)
    }

    /// Writes a batch of lines; says for each, in order, what became of it.
    pub(crate) fn write(&self, lines: &[Line], at: u64) -> Result<Vec<Written>, StoreError> {
        self.try_write(lines, at).map_err(|error| self.failed(error))
    }

    fn try_write(&self, lines: &[Line], at: u64) -> Result<Vec<Written>, redb::Error> {
        let mut written = Vec::with_capacity(lines.len());
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(LINES)?;
            let mut numbers = transaction.open_table(NUMBERS)?;
            for Line { room, id, nick, words } in lines {
                let key = (room.as_str(), id.as_str());
                let known = numbers.get(key)?.map(|number| number.value());
                if let Some(number) = known {
                    written.push(Written { number, fresh: false });
                    continue;
                }
                let last = table.range((key.0, 0)..=(key.0, u64::MAX))?.next_back().transpose()?;
                let number = last.map_or(0, |(key, _)| key.value().1) + 1;
                table.insert((key.0, number), (key.1, at, nick.as_str(), words.as_str()))?;
                numbers.insert(key, number)?;
                written.push(Written { number, fresh: true });
            }
        }
        transaction.commit()?;
        Ok(written)
    }

    /// A page of a room's history in order: the first lines after `after`, or the last lines of all.
    pub(crate) fn page(&self, room: &Room, after: Option<u64>) -> Result<Vec<Entry>, StoreError> {
        self.try_page(room, after).map_err(|error| self.failed(error))
    }

    fn try_page(&self, room: &Room, after: Option<u64>) -> Result<Vec<Entry>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(LINES)?;
        let first = after.map_or(0, |after| after.saturating_add(1));
        let mut range = table.range((room.as_str(), first)..=(room.as_str(), u64::MAX))?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < PAGE_LINES && bytes < PAGE_BYTES {
            let row = if after.is_some() { range.next() } else { range.next_back() };
            let Some((key, value)) = row.transpose()? else { break };
            let (id, at, nick, words) = value.value();
            bytes += words.len();
            let line = Line { room: room.clone(), id: text(id)?, nick: text(nick)?, words: text(words)? };
            page.push(Entry { number: key.value().1, at, line });
        }
        if after.is_none() {
            page.reverse();
        }
        Ok(page)
    }

    fn failed(&self, error: redb::Error) -> StoreError {
        StoreError(self.path.clone(), error)
    }
}

/// Reads a text back; one that could not have been written means that the file is damaged.
fn text<const MAX: usize>(text: &str) -> Result<Text<MAX>, redb::Error> {
    Text::new(text).map_err(|unfit| redb::Error::Corrupted(format!("a text {unfit}")))
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the database {}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(room: &str, id: &str, words: &str) -> Line {
        let text = |text| Text::new(text).unwrap();
        Line { room: text_64(room), id: text_64(id), nick: text("ann"), words: Text::new(words).unwrap() }
    }

    fn text_64(text: &str) -> Text<64> {
        Text::new(text).unwrap()
    }

    /// A fresh file for each test, in memory where the system keeps its temporary files there.
    fn with_store(name: &str, test: impl FnOnce(&Path)) {
        let directory = std::env::temp_dir().join(format!("chat-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        test(&directory.join("chat.redb"));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_line_said_twice_is_written_once() {
        with_store("twice", |path| {
            let store = Store::open(path).unwrap();
            let (hello, bye) = (line("lobby", "1", "hello"), line("lobby", "2", "bye"));
            let fresh = |number| Written { number, fresh: true };
            let known = |number| Written { number, fresh: false };
            // Within a batch, and from one to the next.
            let batch = [hello.clone(), hello.clone(), bye.clone()];
            assert_eq!(store.write(&batch, 7).unwrap(), [fresh(1), known(1), fresh(2)]);
            assert_eq!(store.write(&[bye.clone(), hello.clone()], 8).unwrap(), [known(2), known(1)]);
            // Each room has its own ids and numbers.
            assert_eq!(store.write(&[line("attic", "1", "who?")], 9).unwrap(), [fresh(1)]);
            drop(store);
            // On disk, too.
            let store = Store::open(path).unwrap();
            assert_eq!(store.write(std::slice::from_ref(&hello), 9).unwrap(), [known(1)]);
            let entries = [Entry { number: 1, at: 7, line: hello }, Entry { number: 2, at: 7, line: bye }];
            assert_eq!(store.page(&text_64("lobby"), Some(0)).unwrap(), entries);
        });
    }

    #[test]
    fn history_comes_in_pages() {
        with_store("pages", |path| {
            let store = Store::open(path).unwrap();
            let lines: Vec<Line> = (1..=450).map(|n| line("lobby", &n.to_string(), "hm")).collect();
            store.write(&lines, 0).unwrap();
            let lobby = text_64("lobby");
            let page = |after| {
                let numbers: Vec<u64> = store.page(&lobby, after).unwrap().iter().map(|e| e.number).collect();
                numbers.first().copied().zip(numbers.last().copied())
            };
            assert_eq!(page(None), Some((251, 450)));
            assert_eq!(page(Some(0)), Some((1, 200)));
            assert_eq!(page(Some(200)), Some((201, 400)));
            assert_eq!(page(Some(400)), Some((401, 450)));
            assert_eq!(page(Some(450)), None);
            assert_eq!(page(Some(u64::MAX)), None);
            assert_eq!(store.page(&text_64("attic"), None).unwrap(), []);
        });
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error() {
        with_store("garbage", |path| {
            std::fs::write(path, "no database\n".repeat(1000)).unwrap();
            let error = Store::open(path).err().unwrap().to_string();
            assert!(error.starts_with(&format!("cannot use the database {}: ", path.display())), "{error}");
            assert!(!error.contains('\n'), "{error}");
        });
    }
}
