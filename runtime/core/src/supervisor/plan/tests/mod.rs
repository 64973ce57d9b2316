mod conformance;
mod model;

use std::time::Duration;

use super::*;
use crate::supervisor::Backoff;

use Restart::{Permanent as P, Temporary as Tmp, Transient as Tr};

fn options(restart: Restart) -> ChildOptions {
    ChildOptions { restart, ..ChildOptions::DEFAULT }
}

/// A plan with these children, numbered from 1, all running.
fn plan(flags: SupervisorOptions, children: &[ChildOptions], now: Instant) -> Plan {
    let mut plan = Plan::new(flags, false);
    for (n, options) in children.iter().enumerate() {
        plan.add(Some(n.to_string().into()), *options).unwrap();
    }
    plan.begin();
    while let Some(action) = plan.next() {
        let Action::Start(key) = action else { panic!("{action:?}") };
        plan.started(key, now);
    }
    plan
}

/// What is laid out, if every step goes well.
fn actions(plan: &mut Plan, now: Instant) -> Vec<String> {
    let mut log = Vec::new();
    while let Some(action) = plan.next() {
        log.push(match action {
            Action::Start(key) => {
                plan.started(key, now);
                format!("start {}", key.0)
            }
            Action::Stop(key) => {
                plan.stopped(key);
                format!("stop {}", key.0)
            }
            Action::Close { child, forgotten } => {
                format!("{} {}", if forgotten { "forget" } else { "close" }, child.0)
            }
            Action::Retry { child, attempt, .. } => format!("retry {} after {attempt}", child.0),
            Action::End(why) => format!("end: {why:?}"),
        });
    }
    log
}

/// Four children of the given kinds, all running; what follows when `child` ends.
fn check(strategy: Strategy, kinds: [Restart; 4], child: u64, reason: &Exit) -> Vec<String> {
    let now = Instant::now();
    let mut plan = plan(SupervisorOptions { strategy, ..SupervisorOptions::DEFAULT }, &kinds.map(options), now);
    plan.exited(Key(child), reason, now);
    actions(&mut plan, now)
}

#[test]
fn each_strategy_restarts_whom_it_should() {
    let boom = Exit::error("boom");
    assert_eq!(check(Strategy::OneForOne, [P, P, P, P], 2, &boom), ["start 2"]);
    assert_eq!(
        check(Strategy::OneForAll, [P, P, P, P], 2, &boom),
        ["stop 4", "stop 3", "stop 1", "start 1", "start 2", "start 3", "start 4"]
    );
    assert_eq!(
        check(Strategy::RestForOne, [P, P, P, P], 2, &boom),
        ["stop 4", "stop 3", "start 2", "start 3", "start 4"]
    );
    assert_eq!(
        check(Strategy::OneForAll, [P, P, P, Tmp], 2, &boom),
        ["stop 4", "forget 4", "stop 3", "stop 1", "start 1", "start 2", "start 3"]
    );
}

#[test]
fn each_kind_is_restarted_when_it_should() {
    let boom = Exit::error("boom");
    for (kind, reason, expected) in [
        (P, &boom, "start 2"),
        (P, &Exit::Normal, "start 2"),
        (P, &Exit::shutdown(), "start 2"),
        (Tr, &boom, "start 2"),
        (Tr, &Exit::Killed, "start 2"),
        (Tr, &Exit::Normal, "close 2"),
        (Tr, &Exit::Shutdown(Some("later".into())), "close 2"),
        (Tmp, &boom, "forget 2"),
        (Tmp, &Exit::Normal, "forget 2"),
    ] {
        assert_eq!(check(Strategy::OneForOne, [P, kind, P, P], 2, reason), [expected], "{kind:?} {reason:?}");
    }
}

#[test]
fn it_gives_up_when_restarts_in_the_window_exceed_the_intensity() {
    let (flags, start) = (SupervisorOptions { intensity: 2, ..SupervisorOptions::DEFAULT }, Instant::now());
    let mut plan = plan(flags, &[options(P)], start);
    for (second, expected) in
        [(0, "start 1"), (1, "start 1"), (7, "start 1"), (8, "start 1"), (9, "end: TooManyRestarts")]
    {
        let now = start + Duration::from_secs(second);
        plan.exited(Key(1), &Exit::error("boom"), now);
        assert_eq!(actions(&mut plan, now), [expected], "after {second} s");
    }
}

