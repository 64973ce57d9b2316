//! What was said against what was written and heard.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::listener::Heard;
use crate::line::{Id, Line};

/// What each place has of the play.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The ids of the lines that the database acknowledged.
    pub(super) acknowledged: HashSet<Id>,
    /// What the history on disk has.
    pub(super) stored: Vec<Heard>,
    /// What the listener of either node heard.
    pub(super) heard: [Vec<Heard>; 2],
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Lines that were acknowledged.
    acknowledged: usize,
    /// Acknowledged lines that are not, word for word, in the history and with both listeners.
    lost: usize,
    /// Lines that one of the three has more than once, or that were never said.
    doubled: usize,
}

impl Tally {
    /// Compares what was said with what each of the three places has.
    pub(super) fn verdict(&self, said: &[Line]) -> Verdict {
        let said: HashMap<&Id, &Line> = said.iter().map(|line| (&line.id, line)).collect();
        let (mut lost, mut doubled) = (HashSet::new(), HashSet::new());
        for place in [&self.stored, &self.heard[0], &self.heard[1]] {
            let mut here = HashSet::new();
            for heard in place {
                let line = said.get(&heard.id);
                if line.is_some_and(|line| line.nick == heard.nick && line.words == heard.words) {
                    if !here.insert(&heard.id) {
                        doubled.insert(&heard.id);
                    }
                } else if line.is_none() {
                    doubled.insert(&heard.id);
                }
            }
            lost.extend(self.acknowledged.iter().filter(|id| !here.contains(id)));
        }
        Verdict { acknowledged: self.acknowledged.len(), lost: lost.len(), doubled: doubled.len() }
    }
}

impl Verdict {
    /// Whether every line was acknowledged, none lost and none doubled.
    pub(super) fn is_well(&self, said: &[Line]) -> bool {
        *self == Verdict { acknowledged: said.len(), lost: 0, doubled: 0 }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} acknowledged, {} lost, {} doubled", self.acknowledged, self.lost, self.doubled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn line(id: &str) -> Line {
        let text = |text: &str| Text::new(text).unwrap();
        let nick = Text::new("ann").unwrap();
        Line { room: text("stage"), id: text(id), nick, words: Text::new(&format!("words of {id}")).unwrap() }
    }

    fn check(stored: &str, a: &str, b: &str, expected: &str) {
        let said: Vec<Line> = ["1", "2", "3"].map(line).into();
        let heard = |ids: &str| {
            let heard = |(index, id): (usize, &str)| {
                // A `!` stands for other words than were said.
                let Line { id, nick, mut words, .. } = line(id.trim_end_matches('!'));
                if ids.split(' ').nth(index).is_some_and(|id| id.ends_with('!')) {
                    words = Text::new("other words").unwrap();
                }
                Heard { number: index as u64 + 1, id, nick, words }
            };
            ids.split(' ').enumerate().map(heard).collect()
        };
        let acknowledged = said.iter().map(|line| line.id.clone()).collect();
        let tally = Tally { acknowledged, stored: heard(stored), heard: [heard(a), heard(b)] };
        let verdict = tally.verdict(&said);
        assert_eq!(verdict.to_string(), expected);
        assert_eq!(verdict.is_well(&said), expected == "3 acknowledged, 0 lost, 0 doubled");
    }

    #[test]
    fn each_line_must_be_once_in_every_place() {
        check("1 2 3", "1 2 3", "3 1 2", "3 acknowledged, 0 lost, 0 doubled");
        check("1 2 3", "1 2 3", "1 3", "3 acknowledged, 1 lost, 0 doubled");
        check("1 3", "1 2", "3", "3 acknowledged, 3 lost, 0 doubled");
        check("1 2 3 2", "1 2 3", "1 2 3 2", "3 acknowledged, 0 lost, 1 doubled");
        check("1 2 3", "1 2 3 4", "1 2 3", "3 acknowledged, 0 lost, 1 doubled");
        check("1 2! 3", "1 2 3", "1 2 3", "3 acknowledged, 1 lost, 0 doubled");
    }

    #[test]
    fn what_was_not_acknowledged_is_not_well() {
        let verdict = Tally::default().verdict(&[line("1")]);
        assert_eq!(verdict.to_string(), "0 acknowledged, 0 lost, 0 doubled");
        assert!(!verdict.is_well(&[line("1")]));
    }
}
