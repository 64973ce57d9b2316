//! What a real BEAM's supervisors did in 300 random programs, against the plan alone: every line the same.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Instant;

use serde_json::Value;

use super::super::*;

const SCENARIOS: &str = include_str!("../../../../../../tests/conformance/tree.json");
const EXPECTED: &str = include_str!("../../../../../../tests/conformance/tree.expected");

/// A supervisor whose children are names.
struct Bench {
    plan: Plan,
    now: Instant,
    gone: bool,
    log: String,
    retries: VecDeque<(Key, Ticket)>,
    ids: BTreeMap<Key, u64>,
    graceful: BTreeMap<u64, bool>,
    failing: BTreeMap<u64, u64>,
    /// Whether the last start that was asked for failed.
    refused: bool,
}

impl Bench {
    fn settle(&mut self) {
        loop {
            while let Some(action) = self.plan.next() {
                self.carry_out(action);
            }
            let Some((key, ticket)) = self.retries.pop_front() else { return };
            self.plan.retry(key, ticket, self.now);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Start(key) => {
                let id = self.ids[&key];
                let failing = self.failing.entry(id).or_default();
                self.refused = *failing > 0;
                if self.refused {
                    *failing -= 1;
                    writeln!(self.log, "failed {id}").unwrap();
                    self.plan.failed(key);
                } else {
                    writeln!(self.log, "start {id}").unwrap();
                    self.plan.started(key, self.now);
                }
            }
            Action::Stop(key) => {
                let id = self.ids[&key];
                if self.graceful[&id] {
                    writeln!(self.log, "stop {id}").unwrap();
                }
                self.plan.stopped(key);
            }
            Action::Close { .. } => {}
            Action::Retry { child, ticket, .. } => self.retries.push_back((child, ticket)),
            Action::End(_) => {
                self.gone = true;
                self.retries.clear();
                self.plan.end();
            }
        }
    }

    fn step(&mut self, step: &[Value]) {
        let (word, id) = (step[0].as_str().unwrap(), step[1].as_u64().unwrap());
        let text: Vec<_> = step.iter().map(|part| part.to_string().replace('"', "")).collect();
        writeln!(self.log, "> {}", text.join(" ")).unwrap();
        let key = if self.gone { None } else { self.plan.find(&id.to_string()) };
        match word {
            "failstart" => {
                self.failing.insert(id, step[2].as_u64().unwrap());
            }
            "crash" => {
                if let Some(key) = key.filter(|&key| self.plan.state(key) == Some(State::Up)) {
                    let reason = match step[2].as_str().unwrap() {
                        "normal" => Exit::Normal,
                        "shutdown" => Exit::shutdown(),
                        "kill" => Exit::Killed,
                        other => Exit::error(other),
                    };
                    if reason != Exit::Killed {
                        writeln!(self.log, "die {id}").unwrap();
                    }
                    self.plan.exited(key, &reason, self.now);
                }
            }
            asked => self.ask(asked, key),
        }
        self.settle();
        self.children();
    }

    fn ask(&mut self, asked: &str, key: Option<Key>) {
        let answer = match key {
            _ if self.gone => Err(ChildError::NoProc),
            None => Err(ChildError::NotFound),
            Some(key) => match asked {
                "terminate" => self.plan.terminate(key),
                "restart" => self.plan.restart(key),
                _ => self.plan.delete(key),
            },
        };
        // What follows from it comes after it in the log, but may change it.
        let place = self.log.len();
        let started = answer.is_ok() && asked == "restart";
        self.settle();
        let answer = match answer {
            Ok(()) if started && self.refused => "error refused",
            Ok(()) => "ok",
            Err(ChildError::NoProc) => "noproc",
            Err(ChildError::NotFound) => "error not_found",
            Err(ChildError::Running) => "error running",
            Err(ChildError::Restarting) => "error restarting",
            Err(other) => panic!("{other}"),
        };
        self.log.insert_str(place, &format!("{answer}\n"));
    }

    fn children(&mut self) {
        let state = |key| match self.plan.state(key) {
            Some(State::Up) => "up",
            Some(State::Down) => "none",
            Some(State::Restarting) => "restarting",
            None => "forgotten",
        };
        let children: Vec<_> = self.plan.keys().map(|key| format!("{}:{}", self.ids[&key], state(key))).collect();
        self.log.push_str("children ");
        self.log.push_str(if self.gone { "gone".to_owned() } else { children.join(" ") }.as_str());
        self.log.push('\n');
    }
}

fn run(scenario: &[Vec<Value>]) -> String {
    let [_, strategy, intensity, auto_shutdown] = &scenario[0][..] else { panic!("a scenario begins with `sup`") };
    let flags = SupervisorOptions {
        strategy: match strategy.as_str().unwrap() {
            "one_for_one" => Strategy::OneForOne,
            "one_for_all" => Strategy::OneForAll,
            _ => Strategy::RestForOne,
        },
        intensity: u32::try_from(intensity.as_u64().unwrap()).unwrap(),
        period: std::time::Duration::from_secs(3600),
        auto_shutdown: match auto_shutdown.as_str().unwrap() {
            "never" => AutoShutdown::Never,
            "any_significant" => AutoShutdown::Any,
            _ => AutoShutdown::All,
        },
    };
    let mut bench = Bench {
        plan: Plan::new(flags, false),
        now: Instant::now(),
        gone: false,
        log: String::new(),
        retries: VecDeque::new(),
        ids: BTreeMap::new(),
        graceful: BTreeMap::new(),
        failing: BTreeMap::new(),
        refused: false,
    };
    let (kids, steps): (Vec<_>, Vec<_>) = scenario[1..].iter().partition(|step| step[0] == "kid");
    for kid in kids {
        let id = kid[1].as_u64().unwrap();
        let options = ChildOptions {
            restart: match kid[2].as_str().unwrap() {
                "permanent" => Restart::Permanent,
                "transient" => Restart::Transient,
                _ => Restart::Temporary,
            },
            significant: kid[3].as_bool().unwrap(),
            ..ChildOptions::DEFAULT
        };
        let key = bench.plan.add(Some(id.to_string().into()), options).unwrap();
        bench.ids.insert(key, id);
        bench.graceful.insert(id, kid[4] == "graceful");
    }
    bench.plan.begin();
    bench.settle();
    // How it began is not part of the record.
    bench.log.clear();
    for step in steps {
        bench.step(step);
    }
    if !bench.gone {
        bench.log.push_str("> end\n");
        bench.plan.end();
        bench.settle();
        bench.gone = true;
        bench.children();
    }
    bench.log.push_str("sup ended shutdown\n");
    bench.log
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
