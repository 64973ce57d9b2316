//! The pauses between two attempts to reach a seed.

use std::time::Duration;

use crate::sched::Rng;

/// The pauses between the attempts to reach one seed: they double from 100 ms to 10 s, and begin anew after a connection
/// that was up for longer than the pause before it.
///
/// A peer that restarts again and again is found quickly each time, and one that ends each connection at once is not
/// dialled ten times a second. Each pause is drawn from its upper half, so that many nodes that lost the same peer do
/// not dial it at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The longest that the last pause may have been.
    last: Duration,
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

impl Backoff {
    /// Returns the state before the first attempt.
    pub(super) fn new() -> Backoff {
        Backoff { last: Duration::ZERO }
    }

    /// Returns the pause after an attempt. `up` is the time that its connection was up: zero if it failed.
    pub(super) fn next_pause(&mut self, up: Duration, rng: &Rng) -> Duration {
        let is_stable = up > self.last;
        self.last = if is_stable { SHORTEST } else { (self.last * 2).clamp(SHORTEST, LONGEST) };
        let half = self.last / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        half + Duration::from_nanos(rng.below(spread.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the pause after a connection of `up` is drawn from the upper half of `longest` milliseconds.
    #[track_caller]
    fn check(backoff: &mut Backoff, rng: &Rng, up: u64, longest: u64) {
        let pause = backoff.next_pause(Duration::from_millis(up), rng);
        let longest = Duration::from_millis(longest);
        assert!((longest / 2..=longest).contains(&pause), "{pause:?} is not from the upper half of {longest:?}");
    }

    #[test]
    fn pauses_double_from_100_ms_to_10_s() {
        let (mut backoff, rng) = (Backoff::new(), Rng::seeded(0));
        for longest in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000] {
            check(&mut backoff, &rng, 0, longest);
        }
    }

    #[test]
    fn pauses_begin_anew_after_a_connection_that_was_longer_than_the_pause_before_it() {
        let (mut backoff, rng) = (Backoff::new(), Rng::seeded(0));
        // No pause precedes the first connection.
        for (up, longest) in [(1, 100), (100, 200), (201, 100), (1, 200), (0, 400), (399, 800), (801, 100), (9000, 100)]
        {
            check(&mut backoff, &rng, up, longest);
        }
        for _ in 0..20 {
            backoff.next_pause(Duration::ZERO, &rng);
        }
        check(&mut backoff, &rng, 10_000, 10_000);
        check(&mut backoff, &rng, 10_001, 100);
    }

    #[test]
    fn pauses_differ_between_nodes() {
        let pauses: Vec<_> =
            (0..100).map(|seed| Backoff::new().next_pause(Duration::ZERO, &Rng::seeded(seed))).collect();
        let (least, most) = (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap());
        assert!(least < Duration::from_millis(60) && most > Duration::from_millis(90), "{least:?} to {most:?}");
    }
}
