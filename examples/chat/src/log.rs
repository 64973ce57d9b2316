//! The log process: writes events and lines to a file, and events to the terminal.
//!
//! Other processes cast to it and do not wait. The log monitors the rooms processes, so a crash of one is logged by
//! another process. Each restarted rooms process requests to be monitored. The lines come from a database.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use greenroom::prelude::*;

use crate::history::subscription::{Published, Subscription};
use crate::line::{Entry, now};
use crate::rooms::RoomsRef;
use crate::services::Services;
use crate::terminal::Terminal;

/// Writes the log file.
#[actor(name = "log", trap_exit)]
pub(crate) struct Log {
    services: Services,
    subscription: Subscription,
    terminal: Terminal,
    file: File,
}

#[actor]
impl Log {
    #[init]
    pub(crate) fn open(path: PathBuf, terminal: Terminal, services: Services) -> Result<Log, Exit> {
        let file = File::options().create(true).append(true).open(&path);
        let failed = |error| Exit::error(format!("cannot write the log {}: {error}", path.display()));
        let subscription = Subscription::new();
        Ok(Log { services, subscription, terminal, file: file.map_err(failed)? })
    }

    /// Logs an event.
    #[cast]
    pub(crate) fn note(&mut self, cx: &mut Context<Self>, text: String) -> Result<(), io::Error> {
        self.write_note(&text)?;
        // It can be the note of a database that has started, which the log waits for.
        self.subscribe(cx);
        Ok(())
    }

    /// Logs lines, in the file only: people read them on the page.
    #[from]
    fn record(&mut self, lines: Published) -> Result<(), io::Error> {
        let line = |Entry { at, line, .. }: &Entry| {
            format!("{} {}: {}: {}\n", timestamp(*at), line.room, line.nick, line.words)
        };
        let entries = self.subscription.accept(lines);
        self.append(&entries.iter().map(line).collect::<String>())
    }

    /// Monitors the rooms process, to log its end.
    #[cast]
    pub(crate) fn monitor_rooms(&mut self, cx: &mut Context<Self>, rooms: RoomsRef) {
        cx.monitor(&rooms);
    }

    #[every("100ms")]
    fn subscribe(&mut self, cx: &mut Context<Self>) {
        self.subscription.renew(cx, &self.services);
    }

    #[down]
    fn process_ended(&mut self, down: Down) -> Result<(), io::Error> {
        if self.subscription.handle_down(&down) || down.reason.is_orderly() {
            return Ok(());
        }
        self.write_note(&format!("rooms: {}", down.reason))
    }

    /// Messages sent before the stop are still written.
    #[terminate]
    async fn close(&mut self, cx: &mut Context<Self>) -> Result<(), io::Error> {
        loop {
            receive!(match cx {
                LogMessage::Note { text } => self.write_note(&text)?,
                LogMessage::Record(lines) => self.record(lines)?,
                after!(Duration::ZERO) => return self.write_note("log: closed"),
            });
        }
    }

    fn write_note(&mut self, text: &str) -> Result<(), io::Error> {
        self.terminal.note(text);
        self.append(&format!("{} {text}\n", timestamp(now())))
    }

    fn append(&mut self, text: &str) -> Result<(), io::Error> {
        self.file.write_all(text.as_bytes())
    }
}

/// Formats milliseconds since 1970 as `2026-11-21T03:15:00Z`.
fn timestamp(millis: u64) -> String {
    let (days, seconds) = (millis / 86_400_000, millis / 1000 % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns the date that is `days` days after 1970-01-01. Years are counted from March, so that leap days come last.
fn date(days: u64) -> (u64, u64, u64) {
    let since_march_0 = days + 719_468;
    let (era, day_of_era) = (since_march_0 / 146_097, since_march_0 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn a_timestamp_is_a_date() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(seconds * 1000), expected);
        }
    }
}
