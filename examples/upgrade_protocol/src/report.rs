//! The lines that a node prints, and the sums of the counts in them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{AddAssign, Sub};
use std::str::FromStr;

/// The orders of a load so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The orders that were sent, each counted once.
    pub sent: u64,
    /// The orders with the expected answer.
    pub answered: u64,
    /// The answered orders whose price was quoted before.
    pub quoted: u64,
    /// The attempts that failed because a desk had stopped. Another desk got the order.
    pub repeated: u64,
    /// The orders without the expected answer.
    pub lost: u64,
}

impl Counts {
    fn from_array([sent, answered, quoted, repeated, lost]: [u64; 5]) -> Counts {
        Counts { sent, answered, quoted, repeated, lost }
    }

    /// Returns the counts in the order of the fields.
    pub fn to_array(self) -> [u64; 5] {
        [self.sent, self.answered, self.quoted, self.repeated, self.lost]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        let (own, other) = (self.to_array(), other.to_array());
        *self = Counts::from_array(std::array::from_fn(|at| own[at] + other[at]));
    }
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, other: Counts) -> Counts {
        let (own, other) = (self.to_array(), other.to_array());
        Counts::from_array(std::array::from_fn(|at| own[at] - other[at]))
    }
}

/// A line that a node prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The node is connected with all others, and begins to place orders.
    Ready,
    /// The counts so far.
    Counts(Counts),
    /// The reason why an order is lost.
    Lost(String),
    /// The last counts: no order waits for its answer.
    Stopped(Counts),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, counts) = match self {
            Line::Ready => return f.write_str("ready"),
            Line::Lost(reason) => return write!(f, "lost: {reason}"),
            Line::Counts(counts) => ("counts", counts),
            Line::Stopped(counts) => ("stopped", counts),
        };
        let Counts { sent, answered, quoted, repeated, lost } = counts;
        write!(f, "{word}: {sent} sent, {answered} answered, {quoted} quoted, {repeated} repeated, {lost} lost")
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Line, String> {
        let (word, rest) = line.split_once(": ").unwrap_or((line, ""));
        let counts = || {
            let numbers: Vec<u64> = rest.split(' ').filter_map(|word| word.parse().ok()).collect();
            numbers.try_into().map(Counts::from_array).map_err(|_| format!("expected five counts, found {line:?}"))
        };
        match word {
            "ready" => Ok(Line::Ready),
            "counts" => Ok(Line::Counts(counts()?)),
            "lost" => Ok(Line::Lost(rest.to_owned())),
            "stopped" => Ok(Line::Stopped(counts()?)),
            _ => Err(format!("expected a line of a node, found {line:?}")),
        }
    }
}

/// The counts of all nodes, in all their incarnations.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The counts of the incarnations that have stopped.
    stopped: Counts,
    /// The last counts of the nodes that run.
    running: HashMap<String, Counts>,
    /// The reasons why orders are lost, each with the number of orders.
    reasons: BTreeMap<String, u64>,
}

impl Ledger {
    /// Records a line of a node.
    pub fn record(&mut self, node: &str, line: Line) {
        match line {
            Line::Ready => drop(self.running.insert(node.to_owned(), Counts::default())),
            Line::Counts(counts) => drop(self.running.insert(node.to_owned(), counts)),
            Line::Lost(reason) => *self.reasons.entry(reason).or_default() += 1,
            Line::Stopped(counts) => {
                self.running.remove(node);
                self.stopped += counts;
            }
        }
    }

    /// Returns `true` if this node places orders.
    pub fn is_running(&self, node: &str) -> bool {
        self.running.contains_key(node)
    }

    /// Returns the sum of all counts.
    pub fn total(&self) -> Counts {
        let mut total = self.stopped;
        self.running.values().for_each(|counts| total += *counts);
        total
    }

    /// Returns the reasons why orders are lost, each with the number of orders.
    pub fn reasons(&self) -> &BTreeMap<String, u64> {
        &self.reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_printed() {
        let counts = Counts { sent: 5, answered: 3, quoted: 1, repeated: 4, lost: 2 };
        let reason = "`Desk::Place`: field `a`".to_owned();
        for line in [Line::Ready, Line::Counts(counts), Line::Lost(reason), Line::Stopped(counts)] {
            assert_eq!(line.to_string().parse(), Ok(line));
        }
        assert!("counts: 5 sent".parse::<Line>().is_err());
    }
}
