mod conformance;
mod model;

use std::time::Duration;

use super::*;
use crate::supervisor::Backoff;

use Restart::{Permanent as P, Temporary as Tmp, Transient as Tr};

fn child(restart: Restart) -> ChildOptions {
    ChildOptions { restart, ..ChildOptions::DEFAULT }
}

/// Returns a plan with these children, whose keys count from 1, all running.
fn plan(supervisor: SupervisorOptions, children: &[ChildOptions], now: Instant) -> Plan {
    let mut plan = Plan::new(supervisor, false);
    for (n, options) in children.iter().enumerate() {
        plan.add(Some(n.to_string().into()), *options).unwrap();
    }
    plan.start_all();
    while let Some(action) = plan.next_action() {
        let Action::Start(key) = action else { panic!("{action:?}") };
        plan.child_started(key, now);
    }
    plan
}

/// Executes all actions successfully and returns them as text.
fn actions(plan: &mut Plan, now: Instant) -> Vec<String> {
    let mut log = Vec::new();
    while let Some(action) = plan.next_action() {
        log.push(match action {
            Action::Start(key) => {
                plan.child_started(key, now);
                format!("start {}", key.0)
            }
            Action::Stop(key) => {
                plan.child_stopped(key);
                format!("stop {}", key.0)
            }
            Action::Close { child, removed } => {
                format!("{} {}", if removed { "remove" } else { "close" }, child.0)
            }
            Action::Retry { child, attempt, .. } => format!("retry {} after {attempt}", child.0),
            Action::ShutDown(cause) => format!("shut down: {cause:?}"),
        });
    }
    log
}

/// Returns the actions after the exit of the child `exited`, one of four running children.
fn actions_after_exit(strategy: Strategy, kinds: [Restart; 4], exited: u64, reason: &Exit) -> Vec<String> {
    let now = Instant::now();
    let mut plan = plan(SupervisorOptions { strategy, ..SupervisorOptions::DEFAULT }, &kinds.map(child), now);
    plan.child_exited(ChildKey(exited), reason, now);
    actions(&mut plan, now)
}

#[test]
fn each_strategy_restarts_its_children() {
    let boom = Exit::error("boom");
    assert_eq!(actions_after_exit(Strategy::OneForOne, [P, P, P, P], 2, &boom), ["start 2"]);
    assert_eq!(
        actions_after_exit(Strategy::OneForAll, [P, P, P, P], 2, &boom),
        ["stop 4", "stop 3", "stop 1", "start 1", "start 2", "start 3", "start 4"]
    );
    assert_eq!(
        actions_after_exit(Strategy::RestForOne, [P, P, P, P], 2, &boom),
        ["stop 4", "stop 3", "start 2", "start 3", "start 4"]
    );
    assert_eq!(
        actions_after_exit(Strategy::OneForAll, [P, P, P, Tmp], 2, &boom),
        ["stop 4", "remove 4", "stop 3", "stop 1", "start 1", "start 2", "start 3"]
    );
}

#[test]
fn each_restart_kind_depends_on_the_exit_reason() {
    let boom = Exit::error("boom");
    for (kind, reason, expected) in [
        (P, &boom, "start 2"),
        (P, &Exit::Normal, "start 2"),
        (P, &Exit::shutdown(), "start 2"),
        (Tr, &boom, "start 2"),
        (Tr, &Exit::Killed, "start 2"),
        (Tr, &Exit::Normal, "close 2"),
        (Tr, &Exit::Shutdown(Some("later".into())), "close 2"),
        (Tmp, &boom, "remove 2"),
        (Tmp, &Exit::Normal, "remove 2"),
    ] {
        assert_eq!(
            actions_after_exit(Strategy::OneForOne, [P, kind, P, P], 2, reason),
            [expected],
            "{kind:?} {reason:?}"
        );
    }
}

#[test]
fn the_supervisor_gives_up_when_restarts_in_the_window_exceed_the_intensity() {
    let (supervisor, start) = (SupervisorOptions { intensity: 2, ..SupervisorOptions::DEFAULT }, Instant::now());
    let mut plan = plan(supervisor, &[child(P)], start);
    for (second, expected) in
        [(0, "start 1"), (1, "start 1"), (7, "start 1"), (8, "start 1"), (9, "shut down: TooManyRestarts")]
    {
        let now = start + Duration::from_secs(second);
        plan.child_exited(ChildKey(1), &Exit::error("boom"), now);
        assert_eq!(actions(&mut plan, now), [expected], "after {second} s");
    }
}

