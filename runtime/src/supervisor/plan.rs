//! What to do about a child's end: pure, so that it can be checked against OTP's text line by line.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use super::{Flags, Restart, Strategy};
use crate::base::Exit;

/// The children of one supervisor and the restarts so far.
pub(super) struct Plan {
    flags: Flags,
    children: Vec<Child>,
    restarts: VecDeque<Instant>,
}

struct Child {
    restart: Restart,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Up,
    /// Not running, its specification kept.
    Down,
    /// Ended, and its restart has failed so far.
    Restarting,
    /// A temporary child that ended.
    Forgotten,
}

/// What a supervisor does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Goes on as it is.
    Nothing,
    /// Stops these, in this order, then starts those, in that order.
    Restart { stop: Vec<usize>, start: Vec<usize> },
    /// Stops everything and ends: too many restarts.
    GiveUp,
}

impl Plan {
    pub(super) fn new(flags: Flags, restarts: impl IntoIterator<Item = Restart>) -> Plan {
        let children = restarts.into_iter().map(|restart| Child { restart, status: Status::Down }).collect();
        Plan { flags, children, restarts: VecDeque::new() }
    }

    /// A start that was asked for went well.
    pub(super) fn started(&mut self, child: usize) {
        self.children[child].status = Status::Up;
    }

    /// A child ended by itself.
    pub(super) fn ended(&mut self, child: usize, reason: &Exit, now: Instant) -> Verdict {
        let spec = &mut self.children[child];
        let again = match spec.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        if !again {
            spec.status = if spec.restart == Restart::Temporary { Status::Forgotten } else { Status::Down };
            return Verdict::Nothing;
        }
        self.restart(child, now)
    }

    /// A start that was asked for failed: it counts as a restart, and is tried again later.
    pub(super) fn failed(&mut self, child: usize) {
        self.children[child].status = Status::Restarting;
    }

    /// The time has come to try a failed restart again.
    pub(super) fn retry(&mut self, child: usize, now: Instant) -> Verdict {
        if self.children[child].status == Status::Restarting { self.restart(child, now) } else { Verdict::Nothing }
    }

    fn restart(&mut self, child: usize, now: Instant) -> Verdict {
        self.children[child].status = Status::Restarting;
        if self.too_many(now) {
            return Verdict::GiveUp;
        }
        let affected: Range<usize> = match self.flags.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => child..self.children.len(),
        };
        let stop: Vec<usize> = affected.clone().rev().filter(|&c| self.children[c].status == Status::Up).collect();
        for &stopped in &stop {
            let spec = &mut self.children[stopped];
            // A temporary child that a sibling takes down is forgotten like one that ended by itself.
            spec.status = if spec.restart == Restart::Temporary { Status::Forgotten } else { Status::Down };
        }
        let start = affected.filter(|&c| self.children[c].status != Status::Forgotten).collect();
        Verdict::Restart { stop, start }
    }

    /// Counts a restart; whether that is one too many within the period.
    fn too_many(&mut self, now: Instant) -> bool {
        self.restarts.push_back(now);
        let period = self.flags.period;
        while self.restarts.front().is_some_and(|first| now.duration_since(*first) > period) {
            self.restarts.pop_front();
        }
        self.restarts.len() > self.flags.intensity as usize
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Four children of the given kinds, all running; what follows when `child` ends.
    fn check(strategy: Strategy, kinds: [Restart; 4], child: usize, reason: &Exit) -> Verdict {
        let mut plan = Plan::new(Flags { strategy, ..Flags::DEFAULT }, kinds);
        for child in 0..4 {
            plan.started(child);
        }
        plan.ended(child, reason, Instant::now())
    }

    fn restart(stop: &[usize], start: &[usize]) -> Verdict {
        Verdict::Restart { stop: stop.into(), start: start.into() }
    }

    use Restart::{Permanent as P, Temporary as Tmp, Transient as Tr};

    #[test]
    fn each_strategy_restarts_whom_it_should() {
        let boom = Exit::error("boom");
        assert_eq!(check(Strategy::OneForOne, [P, P, P, P], 1, &boom), restart(&[], &[1]));
        assert_eq!(check(Strategy::OneForAll, [P, P, P, P], 1, &boom), restart(&[3, 2, 0], &[0, 1, 2, 3]));
        assert_eq!(check(Strategy::RestForOne, [P, P, P, P], 1, &boom), restart(&[3, 2], &[1, 2, 3]));
        assert_eq!(check(Strategy::OneForAll, [P, P, P, Tmp], 1, &boom), restart(&[3, 2, 0], &[0, 1, 2]));
    }

    #[test]
    fn each_kind_is_restarted_when_it_should() {
        let boom = Exit::error("boom");
        let one = |kind, reason: &Exit| check(Strategy::OneForOne, [P, kind, P, P], 1, reason);
        for (kind, reason, again) in [
            (P, &boom, true),
            (P, &Exit::Normal, true),
            (P, &Exit::shutdown(), true),
            (Tr, &boom, true),
            (Tr, &Exit::Killed, true),
            (Tr, &Exit::Normal, false),
            (Tr, &Exit::Shutdown(Some("later".into())), false),
            (Tmp, &boom, false),
            (Tmp, &Exit::Normal, false),
        ] {
            let expected = if again { restart(&[], &[1]) } else { Verdict::Nothing };
            assert_eq!(one(kind, reason), expected, "{kind:?} {reason:?}");
        }
    }

    #[test]
    fn it_gives_up_when_restarts_in_the_window_exceed_the_intensity() {
        let flags = Flags { intensity: 2, period: Duration::from_secs(5), ..Flags::DEFAULT };
        let (mut plan, start) = (Plan::new(flags, [P]), Instant::now());
        let boom = Exit::error("boom");
        for (second, gives_up) in [(0, false), (1, false), (7, false), (8, false), (9, true)] {
            plan.started(0);
            let verdict = plan.ended(0, &boom, start + Duration::from_secs(second));
            assert_eq!(verdict == Verdict::GiveUp, gives_up, "after {second} s");
        }
    }

    #[test]
    fn a_failed_restart_counts_and_is_tried_again() {
        let (mut plan, now) = (Plan::new(Flags::DEFAULT, [P]), Instant::now());
        plan.started(0);
        assert_eq!(plan.ended(0, &Exit::error("boom"), now), restart(&[], &[0]));
        plan.failed(0);
        assert_eq!(plan.retry(0, now), Verdict::GiveUp);
        plan.started(0);
        assert_eq!(plan.retry(0, now), Verdict::Nothing);
    }
}
