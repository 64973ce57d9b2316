//! The processes that start anew in a successor.

use serde::{Deserialize, Serialize};

/// The number of processes that are listed.
const LISTED: usize = 100;

/// The bytes of a path and of a reason in the list.
const TEXT: usize = 500;

/// A supervised process that an upgrade does not continue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestartedProcess {
    /// The path in the supervision tree, such as `/Shop/till`, or the pid.
    pub process: String,
    /// The reason why the state is not kept.
    pub reason: String,
}

/// The number of processes that start anew, and a list of bounded size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restarts {
    pub(crate) count: u64,
    pub(crate) listed: Vec<RestartedProcess>,
}

impl Restarts {
    pub(crate) fn add(&mut self, process: &str, reason: &str) {
        self.count += 1;
        if self.listed.len() < LISTED {
            let text = |text: &str| text[..text.floor_char_boundary(TEXT)].to_owned();
            self.listed.push(RestartedProcess { process: text(process), reason: text(reason) });
        }
    }

    /// Adds those that the other side has counted.
    pub(crate) fn extend(&mut self, other: Restarts) {
        self.count = self.count.saturating_add(other.count);
        let free = LISTED.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(free));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_list_is_bounded() {
        let mut restarts = Restarts::default();
        for number in 0..60 {
            restarts.add(&format!("shop/{number}"), &"ü".repeat(400));
        }
        assert_eq!(restarts.listed[59].process, "shop/59");
        assert_eq!(restarts.listed[59].reason, "ü".repeat(TEXT / 2));
        restarts.extend(restarts.clone());
        assert_eq!((restarts.count, restarts.listed.len()), (120, LISTED));
    }
}
