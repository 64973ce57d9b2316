//! The plan against a model that is written from OTP's documentation: simple lists, copied and rebuilt at each step.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::supervisor::plan::*;

/// A random number generator with the same numbers in every run: splitmix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// The environment of a supervisor: the starts that fail, and the log of what it did.
#[derive(Default)]
struct Environment {
    failing_starts: HashMap<u64, u64>,
    log: Vec<String>,
}

impl Environment {
    fn start(&mut self, id: u64) -> bool {
        let failing = self.failing_starts.entry(id).or_default();
        let fails = *failing > 0;
        *failing = failing.saturating_sub(1);
        self.log.push(format!("{} {id}", if fails { "failed" } else { "start" }));
        !fails
    }

    fn stop(&mut self, id: u64) {
        self.log.push(format!("stop {id}"));
    }
}

/// The field `pid` of OTP's child record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pid {
    Running,
    Undefined,
    Restarting,
}

#[derive(Clone, Debug)]
struct ModelChild {
    id: u64,
    options: ChildOptions,
    pid: Pid,
}

/// A request to the supervisor.
#[derive(Clone, Copy, PartialEq)]
enum Request {
    Terminate,
    Restart,
    Delete,
    Add,
}

/// A supervisor as OTP's manual describes it.
struct Model {
    supervisor: SupervisorOptions,
    children: Vec<ModelChild>,
    restarts: Vec<u64>,
    retries: VecDeque<u64>,
    has_ended: bool,
}

impl Model {
    fn child(&mut self, id: u64) -> Option<&mut ModelChild> {
        self.children.iter_mut().find(|child| child.id == id)
    }

    fn remove_if_temporary(&mut self, id: u64) {
        self.children.retain(|child| child.id != id || child.options.restart != Restart::Temporary);
        if let Some(child) = self.child(id) {
            child.pid = Pid::Undefined;
        }
    }

    fn shut_down(&mut self, environment: &mut Environment) {
        self.has_ended = true;
        for child in self.children.iter().rev().filter(|child| child.pid == Pid::Running) {
            environment.stop(child.id);
        }
        self.children.clear();
        self.retries.clear();
    }

    fn child_exited(&mut self, id: u64, reason: &Exit, second: u64, environment: &mut Environment) {
        let Some(child) = self.child(id).filter(|child| child.pid == Pid::Running).map(|child| child.clone()) else {
            return;
        };
        let permanent = child.options.restart == Restart::Permanent;
        let transient = child.options.restart == Restart::Transient;
        if permanent || (transient && !reason.is_orderly()) {
            return self.restart(id, second, environment);
        }
        self.remove_if_temporary(id);
        let significant = |child: &ModelChild| child.options.significant && child.pid != Pid::Undefined;
        let shut_down = match self.supervisor.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => child.options.significant,
            AutoShutdown::All => child.options.significant && !self.children.iter().any(significant),
        };
        if shut_down {
            self.shut_down(environment);
        }
    }

    fn restart(&mut self, id: u64, second: u64, environment: &mut Environment) {
        self.restarts.push(second);
        let period = self.supervisor.period.as_secs();
        let recent = self.restarts.iter().filter(|&&at| second - at <= period).count();
        if recent > self.supervisor.intensity as usize {
            self.remove_if_temporary(id);
            return self.shut_down(environment);
        }
        if let Some(child) = self.child(id) {
            child.pid = Pid::Undefined;
        }
        let at = self.children.iter().position(|child| child.id == id).unwrap();
        let (before, affected, after) = match self.supervisor.strategy {
            Strategy::OneForOne => {
                (self.children[..at].to_vec(), vec![self.children[at].clone()], self.children[at + 1..].to_vec())
            }
            Strategy::OneForAll => (vec![], self.children.clone(), vec![]),
            Strategy::RestForOne => (self.children[..at].to_vec(), self.children[at..].to_vec(), vec![]),
        };
        let mut stopped = Vec::new();
        for mut child in affected.into_iter().rev() {
            if child.pid == Pid::Running {
                environment.stop(child.id);
            }
            child.pid = Pid::Undefined;
            if child.options.restart != Restart::Temporary {
                stopped.insert(0, child);
            }
        }
        for child in &mut stopped {
            if !environment.start(child.id) {
                child.pid = Pid::Restarting;
                self.retries.push_back(child.id);
                break;
            }
            child.pid = Pid::Running;
        }
        self.children = [before, stopped, after].concat();
    }

    fn run_retries(&mut self, second: u64, environment: &mut Environment) {
        while let Some(id) = self.retries.pop_front() {
            if self.child(id).is_some_and(|child| child.pid == Pid::Restarting) {
                self.restart(id, second, environment);
            }
        }
    }

    fn handle(
        &mut self,
        request: Request,
        id: u64,
        options: ChildOptions,
        environment: &mut Environment,
    ) -> Result<(), ChildError> {
        if request == Request::Add {
            return match self.child(id).map(|child| child.pid) {
                // The pid in the error is not part of the plan.
                Some(Pid::Running) => Err(ChildError::Running),
                Some(_) => Err(ChildError::AlreadyPresent),
                None if environment.start(id) => {
                    self.children.push(ModelChild { id, options, pid: Pid::Running });
                    Ok(())
                }
                None => Ok(()),
            };
        }
        let child = self.child(id).ok_or(ChildError::NotFound)?;
        match (request, child.pid) {
            (Request::Terminate, Pid::Running) => {
                environment.stop(id);
                self.remove_if_temporary(id);
            }
            (Request::Terminate, _) => child.pid = Pid::Undefined,
            (_, Pid::Running) => return Err(ChildError::Running),
            (_, Pid::Restarting) => return Err(ChildError::Restarting),
            (Request::Restart, Pid::Undefined) => {
                if environment.start(id) {
                    child.pid = Pid::Running;
                }
            }
            (_, Pid::Undefined) => self.children.retain(|child| child.id != id),
        }
        Ok(())
    }

    fn children(&self) -> Vec<(u64, ChildState)> {
        let state = |pid| match pid {
            Pid::Running => ChildState::Up,
            Pid::Undefined => ChildState::Down,
            Pid::Restarting => ChildState::Restarting,
        };
        self.children.iter().map(|child| (child.id, state(child.pid))).collect()
    }
}

