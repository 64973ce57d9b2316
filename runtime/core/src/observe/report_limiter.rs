use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Sorted;
use crate::log;

/// Keeps the reports of a node's crashes from becoming a flood: of each kind of process the first few are told, then
/// only how many more there were.
#[derive(Default)]
pub(crate) struct ReportLimiter {
    kinds: Mutex<Sorted<&'static str, Window>>,
}

/// A span of time in which a kind's crashes are counted.
struct Window {
    end: Instant,
    told: u32,
    untold: u64,
}

/// What becomes of a report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReportDecision {
    /// It is told.
    Tell,
    /// It is the first that is only counted: the sum is due at this time.
    Begin(Instant),
    /// It is counted.
    Count,
}

/// How long a spell lasts.
const SPELL: Duration = Duration::from_secs(10);

/// How many reports of one kind are told in a spell.
const TOLD: u32 = 5;

impl ReportLimiter {
    fn kinds(&self) -> MutexGuard<'_, Sorted<&'static str, Window>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process of this kind crashed.
    pub(crate) fn admit(&self, kind: &'static str, now: Instant) -> ReportDecision {
        let mut kinds = self.kinds();
        let fresh = || Window { end: now + SPELL, told: 0, untold: 0 };
        let spell = kinds.get_or_insert_with(kind, fresh);
        // One whose sum has not been told yet goes on until it has.
        if spell.end <= now && spell.untold == 0 {
            *spell = fresh();
        }
        if spell.told < TOLD {
            spell.told += 1;
            return ReportDecision::Tell;
        }
        spell.untold += 1;
        if spell.untold == 1 { ReportDecision::Begin(spell.end) } else { ReportDecision::Count }
    }

    /// Tells how many of this kind were only counted, and counts anew.
    pub(crate) fn summarize(&self, kind: &'static str) {
        let spell = self.kinds().remove(&kind);
        if let Some(Window { untold: count @ 1.., .. }) = spell {
            summary(kind, count);
        }
    }

    /// Tells all sums that are due some day: the node stops.
    pub(crate) fn subside(&self) {
        let spells = std::mem::take(&mut *self.kinds());
        for (kind, spell) in spells {
            if spell.untold > 0 {
                summary(kind, spell.untold);
            }
        }
    }
}

fn summary(kind: &str, count: u64) {
    if log::is_heard() {
        log::error!(target: "greenroom", process = kind, count, "more processes of this kind ended abnormally");
    } else {
        log::tell(format_args!("{kind}: {count} more ended abnormally"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_and_the_rest_counted_by_kind_and_spell() {
        let (report_limiter, start) = (ReportLimiter::default(), Instant::now());
        let end = start + SPELL;
        for _ in 0..TOLD {
            assert_eq!(report_limiter.admit("a", start), ReportDecision::Tell);
        }
        assert_eq!(report_limiter.admit("a", start + SPELL / 2), ReportDecision::Begin(end));
        assert_eq!(report_limiter.admit("a", start + SPELL / 2), ReportDecision::Count);
        assert_eq!(report_limiter.admit("b", start), ReportDecision::Tell);
        // The sum comes late: until it is told, it grows.
        assert_eq!(report_limiter.admit("a", end), ReportDecision::Count);
        report_limiter.summarize("a");
        assert_eq!(report_limiter.admit("a", end), ReportDecision::Tell);
        // Few in a long time are all told.
        for hour in 1..20 {
            assert_eq!(report_limiter.admit("b", start + hour * 360 * SPELL), ReportDecision::Tell);
        }
    }
}
