//! The history's storage: one redb file, written in batches.
//!
//! There are two tables: the lines of each room by number, and the number of each line by its id. A line whose id is
//! stored already is not written again, so a client may send a line twice. A batch is one transaction:
//! [`Store::write`] writes all lines or none.

use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::line::{Entry, Line, Room};
use crate::text::Text;

/// Maps room and number to id, time, nick and words.
const LINES: TableDefinition<'_, (&str, u64), (&str, u64, &str, &str)> = TableDefinition::new("lines");
/// Maps room and id to number.
const NUMBERS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("numbers");

/// The limits of a page: the number of lines, and roughly the bytes of their words.
const PAGE_LINES: usize = 200;
const PAGE_BYTES: usize = 64 * 1024;

/// The open file. Only one operating system process can have it open.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

/// The error of a file that cannot be used as a history.
#[derive(Debug)]
pub(crate) struct StoreError(PathBuf, redb::Error);

/// The result of writing a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteResult {
    pub(crate) number: u64,
    /// False if the line had been written before, under this number.
    pub(crate) is_new: bool,
}

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
        // Creates both tables, so that a read finds them.
        store.write(&[], 0)?;
        Ok(store)
    }

    /// Writes a batch of lines and returns the result for each, in order.
    pub(crate) fn write(&self, lines: &[Line], at: u64) -> Result<Vec<WriteResult>, StoreError> {
        self.try_write(lines, at).map_err(|error| self.failed(error))
    }

    fn try_write(&self, lines: &[Line], at: u64) -> Result<Vec<WriteResult>, redb::Error> {
        let mut written = Vec::with_capacity(lines.len());
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(LINES)?;
            let mut numbers = transaction.open_table(NUMBERS)?;
            for Line { room, id, nick, words } in lines {
                let key = (room.as_str(), id.as_str());
                let existing = numbers.get(key)?.map(|number| number.value());
                if let Some(number) = existing {
                    written.push(WriteResult { number, is_new: false });
                    continue;
                }
                let last = table.range((key.0, 0)..=(key.0, u64::MAX))?.next_back().transpose()?;
                let number = last.map_or(0, |(key, _)| key.value().1) + 1;
                table.insert((key.0, number), (key.1, at, nick.as_str(), words.as_str()))?;
                numbers.insert(key, number)?;
                written.push(WriteResult { number, is_new: true });
            }
        }
        transaction.commit()?;
        Ok(written)
    }

    /// Returns a page of a room's history in order: the first lines after `after`, or the last lines of the room.
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

/// Converts a stored text. An invalid one means that the file is damaged.
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
mod tests {
    use super::*;

    fn line(room: &str, id: &str, words: &str) -> Line {
        let text = |text| Text::new(text).unwrap();
        Line { room: text_64(room), id: text_64(id), nick: text("ann"), words: Text::new(words).unwrap() }
    }

    fn text_64(text: &str) -> Text<64> {
        Text::new(text).unwrap()
    }

    /// Runs a test on a new file, in memory where the system's temporary directory is.
    fn with_store(name: &str, test: impl FnOnce(&Path)) {
        let directory = std::env::temp_dir().join(format!("chat-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        test(&directory.join("chat.redb"));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_line_sent_twice_is_written_once() {
        with_store("twice", |path| {
            let store = Store::open(path).unwrap();
            let (hello, bye) = (line("lobby", "1", "hello"), line("lobby", "2", "bye"));
            let is_new = |number| WriteResult { number, is_new: true };
            let duplicate = |number| WriteResult { number, is_new: false };
            // Duplicates within a batch and in a later batch.
            let batch = [hello.clone(), hello.clone(), bye.clone()];
            assert_eq!(store.write(&batch, 7).unwrap(), [is_new(1), duplicate(1), is_new(2)]);
            assert_eq!(store.write(&[bye.clone(), hello.clone()], 8).unwrap(), [duplicate(2), duplicate(1)]);
            // Each room has its own ids and numbers.
            assert_eq!(store.write(&[line("garden", "1", "who?")], 9).unwrap(), [is_new(1)]);
            drop(store);
            // The file has the ids too.
            let store = Store::open(path).unwrap();
            assert_eq!(store.write(std::slice::from_ref(&hello), 9).unwrap(), [duplicate(1)]);
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
            assert_eq!(store.page(&text_64("garden"), None).unwrap(), []);
        });
    }

    #[test]
    fn a_file_in_another_format_is_an_error() {
        with_store("garbage", |path| {
            std::fs::write(path, "other format\n".repeat(1000)).unwrap();
            let error = Store::open(path).err().unwrap().to_string();
            assert!(error.starts_with(&format!("cannot use the database {}: ", path.display())), "{error}");
            assert!(!error.contains('\n'), "{error}");
        });
    }
}
