//! The options of supervisors and children.

use std::fmt;
use std::time::Duration;

use crate::base::Shutdown;

/// Which children a supervisor restarts when one of them exits.
///
/// From OTP's [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Strategy {
    /// Only the child that exited.
    OneForOne,
    /// All children. The supervisor stops the others in reverse order, then starts all in order.
    OneForAll,
    /// The child that exited and the children that are declared after it.
    RestForOne,
}

/// When a supervisor restarts a child.
///
/// From OTP's child specification, where it has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Restart {
    /// Always, also after a normal exit.
    Permanent,
    /// After a failure only, not after a normal exit or a shutdown.
    Transient,
    /// Never. The supervisor removes the child when it exits.
    Temporary,
}

/// When a supervisor shuts down because its significant children have exited.
///
/// A child counts when it exits by itself and is not restarted. From OTP's supervisor flag of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AutoShutdown {
    /// Never. The supervisor runs until it is stopped.
    Never,
    /// When one significant child has exited.
    Any,
    /// When the last significant child has exited.
    All,
}

/// The treatment of messages that are sent to a child while it restarts.
///
/// Erlang has no counterpart: a message to a process that is down is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum WhileDown {
    /// Messages wait until the child has started. Up to 1,024 wait; further ones are refused as by a full mailbox.
    ///
    /// Messages keep their order over any number of failed starts. A start whose `init` receives some of them by
    /// `receive!` and then fails takes these with it. If the supervisor gives up on the child, all are dropped and
    /// counted. Calls among them then fail with the reason of the last failed start, or with `NoProc`.
    Hold,
    /// Casts are dropped and calls fail with `NoProc`.
    Drop,
}

/// The pause before each restart of a child. It grows with each restart in a row and has a random part, so that
/// children that failed together do not restart together.
///
/// The first pause lies between `min` and `2 * min`. Each further pause is up to twice as long, and none exceeds `max`.
/// A child that has run for `max` starts again with the first pause. Erlang has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Backoff {
    /// The shortest pause. Greater than zero.
    pub min: Duration,
    /// The longest pause. At least `min`.
    pub max: Duration,
}

impl Backoff {
    /// Returns the pause before a restart that follows `attempt` earlier ones in a row. `random` is any number.
    pub fn delay(self, attempt: u32, random: u64) -> Duration {
        let doubled = 2u32.checked_pow(attempt.saturating_add(1)).unwrap_or(u32::MAX);
        let longest = self.min.saturating_mul(doubled).min(self.max);
        let shortest = (longest / 2).max(self.min).min(longest);
        let spread = u64::try_from((longest - shortest).as_nanos()).unwrap_or(u64::MAX);
        shortest + Duration::from_nanos(random % spread.saturating_add(1).max(1))
    }
}

/// The options of a supervisor, as in `#[supervisor(..)]`.
///
/// OTP calls them supervisor flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SupervisorOptions {
    /// Which children are restarted when one exits.
    pub strategy: Strategy,
    /// The number of restarts that are allowed within `period`. With one more the supervisor gives up.
    ///
    /// It counts for all children together. A supervisor of dynamic children counts for each child by itself, since their
    /// crashes are independent of each other.
    pub intensity: u32,
    /// The time window in which restarts are counted.
    pub period: Duration,
    /// When the supervisor shuts down because its significant children have exited.
    pub auto_shutdown: AutoShutdown,
}

impl SupervisorOptions {
    /// OTP's defaults: one for one, 1 restart in 5 s, no automatic shutdown.
    pub const DEFAULT: SupervisorOptions = SupervisorOptions {
        strategy: Strategy::OneForOne,
        intensity: 1,
        period: Duration::from_secs(5),
        auto_shutdown: AutoShutdown::Never,
    };
}

/// The options of a child, as in `#[child(..)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChildOptions {
    /// When the child is restarted.
    pub restart: Restart,
    /// The time that the child gets to stop.
    pub shutdown: Shutdown,
    /// True if the child's exit counts for the supervisor's automatic shutdown.
    pub significant: bool,
    /// The pause before each restart. Without one a restart is immediate.
    pub backoff: Option<Backoff>,
    /// The treatment of messages that arrive while the child restarts.
    pub while_down: WhileDown,
}

impl ChildOptions {
    /// OTP's defaults for a worker: permanent, 5 s to stop.
    pub const DEFAULT: ChildOptions = ChildOptions {
        restart: Restart::Permanent,
        shutdown: Shutdown::After(Duration::from_secs(5)),
        significant: false,
        backoff: None,
        while_down: WhileDown::Hold,
    };

    /// OTP's defaults for a supervisor: permanent, unlimited time to stop.
    pub const SUPERVISOR: ChildOptions = ChildOptions { shutdown: Shutdown::Forever, ..ChildOptions::DEFAULT };

    /// Checks these options against each other and against the supervisor's.
    pub(super) fn check(&self, supervisor: &SupervisorOptions) -> Result<(), InvalidOptions> {
        if self.significant && self.restart == Restart::Permanent {
            return Err(InvalidOptions::SignificantPermanent);
        }
        if self.significant && supervisor.auto_shutdown == AutoShutdown::Never {
            return Err(InvalidOptions::SignificantWithoutAutoShutdown);
        }
        if self.backoff.is_some_and(|backoff| backoff.min.is_zero() || backoff.min > backoff.max) {
            return Err(InvalidOptions::Backoff);
        }
        Ok(())
    }
}

/// Options of a child that contradict each other.
///
/// `#[supervisor]` rejects the same combinations at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum InvalidOptions {
    /// The child is significant and permanent, so its exit never counts.
    SignificantPermanent,
    /// The child is significant, but its supervisor has no `auto_shutdown`.
    SignificantWithoutAutoShutdown,
    /// The backoff's `min` is zero or greater than its `max`.
    Backoff,
}

impl fmt::Display for InvalidOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidOptions::SignificantPermanent => {
                "a permanent child cannot be significant: make it transient or temporary"
            }
            InvalidOptions::SignificantWithoutAutoShutdown => {
                "a significant child needs a supervisor with `auto_shutdown`: set it to `any` or `all`"
            }
            InvalidOptions::Backoff => "the backoff's `min` must be above zero and not above its `max`",
        })
    }
}

impl std::error::Error for InvalidOptions {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_within_its_bounds_and_varies() {
        let backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(10) };
        let check = |attempt, shortest: u64, longest: u64| {
            for random in [0, 1, 7, u64::MAX / 3, u64::MAX] {
                let delay = backoff.delay(attempt, random);
                let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
                assert!(shortest <= delay && delay <= longest, "{delay:?}");
            }
            assert_ne!(backoff.delay(attempt, 1), backoff.delay(attempt, 2));
        };
        check(0, 100, 200);
        check(1, 200, 400);
        check(5, 3200, 6400);
        check(6, 5000, 10_000);
        check(60, 5000, 10_000);
        check(u32::MAX, 5000, 10_000);
        let fixed = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(1) };
        assert_eq!(fixed.delay(0, 9), Duration::from_secs(1));
    }
}