#[test]
fn a_restart_that_fails_midway_continues_with_its_retry() {
    let now = Instant::now();
    let supervisor = SupervisorOptions { strategy: Strategy::RestForOne, intensity: 9, ..SupervisorOptions::DEFAULT };
    let mut plan = plan(supervisor, &[child(P), child(P), child(P), child(P)], now);
    plan.child_exited(ChildKey(2), &Exit::error("boom"), now);
    let (mut log, mut retry) = (Vec::new(), None);
    while let Some(action) = plan.next_action() {
        match action {
            Action::Stop(key) => plan.child_stopped(key),
            Action::Start(ChildKey(3)) => plan.start_failed(ChildKey(3)),
            Action::Start(key) => plan.child_started(key, now),
            Action::Retry { id: due, .. } => retry = Some(due),
            _ => {}
        }
        log.push(action);
    }
    assert_eq!(log.len(), 5, "{log:?}");
    let states: Vec<_> = (1..5).map(|n| plan.state(ChildKey(n)).unwrap()).collect();
    assert_eq!(states, [ChildState::Up, ChildState::Up, ChildState::Restarting, ChildState::Down]);
    assert_eq!(plan.restart(ChildKey(3)), Err(ChildError::Restarting));
    assert_eq!(plan.delete(ChildKey(3)), Err(ChildError::Restarting));
    plan.retry(ChildKey(3), retry.unwrap(), now);
    assert_eq!(actions(&mut plan, now), ["start 3", "start 4"]);
    // A second retry with the same id is ignored.
    plan.retry(ChildKey(3), retry.unwrap(), now);
    assert_eq!(plan.next_action(), None);
}

#[test]
fn a_failed_first_start_stops_the_started_children() {
    let now = Instant::now();
    let mut plan = Plan::new(SupervisorOptions::DEFAULT, false);
    for _ in 0..3 {
        plan.add(None, child(P)).unwrap();
    }
    plan.start_all();
    assert_eq!(plan.next_action(), Some(Action::Start(ChildKey(1))));
    plan.child_started(ChildKey(1), now);
    assert_eq!(plan.next_action(), Some(Action::Start(ChildKey(2))));
    plan.child_started(ChildKey(2), now);
    assert_eq!(plan.next_action(), Some(Action::Start(ChildKey(3))));
    plan.start_failed(ChildKey(3));
    assert_eq!(actions(&mut plan, now), ["stop 2", "stop 1"]);
}

#[test]
fn a_requested_start_that_fails_is_not_retried() {
    let now = Instant::now();
    let mut plan = plan(SupervisorOptions::DEFAULT, &[child(P)], now);
    assert_eq!(plan.add(Some("0".into()), child(P)), Err(IdTaken::Running(ChildKey(1))));
    let new = plan.add(Some("new".into()), child(P)).unwrap();
    plan.start_added(new);
    assert_eq!(plan.next_action(), Some(Action::Start(new)));
    plan.start_failed(new);
    assert_eq!(plan.next_action(), Some(Action::Close { child: new, removed: true }));
    assert_eq!((plan.find("new"), plan.next_action()), (None, None));

    plan.terminate(ChildKey(1)).unwrap();
    assert_eq!(actions(&mut plan, now), ["stop 1", "close 1"]);
    assert_eq!(plan.add(Some("0".into()), child(P)), Err(IdTaken::NotRunning));
    plan.restart(ChildKey(1)).unwrap();
    assert_eq!(plan.next_action(), Some(Action::Start(ChildKey(1))));
    plan.start_failed(ChildKey(1));
    assert_eq!(actions(&mut plan, now), ["close 1"]);
    assert_eq!(plan.state(ChildKey(1)), Some(ChildState::Down));
    plan.delete(ChildKey(1)).unwrap();
    assert_eq!(actions(&mut plan, now), ["remove 1"]);
    assert_eq!(plan.terminate(ChildKey(1)), Err(ChildError::NotFound));
}

#[test]
fn a_backoff_counts_restarts_in_a_row_and_uses_the_intensity_once() {
    let backoff = Some(Backoff { min: Duration::from_millis(100), max: Duration::from_secs(10) });
    let supervisor = SupervisorOptions { strategy: Strategy::OneForAll, intensity: 3, ..SupervisorOptions::DEFAULT };
    let mut now = Instant::now();
    let mut plan = plan(supervisor, &[child(P), ChildOptions { backoff, ..child(P) }], now);
    let mut crash = |pause: u64| {
        now += Duration::from_secs(pause);
        plan.child_exited(ChildKey(2), &Exit::error("boom"), now);
        assert_eq!(plan.next_action(), Some(Action::Stop(ChildKey(1))));
        plan.child_stopped(ChildKey(1));
        let Some(Action::Retry { id, attempt, .. }) = plan.next_action() else { panic!("a retry") };
        assert_eq!(plan.next_action(), None);
        plan.retry(ChildKey(2), id, now);
        assert_eq!(actions(&mut plan, now), ["start 1", "start 2"]);
        attempt
    };
    assert_eq!([crash(0), crash(1), crash(1), crash(10), crash(1)], [0, 1, 2, 0, 1]);
}
