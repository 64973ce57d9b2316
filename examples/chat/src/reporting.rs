//! The reporting process: requests the statistics once a minute and writes a summary into the log.

use std::collections::HashMap;
use std::fmt::Write;

use greenroom::prelude::*;

use crate::analytics::RoomStats;
use crate::line::Room;
use crate::services::Services;

/// Summarizes the analytics' statistics.
#[actor(name = "reporting", trap_exit)]
pub(crate) struct Reporting {
    services: Services,
    /// The number of lines of each room at the last summary.
    previous: HashMap<Room, u64>,
}

impl Reporting {
    pub(crate) fn new(services: Services) -> Reporting {
        Reporting { services, previous: HashMap::new() }
    }
}

#[actor]
impl Reporting {
    #[every("60s")]
    async fn write_summary(&mut self) {
        // The analytics may be restarting. The next minute's summary includes these lines.
        let Ok(stats) = self.services.analytics().stats().await else { return };
        for line in summary(&stats, &self.previous).lines() {
            self.services.note(&format!("report: {line}"));
        }
        self.previous = stats.into_iter().map(|stats| (stats.room, stats.lines)).collect();
    }

    /// Returns the current summary, one line for each room.
    #[call]
    pub(crate) async fn report(&self) -> String {
        match self.services.analytics().stats().await {
            Ok(stats) => summary(&stats, &self.previous),
            Err(error) => format!("no statistics: {error}\n"),
        }
    }

    #[terminate]
    fn close(&self) {
        self.services.note("reporting: closed");
    }
}

fn summary(stats: &[RoomStats], previous: &HashMap<Room, u64>) -> String {
    let mut text = String::new();
    for RoomStats { room, lines, top, .. } in stats {
        // The analytics count from zero after a crash.
        let new = lines.saturating_sub(previous.get(room).copied().unwrap_or(0));
        let top: Vec<String> = top.iter().map(|(nick, lines)| format!("{nick} {lines}")).collect();
        let noun = if new == 1 { "line" } else { "lines" };
        let _ = writeln!(text, "{room}: {new} {noun} this minute, {lines} in all; most by {}", top.join(", "));
    }
    if text.is_empty() {
        text.push_str("no lines yet\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn a_summary_has_a_line_for_each_room() {
        let stats = |room: &str, lines, top: &[(&str, u64)]| RoomStats {
            room: Text::new(room).unwrap(),
            lines,
            top: top.iter().map(|(nick, lines)| (Text::new(nick).unwrap(), *lines)).collect(),
            minutes: Vec::new(),
        };
        let previous = HashMap::from([(Text::new("lobby").unwrap(), 4)]);
        let all = [stats("garden", 1, &[("eve", 1)]), stats("lobby", 7, &[("ann", 5), ("bob", 2)])];
        let expected = "garden: 1 line this minute, 1 in all; most by eve 1\n\
                        lobby: 3 lines this minute, 7 in all; most by ann 5, bob 2\n";
        assert_eq!(summary(&all, &previous), expected);
        assert_eq!(summary(&[], &previous), "no lines yet\n");
    }
}
