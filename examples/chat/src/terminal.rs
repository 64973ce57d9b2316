//! The terminal: prints notes on standard output, and the runtime's reports of crashes and lost nodes on standard
//! error.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use tracing_subscriber::filter::LevelFilter;

/// A handle to the terminal, shared by all writers.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// The text in front of each note: the node's name, if it is one of several.
    label: String,
    /// While an application starts: the notes to print after a successful start.
    held: Arc<Mutex<Option<Vec<String>>>>,
}

impl Terminal {
    /// Installs the log subscriber for reports of this level and above.
    pub(crate) fn open(label: Option<&str>, level: LevelFilter) -> Terminal {
        let label = label.map(|label| format!("{label}: ")).unwrap_or_default();
        let terminal = Terminal { label, held: Arc::default() };
        let reports = terminal.clone();
        let writer = move || -> Box<dyn Write> {
            if reports.held_notes().is_some() { Box::new(io::sink()) } else { Box::new(io::stderr()) }
        };
        tracing_subscriber::fmt().with_max_level(level).without_time().with_writer(writer).init();
        terminal
    }

    /// Prints a note, or keeps it while an application starts.
    pub(crate) fn note(&self, text: &str) {
        let note = format!("{}{text}", self.label);
        match &mut *self.held_notes() {
            Some(notes) => notes.push(note),
            None => print(&note),
        }
    }

    /// Runs a start without output, and then prints its notes. After a failed start the terminal stays quiet: the
    /// caller prints the reason, and reports of the same failure may still follow.
    pub(crate) async fn start_quietly<T, E, F>(&self, start: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        *self.held_notes() = Some(Vec::new());
        let started = start().await?;
        let notes = self.held_notes().take().unwrap_or_default();
        notes.iter().for_each(|note| print(note));
        Ok(started)
    }

    fn held_notes(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn print(note: &str) {
    // A closed terminal is not an error.
    let _ = writeln!(io::stdout(), "{note}");
}
