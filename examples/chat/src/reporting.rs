//! The reporting: once a minute it asks the analytics, and writes a summary into the log.

use std::collections::HashMap;
use std::fmt::Write;

use greenroom::prelude::*;

use crate::analytics::{AnalyticsRef, Talk};
use crate::line::Room;
use crate::log::LogRef;

/// Sums up what the analytics count.
#[actor(name = "reporting", trap_exit)]
#[derive(Default)]
pub(crate) struct Reporting {
    /// How many lines each room had at the last summary.
    before: HashMap<Room, u64>,
}

#[actor]
impl Reporting {
    #[every("60s")]
    async fn sum_up(&mut self) {
        // Analytics that are just being restarted have nothing to tell; there is another minute.
        let Ok(talk) = AnalyticsRef::named("analytics").talk().await else { return };
        for line in summary(&talk, &self.before).lines() {
            LogRef::named("log").note(format!("report: {line}"));
        }
        self.before = talk.into_iter().map(|talk| (talk.room, talk.lines)).collect();
    }

    /// The summary as of now, a line for each room.
    #[call]
    pub(crate) async fn report(&self) -> String {
        match AnalyticsRef::named("analytics").talk().await {
            Ok(talk) => summary(&talk, &self.before),
            Err(error) => format!("the analytics do not answer: {error}\n"),
        }
    }
    #[terminate]
    fn close(&self) {
        LogRef::named("log").note("reporting: closed".to_owned());
    }
}

fn summary(talk: &[Talk], before: &HashMap<Room, u64>) -> String {
    let mut text = String::new();
    for Talk { room, lines, most } in talk {
        // Analytics that crashed count from zero again.
        let new = lines.saturating_sub(before.get(room).copied().unwrap_or(0));
        let most: Vec<String> = most.iter().map(|(nick, lines)| format!("{nick} {lines}")).collect();
        let _ = writeln!(text, "{room}: {new} lines this minute, {lines} in all; most by {}", most.join(", "));
    }
    if text.is_empty() {
        text.push_str("nobody has said anything yet\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn a_summary_tells_each_room_s_minute() {
        let talk = |room: &str, lines, most: &[(&str, u64)]| Talk {
            room: Text::new(room).unwrap(),
            lines,
            most: most.iter().map(|(nick, lines)| (Text::new(nick).unwrap(), *lines)).collect(),
        };
        let before = HashMap::from([(Text::new("lobby").unwrap(), 4)]);
        let talk = [talk("attic", 1, &[("eve", 1)]), talk("lobby", 7, &[("ann", 5), ("bob", 2)])];
        let expected = "attic: 1 lines this minute, 1 in all; most by eve 1\n\
                        lobby: 3 lines this minute, 7 in all; most by ann 5, bob 2\n";
        assert_eq!(summary(&talk, &before), expected);
        assert_eq!(summary(&[], &before), "nobody has said anything yet\n");
    }
}
