//! The results of the demo: compares the sent lines with the stored and the received ones.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::line::{Id, Line};
use crate::visitor::{Event, ReceivedLine};

/// The acknowledged lines of a run, and all copies of its lines.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// The ids of the acknowledged lines.
    pub(super) acknowledged: HashSet<Id>,
    /// The lines that each listener received, that each page shows, and that each node has on disk.
    pub(super) copies: Vec<Vec<ReceivedLine>>,
}

/// The numbers of acknowledged, lost and duplicated lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// The number of acknowledged lines.
    acknowledged: usize,
    /// The number of acknowledged lines that a copy does not have word for word, or not at the place of the first copy.
    lost: usize,
    /// The number of lines that a copy has more than once, or that were never sent.
    duplicated: usize,
}

impl Results {
    /// Records an event of a person. Only people with a number receive the lines.
    pub(super) fn record(&mut self, number: Option<usize>, event: Event) {
        match (number, event) {
            (_, Event::Acknowledged { id }) => drop(self.acknowledged.insert(id)),
            (Some(number), Event::Line(line)) => self.copies[number].push(line),
            _ => {}
        }
    }

    /// Returns whether all lines are acknowledged, and all copies are complete.
    pub(super) fn have_all(&self, sent: &[Line]) -> bool {
        self.acknowledged.len() == sent.len() && self.copies.iter().all(|copy| copy.len() >= sent.len())
    }

    /// Compares the sent lines with those of each copy.
    pub(super) fn summary(&self, sent: &[Line]) -> Summary {
        let sent: HashMap<&Id, &Line> = sent.iter().map(|line| (&line.id, line)).collect();
        let (mut lost, mut duplicated) = (HashSet::new(), HashSet::new());
        let mut numbers = HashMap::new();
        for lines in &self.copies {
            let mut found = HashSet::new();
            for received in lines {
                let line = sent.get(&received.id);
                let number = *numbers.entry(&received.id).or_insert(received.number);
                let is_equal = |line: &&Line| line.nick == received.nick && line.words == received.words;
                if line.is_some_and(is_equal) && number == received.number {
                    if !found.insert(&received.id) {
                        duplicated.insert(&received.id);
                    }
                } else if line.is_none() {
                    duplicated.insert(&received.id);
                }
            }
            lost.extend(self.acknowledged.iter().filter(|id| !found.contains(id)));
        }
        Summary { acknowledged: self.acknowledged.len(), lost: lost.len(), duplicated: duplicated.len() }
    }
}

impl Summary {
    /// Returns whether every line was acknowledged, and none lost or duplicated.
    pub(super) fn is_complete(&self, sent: &[Line]) -> bool {
        *self == Summary { acknowledged: sent.len(), lost: 0, duplicated: 0 }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} acknowledged, {} lost, {} doubled", self.acknowledged, self.lost, self.duplicated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn line(id: &str) -> Line {
        let text = |text: &str| Text::new(text).unwrap();
        let nick = Text::new("ann").unwrap();
        Line { room: text("demo"), id: text(id), nick, words: Text::new(&format!("words of {id}")).unwrap() }
    }

    fn check(stored: &str, a: &str, b: &str, expected: &str) {
        let sent: Vec<Line> = ["1", "2", "3"].map(line).into();
        let lines = |ids: &str| {
            let text = |index| ids.split(' ').nth(index).unwrap_or_default();
            let received_line = |(index, id): (usize, &str)| {
                // The number is that of the id. An id with `!` has other words than the sent line, and one with `+`
                // another number.
                let Line { id, nick, mut words, .. } = line(id.trim_end_matches(['!', '+']));
                let number = id.as_str().parse::<u64>().unwrap() + u64::from(text(index).ends_with('+'));
                if text(index).ends_with('!') {
                    words = Text::new("other words").unwrap();
                }
                ReceivedLine { number, id, nick, words }
            };
            ids.split(' ').enumerate().map(received_line).collect()
        };
        let acknowledged = sent.iter().map(|line| line.id.clone()).collect();
        let results = Results { acknowledged, copies: vec![lines(stored), lines(a), lines(b)] };
        let summary = results.summary(&sent);
        assert_eq!(summary.to_string(), expected);
        assert_eq!(summary.is_complete(&sent), expected == "3 acknowledged, 0 lost, 0 doubled");
    }

    #[test]
    fn each_line_must_be_stored_and_received_once() {
        check("1 2 3", "1 2 3", "3 1 2", "3 acknowledged, 0 lost, 0 doubled");
        check("1 2 3", "1 2 3", "1 3", "3 acknowledged, 1 lost, 0 doubled");
        check("1 3", "1 2", "3", "3 acknowledged, 3 lost, 0 doubled");
        check("1 2 3 2", "1 2 3", "1 2 3 2", "3 acknowledged, 0 lost, 1 doubled");
        check("1 2 3", "1 2 3 4", "1 2 3", "3 acknowledged, 0 lost, 1 doubled");
        check("1 2 3", "1 2+ 3", "1 2 3", "3 acknowledged, 1 lost, 0 doubled");
        check("1 2! 3", "1 2 3", "1 2 3", "3 acknowledged, 1 lost, 0 doubled");
    }

    #[test]
    fn an_unacknowledged_line_makes_the_run_incomplete() {
        let summary = Results::default().summary(&[line("1")]);
        assert_eq!(summary.to_string(), "0 acknowledged, 0 lost, 0 doubled");
        assert!(!summary.is_complete(&[line("1")]));
    }
}
