//! The plan against a naive model, written from OTP's text: whole lists, copied and rebuilt at each step.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::super::*;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// The world around a supervisor: which starts fail, and what happened.
#[derive(Default)]
struct World {
    failing: HashMap<u64, u64>,
    log: Vec<String>,
}

impl World {
    fn start(&mut self, id: u64) -> bool {
        let failing = self.failing.entry(id).or_default();
        let fails = *failing > 0;
        *failing = failing.saturating_sub(1);
        self.log.push(format!("{} {id}", if fails { "failed" } else { "start" }));
        !fails
    }

    fn stop(&mut self, id: u64) {
        self.log.push(format!("stop {id}"));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pid {
    Running,
    Undefined,
    Restarting,
}

#[derive(Clone, Debug)]
struct Kid {
    id: u64,
    options: ChildOptions,
    pid: Pid,
}

/// A supervisor as OTP's manual tells it.
struct Naive {
    flags: SupervisorOptions,
    kids: Vec<Kid>,
    restarts: Vec<u64>,
    again: VecDeque<u64>,
    gone: bool,
}

impl Naive {
    fn kid(&mut self, id: u64) -> Option<&mut Kid> {
        self.kids.iter_mut().find(|kid| kid.id == id)
    }

    fn remove_if_temporary(&mut self, id: u64) {
        self.kids.retain(|kid| kid.id != id || kid.options.restart != Restart::Temporary);
        if let Some(kid) = self.kid(id) {
            kid.pid = Pid::Undefined;
        }
    }

    fn shut_down(&mut self, world: &mut World) {
        self.gone = true;
        for kid in self.kids.iter().rev().filter(|kid| kid.pid == Pid::Running) {
            world.stop(kid.id);
        }
        self.kids.clear();
        self.again.clear();
    }

    fn exited(&mut self, id: u64, reason: &Exit, second: u64, world: &mut World) {
        let Some(kid) = self.kid(id).filter(|kid| kid.pid == Pid::Running).map(|kid| kid.clone()) else { return };
        let permanent = kid.options.restart == Restart::Permanent;
        let transient = kid.options.restart == Restart::Transient;
        if permanent || (transient && !reason.is_orderly()) {
            return self.restart(id, second, world);
        }
        self.remove_if_temporary(id);
        let significant = |kid: &Kid| kid.options.significant && kid.pid != Pid::Undefined;
        let over = match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::Any => kid.options.significant,
            AutoShutdown::All => kid.options.significant && !self.kids.iter().any(significant),
        };
        if over {
            self.shut_down(world);
        }
    }

    fn restart(&mut self, id: u64, second: u64, world: &mut World) {
        self.restarts.push(second);
        let period = self.flags.period.as_secs();
        let recent = self.restarts.iter().filter(|&&at| second - at <= period).count();
        if recent > self.flags.intensity as usize {
            self.remove_if_temporary(id);
            return self.shut_down(world);
        }
        if let Some(kid) = self.kid(id) {
            kid.pid = Pid::Undefined;
        }
        let at = self.kids.iter().position(|kid| kid.id == id).unwrap();
        let (before, affected, after) = match self.flags.strategy {
            Strategy::OneForOne => {
                (self.kids[..at].to_vec(), vec![self.kids[at].clone()], self.kids[at + 1..].to_vec())
            }
            Strategy::OneForAll => (vec![], self.kids.clone(), vec![]),
            Strategy::RestForOne => (self.kids[..at].to_vec(), self.kids[at..].to_vec(), vec![]),
        };
        let mut stopped = Vec::new();
        for mut kid in affected.into_iter().rev() {
            if kid.pid == Pid::Running {
                world.stop(kid.id);
            }
            kid.pid = Pid::Undefined;
            if kid.options.restart != Restart::Temporary {
                stopped.insert(0, kid);
            }
        }
        for kid in &mut stopped {
            if !world.start(kid.id) {
                kid.pid = Pid::Restarting;
                self.again.push_back(kid.id);
                break;
            }
            kid.pid = Pid::Running;
        }
        self.kids = [before, stopped, after].concat();
    }

    fn settle(&mut self, second: u64, world: &mut World) {
        while let Some(id) = self.again.pop_front() {
            if self.kid(id).is_some_and(|kid| kid.pid == Pid::Restarting) {
                self.restart(id, second, world);
            }
        }
    }

    fn ask(&mut self, asked: u64, id: u64, options: ChildOptions, world: &mut World) -> Result<(), ChildError> {
        if asked == 3 {
            return match self.kid(id).map(|kid| kid.pid) {
                // Which pid is told is the supervisor's business.
                Some(Pid::Running) => Err(ChildError::Running),
                Some(_) => Err(ChildError::AlreadyPresent),
                None if world.start(id) => {
                    self.kids.push(Kid { id, options, pid: Pid::Running });
                    Ok(())
                }
                None => Ok(()),
            };
        }
        let kid = self.kid(id).ok_or(ChildError::NotFound)?;
        match (asked, kid.pid) {
            (0, Pid::Running) => {
                world.stop(id);
                self.remove_if_temporary(id);
            }
            (0, _) => kid.pid = Pid::Undefined,
            (_, Pid::Running) => return Err(ChildError::Running),
            (_, Pid::Restarting) => return Err(ChildError::Restarting),
            (1, Pid::Undefined) => {
                if world.start(id) {
                    kid.pid = Pid::Running;
                }
            }
            (_, Pid::Undefined) => self.kids.retain(|kid| kid.id != id),
        }
        Ok(())
    }

    fn children(&self) -> Vec<(u64, State)> {
        let state = |pid| match pid {
            Pid::Running => State::Up,
            Pid::Undefined => State::Down,
            Pid::Restarting => State::Restarting,
        };
        self.kids.iter().map(|kid| (kid.id, state(kid.pid))).collect()
    }
}

/// The plan, carried out in the same world.
struct Real {
    plan: Plan,
    ids: HashMap<Key, u64>,
    again: VecDeque<(Key, Ticket)>,
    gone: bool,
}

impl Real {
    fn settle(&mut self, now: Instant, world: &mut World, retries: bool) {
        loop {
            while let Some(action) = self.plan.next() {
                match action {
                    Action::Start(key) if world.start(self.ids[&key]) => self.plan.started(key, now),
                    Action::Start(key) => self.plan.failed(key),
                    Action::Stop(key) => {
                        world.stop(self.ids[&key]);
                        self.plan.stopped(key);
                    }
                    Action::Close { .. } => {}
                    Action::Retry { child, ticket, .. } => self.again.push_back((child, ticket)),
                    Action::End(_) => {
                        self.gone = true;
                        self.again.clear();
                        self.plan.end();
                    }
                }
            }
            match self.again.pop_front() {
                Some((key, ticket)) if retries => self.plan.retry(key, ticket, now),
                Some(retry) => return self.again.push_front(retry),
                None => return,
            }
        }
    }

