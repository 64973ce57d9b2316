//! The terminal: notes on standard output, and what the runtime reports, a crash or a lost node, on standard error.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use tracing_subscriber::filter::LevelFilter;

/// The terminal, shared by all who write to it.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Whether notes are shown at all.
    notes: bool,
    /// While something starts: the notes to be shown if that succeeds.
    hushed: Arc<Mutex<Option<Vec<String>>>>,
}

impl Terminal {
    /// Shows notes if they are wanted, and reports of this level and above.
    pub(crate) fn open(notes: bool, level: LevelFilter) -> Terminal {
        let terminal = Terminal { notes, hushed: Arc::default() };
        let reports = terminal.clone();
        let writer = move || -> Box<dyn Write> {
            if reports.hush().is_some() { Box::new(io::sink()) } else { Box::new(io::stderr()) }
        };
        tracing_subscriber::fmt().with_max_level(level).without_time().with_writer(writer).init();
        terminal
    }

    /// Shows a note.
    pub(crate) fn note(&self, text: &str) {
        match &mut *self.hush() {
            _ if !self.notes => {}
            Some(notes) => notes.push(text.to_owned()),
            None => show(text),
        }
    }

    /// Keeps silent while something starts, from before it begins to. If it fails, whoever awaits it tells why, once, and
    /// silence stays: reports of the same may still be on their way.
    pub(crate) async fn hushed<T, E, F>(&self, start: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        *self.hush() = Some(Vec::new());
        let started = start().await?;
        let notes = self.hush().take().unwrap_or_default();
        notes.iter().for_each(|note| show(note));
        Ok(started)
    }

    fn hush(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.hushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(note: &str) {
    // A terminal that is gone misses its notes.
    let _ = writeln!(io::stdout(), "{note}");
}