#[test]
fn a_restart_that_fails_midway_goes_on_where_it_stopped() {
    let now = Instant::now();
    let flags = SupervisorOptions { strategy: Strategy::RestForOne, intensity: 9, ..SupervisorOptions::DEFAULT };
    let mut plan = plan(flags, &[options(P), options(P), options(P), options(P)], now);
    plan.exited(Key(2), &Exit::error("boom"), now);
    let (mut log, mut ticket) = (Vec::new(), None);
    while let Some(action) = plan.next() {
        match action {
            Action::Stop(key) => plan.stopped(key),
            Action::Start(Key(3)) => plan.failed(Key(3)),
            Action::Start(key) => plan.started(key, now),
            Action::Retry { ticket: due, .. } => ticket = Some(due),
            _ => {}
        }
        log.push(action);
    }
    assert_eq!(log.len(), 5, "{log:?}");
    let states: Vec<_> = (1..5).map(|n| plan.state(Key(n)).unwrap()).collect();
    assert_eq!(states, [State::Up, State::Up, State::Restarting, State::Down]);
    assert_eq!(plan.restart(Key(3)), Err(ChildError::Restarting));
    assert_eq!(plan.delete(Key(3)), Err(ChildError::Restarting));
    plan.retry(Key(3), ticket.unwrap(), now);
    assert_eq!(actions(&mut plan, now), ["start 3", "start 4"]);
    // The same retry once more has been overtaken.
    plan.retry(Key(3), ticket.unwrap(), now);
    assert_eq!(plan.next(), None);
}

#[test]
fn a_failing_start_takes_back_what_was_started() {
    let now = Instant::now();
    let mut plan = Plan::new(SupervisorOptions::DEFAULT, false);
    for _ in 0..3 {
        plan.add(None, options(P)).unwrap();
    }
    plan.begin();
    assert_eq!(plan.next(), Some(Action::Start(Key(1))));
    plan.started(Key(1), now);
    assert_eq!(plan.next(), Some(Action::Start(Key(2))));
    plan.started(Key(2), now);
    assert_eq!(plan.next(), Some(Action::Start(Key(3))));
    plan.failed(Key(3));
    assert_eq!(actions(&mut plan, now), ["stop 2", "stop 1"]);
}

#[test]
fn a_child_added_or_started_by_hand_fails_without_a_retry() {
    let now = Instant::now();
    let mut plan = plan(SupervisorOptions::DEFAULT, &[options(P)], now);
    assert_eq!(plan.add(Some("0".into()), options(P)), Err(Taken::Running(Key(1))));
    let new = plan.add(Some("new".into()), options(P)).unwrap();
    plan.begin_child(new);
    assert_eq!(plan.next(), Some(Action::Start(new)));
    plan.failed(new);
    assert_eq!(plan.next(), Some(Action::Close { child: new, forgotten: true }));
    assert_eq!((plan.find("new"), plan.next()), (None, None));

    plan.terminate(Key(1)).unwrap();
    assert_eq!(actions(&mut plan, now), ["stop 1", "close 1"]);
    assert_eq!(plan.add(Some("0".into()), options(P)), Err(Taken::Present));
    plan.restart(Key(1)).unwrap();
    assert_eq!(plan.next(), Some(Action::Start(Key(1))));
    plan.failed(Key(1));
    assert_eq!(actions(&mut plan, now), ["close 1"]);
    assert_eq!(plan.state(Key(1)), Some(State::Down));
    plan.delete(Key(1)).unwrap();
    assert_eq!(actions(&mut plan, now), ["forget 1"]);
    assert_eq!(plan.terminate(Key(1)), Err(ChildError::NotFound));
}

#[test]
fn a_backoff_waits_longer_each_time_in_a_row_and_counts_once() {
    let backoff = Some(Backoff { min: Duration::from_millis(100), max: Duration::from_secs(10) });
    let flags = SupervisorOptions { strategy: Strategy::OneForAll, intensity: 3, ..SupervisorOptions::DEFAULT };
    let mut now = Instant::now();
    let mut plan = plan(flags, &[options(P), ChildOptions { backoff, ..options(P) }], now);
    let mut crash = |pause: u64| {
        now += Duration::from_secs(pause);
        plan.exited(Key(2), &Exit::error("boom"), now);
        assert_eq!(plan.next(), Some(Action::Stop(Key(1))));
        plan.stopped(Key(1));
        let Some(Action::Retry { ticket, attempt, .. }) = plan.next() else { panic!("a retry") };
        assert_eq!(plan.next(), None);
        plan.retry(Key(2), ticket, now);
        assert_eq!(actions(&mut plan, now), ["start 1", "start 2"]);
        attempt
    };
    assert_eq!([crash(0), crash(1), crash(1), crash(10), crash(1)], [0, 1, 2, 0, 1]);
}