    fn ask(&mut self, asked: u64, id: u64, options: ChildOptions) -> Result<(), ChildError> {
        if asked == 3 {
            let key = self.plan.add(Some(id.to_string().into()), options).map_err(|taken| match taken {
                Taken::Running(_) => ChildError::Running,
                Taken::Present => ChildError::AlreadyPresent,
            })?;
            self.ids.insert(key, id);
            self.plan.begin_child(key);
            return Ok(());
        }
        let key = self.plan.find(&id.to_string()).ok_or(ChildError::NotFound)?;
        match asked {
            0 => self.plan.terminate(key),
            1 => self.plan.restart(key),
            _ => self.plan.delete(key),
        }
    }

    fn children(&self) -> Vec<(u64, State)> {
        self.plan.keys().map(|key| (self.ids[&key], self.plan.state(key).unwrap())).collect()
    }
}

fn options(dice: &mut Dice, flags: &SupervisorOptions) -> ChildOptions {
    let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary][dice.roll(3) as usize];
    let may = flags.auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
    ChildOptions { restart, significant: may && dice.roll(2) == 0, ..ChildOptions::DEFAULT }
}

/// One random life of a supervisor, in both.
fn life(seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let flags = SupervisorOptions {
        strategy: [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne][dice.roll(3) as usize],
        intensity: dice.roll(6) as u32,
        period: Duration::from_secs(1 + dice.roll(9)),
        auto_shutdown: [AutoShutdown::Never, AutoShutdown::Any, AutoShutdown::All][dice.roll(3) as usize],
    };
    let mut naive = Naive { flags, kids: vec![], restarts: vec![], again: VecDeque::new(), gone: false };
    let mut real = Real { plan: Plan::new(flags, false), ids: HashMap::new(), again: VecDeque::new(), gone: false };
    let (mut told, mut done) = (World::default(), World::default());
    for id in 0..1 + dice.roll(6) {
        let options = options(&mut dice, &flags);
        let key = real.plan.add(Some(id.to_string().into()), options).unwrap();
        real.ids.insert(key, id);
        told.start(id);
        naive.kids.push(Kid { id, options, pid: Pid::Running });
    }
    let (begin, mut second, mut steps) = (Instant::now(), 0, 0);
    real.plan.begin();
    real.settle(begin, &mut done, true);
    while steps < 40 && !naive.gone {
        steps += 1;
        second += dice.roll(4);
        let (now, id) = (begin + Duration::from_secs(second), dice.roll(8));
        match dice.roll(8) {
            asked @ 0..4 => {
                let options = options(&mut dice, &flags);
                let answers = (naive.ask(asked, id, options, &mut told), real.ask(asked, id, options));
                assert_eq!(answers.0, answers.1, "seed {seed}, step {steps}");
            }
            4 => {
                let failures = dice.roll(4);
                told.failing.insert(id, failures);
                done.failing.insert(id, failures);
            }
            _ => {
                let reason =
                    [Exit::Normal, Exit::shutdown(), Exit::Killed, Exit::error("boom")][dice.roll(4) as usize].clone();
                naive.exited(id, &reason, second, &mut told);
                if let Some(key) = real.plan.find(&id.to_string()) {
                    real.plan.exited(key, &reason, now);
                }
            }
        }
        // Restarts that failed may have to wait behind other messages.
        let quiet = dice.roll(3) > 0;
        real.settle(now, &mut done, quiet);
        if quiet {
            naive.settle(second, &mut told);
        }
        assert_eq!(told.log, done.log, "seed {seed}, step {steps}");
        assert_eq!(naive.gone, real.gone, "seed {seed}, step {steps}");
        if !naive.gone {
            assert_eq!(naive.children(), real.children(), "seed {seed}, step {steps}");
        }
    }
    steps
}

#[test]
fn the_plan_does_what_the_text_says() {
    let steps: u64 = (0..5_000).map(life).sum();
    assert!(steps > 50_000, "only {steps} steps");
}
