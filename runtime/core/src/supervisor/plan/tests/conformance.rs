//! The plan against recordings of OTP's supervisors in 300 random programs: each line of the log must be equal.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::supervisor::plan::*;

const SCENARIOS: &str = include_str!("../../../../../../tests/conformance/tree.json");
const EXPECTED: &str = include_str!("../../../../../../tests/conformance/tree.expected");
/// The recording's word for a child that ends itself.
const EXITS: &str = "die";

/// A supervisor that executes the plan without processes, and logs each action.
struct Executor {
    plan: Plan,
    now: Instant,
    has_ended: bool,
    log: String,
    retries: VecDeque<(ChildKey, RetryId)>,
    ids: BTreeMap<ChildKey, u64>,
    graceful: BTreeMap<u64, bool>,
    failing_starts: BTreeMap<u64, u64>,
    /// True if the last start failed.
    start_failed: bool,
}

impl Executor {
    fn execute_actions(&mut self) {
        loop {
            while let Some(action) = self.plan.next_action() {
                self.execute(action);
            }
            let Some((key, id)) = self.retries.pop_front() else { return };
            self.plan.retry(key, id, self.now);
        }
    }

    fn execute(&mut self, action: Action) {
        match action {
            Action::Start(key) => {
                let id = self.ids[&key];
                let failing = self.failing_starts.entry(id).or_default();
                self.start_failed = *failing > 0;
                if self.start_failed {
                    *failing -= 1;
                    writeln!(self.log, "failed {id}").unwrap();
                    self.plan.start_failed(key);
                } else {
                    writeln!(self.log, "start {id}").unwrap();
                    self.plan.child_started(key, self.now);
                }
            }
            Action::Stop(key) => {
                let id = self.ids[&key];
                if self.graceful[&id] {
                    writeln!(self.log, "stop {id}").unwrap();
                }
                self.plan.child_stopped(key);
            }
            Action::Close { .. } => {}
            Action::Retry { child, id, .. } => self.retries.push_back((child, id)),
            Action::ShutDown(_) => {
                self.has_ended = true;
                self.retries.clear();
                self.plan.stop_all();
            }
        }
    }

    fn step(&mut self, step: &[Value]) {
        let (command, id) = (step[0].as_str().unwrap(), step[1].as_u64().unwrap());
        let text: Vec<_> = step.iter().map(|part| part.to_string().replace('"', "")).collect();
        writeln!(self.log, "> {}", text.join(" ")).unwrap();
        let key = if self.has_ended { None } else { self.plan.find(&id.to_string()) };
        match command {
            "failstart" => {
                self.failing_starts.insert(id, step[2].as_u64().unwrap());
            }
            "crash" => {
                if let Some(key) = key.filter(|&key| self.plan.state(key) == Some(ChildState::Up)) {
                    let reason = match step[2].as_str().unwrap() {
                        "normal" => Exit::Normal,
                        "shutdown" => Exit::shutdown(),
                        "kill" => Exit::Killed,
                        other => Exit::error(other),
                    };
                    if reason != Exit::Killed {
                        writeln!(self.log, "{EXITS} {id}").unwrap();
                    }
                    self.plan.child_exited(key, &reason, self.now);
                }
            }
            request => self.handle(request, key),
        }
        self.execute_actions();
        self.log_children();
    }

    fn handle(&mut self, request: &str, key: Option<ChildKey>) {
        let answer = match key {
            _ if self.has_ended => Err(ChildError::NoProc),
            None => Err(ChildError::NotFound),
            Some(key) => match request {
                "terminate" => self.plan.terminate(key),
                "restart" => self.plan.restart(key),
                _ => self.plan.delete(key),
            },
        };
        // The answer precedes the actions in the log, but depends on their results.
        let answer_position = self.log.len();
        let started = answer.is_ok() && request == "restart";
        self.execute_actions();
        let answer = match answer {
            Ok(()) if started && self.start_failed => "error refused",
            Ok(()) => "ok",
            Err(ChildError::NoProc) => "noproc",
            Err(ChildError::NotFound) => "error not_found",
            Err(ChildError::Running) => "error running",
            Err(ChildError::Restarting) => "error restarting",
            Err(other) => panic!("{other}"),
        };
        self.log.insert_str(answer_position, &format!("{answer}\n"));
    }

    fn log_children(&mut self) {
        let state = |key| match self.plan.state(key) {
            Some(ChildState::Up) => "up",
            Some(ChildState::Down) => "none",
            Some(ChildState::Restarting) => "restarting",
            None => "removed",
        };
        let children: Vec<_> = self.plan.keys().map(|key| format!("{}:{}", self.ids[&key], state(key))).collect();
        self.log.push_str("children ");
        self.log.push_str(if self.has_ended { "gone".to_owned() } else { children.join(" ") }.as_str());
        self.log.push('\n');
    }
}

fn run(scenario: &[Vec<Value>]) -> String {
    let [_, strategy, intensity, auto_shutdown] = &scenario[0][..] else { panic!("a scenario begins with `sup`") };
    let options = SupervisorOptions {
        strategy: match strategy.as_str().unwrap() {
            "one_for_one" => Strategy::OneForOne,
            "one_for_all" => Strategy::OneForAll,
            _ => Strategy::RestForOne,
        },
        intensity: u32::try_from(intensity.as_u64().unwrap()).unwrap(),
        period: Duration::from_secs(3600),
        auto_shutdown: match auto_shutdown.as_str().unwrap() {
            "never" => AutoShutdown::Never,
            "any_significant" => AutoShutdown::Any,
            _ => AutoShutdown::All,
        },
    };
    let mut executor = Executor {
        plan: Plan::new(options, false),
        now: Instant::now(),
        has_ended: false,
        log: String::new(),
        retries: VecDeque::new(),
        ids: BTreeMap::new(),
        graceful: BTreeMap::new(),
        failing_starts: BTreeMap::new(),
        start_failed: false,
    };
    let (children, steps): (Vec<_>, Vec<_>) = scenario[1..].iter().partition(|step| step[0] == "kid");
    for child in children {
        let id = child[1].as_u64().unwrap();
        let options = ChildOptions {
            restart: match child[2].as_str().unwrap() {
                "permanent" => Restart::Permanent,
                "transient" => Restart::Transient,
                _ => Restart::Temporary,
            },
            significant: child[3].as_bool().unwrap(),
            ..ChildOptions::DEFAULT
        };
        let key = executor.plan.add(Some(id.to_string().into()), options).unwrap();
        executor.ids.insert(key, id);
        executor.graceful.insert(id, child[4] == "graceful");
    }
    executor.plan.start_all();
    executor.execute_actions();
    // The first start is not part of the recordings.
    executor.log.clear();
    for step in steps {
        executor.step(step);
    }
    if !executor.has_ended {
        executor.log.push_str("> end\n");
        executor.plan.stop_all();
        executor.execute_actions();
        executor.has_ended = true;
        executor.log_children();
    }
    executor.log.push_str("sup ended shutdown\n");
    executor.log
}

#[test]
fn conformance_tree_plan() {
    let expected: Vec<&str> = EXPECTED.split("# scenario ").skip(1).collect();
    let scenarios: Vec<&str> = SCENARIOS.lines().collect();
    assert_eq!((scenarios.len(), expected.len()), (300, 300));
    for (n, (scenario, expected)) in scenarios.iter().zip(expected).enumerate() {
        let (_, expected) = expected.split_once('\n').unwrap();
        let scenario: Vec<Vec<Value>> = serde_json::from_str(scenario).unwrap();
        assert_eq!(run(&scenario), expected, "scenario {n}");
    }
}
