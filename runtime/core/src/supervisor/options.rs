use std::fmt;
use std::time::Duration;

use crate::base::Shutdown;

/// Who is restarted when a child ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Strategy {
    /// The child itself.
    OneForOne,
    /// All children: the others are stopped in reverse order, then all start in order.
    OneForAll,
    /// The child and those declared after it.
    RestForOne,
}

/// When a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Restart {
    /// Always, even after a normal end.
    Permanent,
    /// Unless it ended normally or by a shutdown.
    Transient,
    /// Never; it is forgotten when it ends.
    Temporary,
}

/// Whether a supervisor's work is done when that of its significant children is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AutoShutdown {
    /// No: it goes on until it is told to stop.
    Never,
    /// When one of them has ended by itself, and is not restarted.
    Any,
    /// When the last of them has.
    All,
}

/// What becomes of messages to a child that is just being restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum WhileDown {
    /// They wait until a start of it has succeeded, up to 1,024 of them; further ones are refused as by a full mailbox.
    ///
    /// However many starts fail before, they keep their order. A start that receives some of them itself, by a `receive!`
    /// in its `init`, takes those along if it fails. If the child does not come back, all are dropped and counted; calls
    /// hear the reason of the last start that failed, or that there is no such process.
    Hold,
    /// Casts are dropped, calls fail, as if there were no such process.
    Drop,
}

/// How long a restart waits: longer each time in a row, and never the same, so that children which fell
/// together do not rise together. Ours; Erlang has none.
///
/// The first restart waits between `min` and twice that, each further one up to twice as long, none longer than
/// `max`. A child that has lived for `max` begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Backoff {
    /// The shortest pause.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Backoff {
    /// The pause before a restart that `attempt` others went before in a row. `random` is any number.
    pub fn delay(self, attempt: u32, random: u64) -> Duration {
        let doubled = 2u32.checked_pow(attempt.saturating_add(1)).unwrap_or(u32::MAX);
        let longest = self.min.saturating_mul(doubled).min(self.max);
        let shortest = (longest / 2).max(self.min).min(longest);
        let spread = u64::try_from((longest - shortest).as_nanos()).unwrap_or(u64::MAX);
        shortest + Duration::from_nanos(random % spread.saturating_add(1).max(1))
    }
}

/// What stands in `#[supervisor(..)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SupervisorOptions {
    /// Who is restarted when a child ends.
    pub strategy: Strategy,
    /// More restarts than this within `period`, and the supervisor gives up.
    pub intensity: u32,
    /// The window in which restarts count.
    pub period: Duration,
    /// Whether it ends with its significant children.
    pub auto_shutdown: AutoShutdown,
}

impl SupervisorOptions {
    /// OTP's: one for one, at most one restart in 5 s, no automatic shutdown.
    pub const DEFAULT: SupervisorOptions = SupervisorOptions {
        strategy: Strategy::OneForOne,
        intensity: 1,
        period: Duration::from_secs(5),
        auto_shutdown: AutoShutdown::Never,
    };
}

/// What stands in `#[child(..)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildOptions {
    /// When it is restarted.
    pub restart: Restart,
    /// How long it may take to stop.
    pub shutdown: Shutdown,
    /// Whether its end counts for the supervisor's automatic shutdown.
    pub significant: bool,
    /// How long its restarts wait.
    pub backoff: Option<Backoff>,
    /// What becomes of messages while it is being restarted.
    pub while_down: WhileDown,
}

impl ChildOptions {
    /// OTP's for a worker: permanent, 5 s to stop.
    pub const DEFAULT: ChildOptions = ChildOptions {
        restart: Restart::Permanent,
        shutdown: Shutdown::After(Duration::from_secs(5)),
        significant: false,
        backoff: None,
        while_down: WhileDown::Hold,
    };

    /// OTP's for a supervisor: permanent, as long to stop as it takes.
    pub const SUPERVISOR: ChildOptions = ChildOptions { shutdown: Shutdown::Forever, ..ChildOptions::DEFAULT };
}
/// Options that contradict each other. `#[supervisor]` finds the same at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum InvalidOptions {
    /// A significant child that is always restarted never ends.
    SignificantPermanent,
    /// A significant child under a supervisor that never shuts down by itself.
    SignificantNever,
    /// A backoff that ends before it begins, or takes no time.
    Backoff,
}

impl fmt::Display for InvalidOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidOptions::SignificantPermanent => "a permanent child cannot be significant: it is always restarted",
            InvalidOptions::SignificantNever => "a child is significant only under a supervisor with `auto_shutdown`",
            InvalidOptions::Backoff => "a backoff goes from a short pause to a longer one",
        })
    }
}

impl std::error::Error for InvalidOptions {}

impl ChildOptions {
    /// Whether these can stand under a supervisor of such flags.
    pub(super) fn check(&self, flags: &SupervisorOptions) -> Result<(), InvalidOptions> {
        if self.significant && self.restart == Restart::Permanent {
            return Err(InvalidOptions::SignificantPermanent);
        }
        if self.significant && flags.auto_shutdown == AutoShutdown::Never {
            return Err(InvalidOptions::SignificantNever);
        }
        if self.backoff.is_some_and(|backoff| backoff.min.is_zero() || backoff.min > backoff.max) {
            return Err(InvalidOptions::Backoff);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_within_its_bounds_and_never_twice_the_same() {
        let backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(10) };
        let between = |attempt, from: u64, to: u64| {
            for random in [0, 1, 7, u64::MAX / 3, u64::MAX] {
                let delay = backoff.delay(attempt, random);
                assert!(Duration::from_millis(from) <= delay && delay <= Duration::from_millis(to), "{delay:?}");
            }
            assert_ne!(backoff.delay(attempt, 1), backoff.delay(attempt, 2));
        };
        between(0, 100, 200);
        between(1, 200, 400);
        between(5, 3200, 6400);
        between(6, 5000, 10_000);
        between(60, 5000, 10_000);
        between(u32::MAX, 5000, 10_000);
        let exact = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(1) };
        assert_eq!(exact.delay(0, 9), Duration::from_secs(1));
    }
}