/// The plan, executed in an environment of the same kind.
struct Executor {
    plan: Plan,
    ids: HashMap<ChildKey, u64>,
    retries: VecDeque<(ChildKey, RetryId)>,
    has_ended: bool,
}

impl Executor {
    fn execute_actions(&mut self, now: Instant, environment: &mut Environment, retries: bool) {
        loop {
            while let Some(action) = self.plan.next_action() {
                match action {
                    Action::Start(key) if environment.start(self.ids[&key]) => self.plan.child_started(key, now),
                    Action::Start(key) => self.plan.start_failed(key),
                    Action::Stop(key) => {
                        environment.stop(self.ids[&key]);
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
            match self.retries.pop_front() {
                Some((key, id)) if retries => self.plan.retry(key, id, now),
                Some(retry) => return self.retries.push_front(retry),
                None => return,
            }
        }
    }

    fn handle(&mut self, request: Request, id: u64, options: ChildOptions) -> Result<(), ChildError> {
        if request == Request::Add {
            let key = self.plan.add(Some(id.to_string().into()), options).map_err(|taken| match taken {
                IdTaken::Running(_) => ChildError::Running,
                IdTaken::NotRunning => ChildError::AlreadyPresent,
            })?;
            self.ids.insert(key, id);
            self.plan.start_added(key);
            return Ok(());
        }
        let key = self.plan.find(&id.to_string()).ok_or(ChildError::NotFound)?;
        match request {
            Request::Terminate => self.plan.terminate(key),
            Request::Restart => self.plan.restart(key),
            _ => self.plan.delete(key),
        }
    }

    fn children(&self) -> Vec<(u64, ChildState)> {
        self.plan.keys().map(|key| (self.ids[&key], self.plan.state(key).unwrap())).collect()
    }
}

fn options(rng: &mut Rng, supervisor: &SupervisorOptions) -> ChildOptions {
    let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary][rng.below(3) as usize];
    let may_be_significant = supervisor.auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
    ChildOptions { restart, significant: may_be_significant && rng.below(2) == 0, ..ChildOptions::DEFAULT }
}

/// Runs a random program in the model and in the plan and compares them after each step. Returns the number of steps.
fn check(seed: u64) -> u64 {
    let mut rng = Rng(seed);
    let supervisor = SupervisorOptions {
        strategy: [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne][rng.below(3) as usize],
        intensity: rng.below(6) as u32,
        period: Duration::from_secs(1 + rng.below(9)),
        auto_shutdown: [AutoShutdown::Never, AutoShutdown::Any, AutoShutdown::All][rng.below(3) as usize],
    };
    let mut model =
        Model { supervisor, children: vec![], restarts: vec![], retries: VecDeque::new(), has_ended: false };
    let mut executor = Executor {
        plan: Plan::new(supervisor, false),
        ids: HashMap::new(),
        retries: VecDeque::new(),
        has_ended: false,
    };
    let (mut expected, mut actual) = (Environment::default(), Environment::default());
    for id in 0..1 + rng.below(6) {
        let options = options(&mut rng, &supervisor);
        let key = executor.plan.add(Some(id.to_string().into()), options).unwrap();
        executor.ids.insert(key, id);
        expected.start(id);
        model.children.push(ModelChild { id, options, pid: Pid::Running });
    }
    let (begin, mut second, mut steps) = (Instant::now(), 0, 0);
    executor.plan.start_all();
    executor.execute_actions(begin, &mut actual, true);
    while steps < 40 && !model.has_ended {
        steps += 1;
        second += rng.below(4);
        let (now, id) = (begin + Duration::from_secs(second), rng.below(8));
        match rng.below(8) {
            n @ 0..4 => {
                let request = [Request::Terminate, Request::Restart, Request::Delete, Request::Add][n as usize];
                let options = options(&mut rng, &supervisor);
                let answers =
                    (model.handle(request, id, options, &mut expected), executor.handle(request, id, options));
                assert_eq!(answers.0, answers.1, "seed {seed}, step {steps}");
            }
            4 => {
                let failures = rng.below(4);
                expected.failing_starts.insert(id, failures);
                actual.failing_starts.insert(id, failures);
            }
            _ => {
                let reason =
                    [Exit::Normal, Exit::shutdown(), Exit::Killed, Exit::error("boom")][rng.below(4) as usize].clone();
                model.child_exited(id, &reason, second, &mut expected);
                if let Some(key) = executor.plan.find(&id.to_string()) {
                    executor.plan.child_exited(key, &reason, now);
                }
            }
        }
        // Retries may have to wait behind other messages.
        let handle_retries = rng.below(3) > 0;
        executor.execute_actions(now, &mut actual, handle_retries);
        if handle_retries {
            model.run_retries(second, &mut expected);
        }
        assert_eq!(expected.log, actual.log, "seed {seed}, step {steps}");
        assert_eq!(model.has_ended, executor.has_ended, "seed {seed}, step {steps}");
        if !model.has_ended {
            assert_eq!(model.children(), executor.children(), "seed {seed}, step {steps}");
        }
    }
    steps
}

#[test]
fn the_plan_follows_otps_manual() {
    let steps: u64 = (0..5_000).map(check).sum();
    assert!(steps > 50_000, "only {steps} steps");
}
