//! 300 random programs of links, monitors, exits and names, each with what a real BEAM did.
//!
//! `conformance/signals.json` holds one scenario per line, `conformance/signals.expected` the events that Erlang/OTP 25
//! recorded. Each scenario runs on its own node. After every step the test waits until all processes are idle: the paused
//! clock advances only then.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use serde_json::Value;

const PROGRAMS: &str = include_str!("../conformance/signals.json");
const RECORDED: &str = include_str!("../conformance/signals.expected");

/// The two intended differences: the runner checks first, prints the BEAM's line and skips the call. In greenroom, linking
/// to a dead process gives an EXIT signal, trapping or not, and a send to an unregistered name is silent.
const DIFFERENT: [&str; 2] = ["error noproc", "error badarg"];

#[greenroom::test]
async fn conformance_of_signals_with_what_a_beam_did() {
    let recorded: Vec<&str> = RECORDED.split("# scenario ").skip(1).collect();
    let programs: Vec<&str> = PROGRAMS.lines().collect();
    assert_eq!((programs.len(), recorded.len()), (300, 300));
    let mut differences = String::new();
    for (number, (program, expected)) in programs.into_iter().zip(recorded).enumerate() {
        let (_, expected) = expected.split_once('\n').expect("a number, then the events");
        let happened = play(program).await;
        if happened != expected {
            let _ = write!(
                differences,
                "# scenario {number}\n{program}\n--- a BEAM\n{expected}--- greenroom\n{happened}\n"
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Runs one program on a fresh node and lists what happened.
async fn play(program: &str) -> String {
    let steps: Vec<Step> =
        serde_json::from_str::<Vec<Value>>(program).expect("a list of steps").iter().map(Step::read).collect();
    let node = Node::local();
    let scripted = Arc::new(Stage::default());
    for step in steps {
        let Some(player) = scripted.player(step.actor()) else {
            if let Step::Spawn { player, parent: None, traps, .. } = step {
                let stub = node.spawn(Player::new(player, traps, &scripted));
                scripted.enter(player, stub);
                settle().await;
            }
            continue;
        };
        player.perform(step);
        settle().await;
    }
    let happened = scripted.report(&node);
    node.stop().await;
    happened
}

/// Waits until all processes are idle: the paused clock advances only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// One step of a scenario. Processes and monitors are given by number.
#[derive(Clone, Debug)]
enum Step {
    Spawn { player: usize, parent: Option<usize>, how: How, traps: bool },
    Link(usize, usize),
    Unlink(usize, usize),
    Monitor(usize, usize, usize),
    MonitorName(usize, String, usize),
    Demonitor { player: usize, monitor: usize, flush: bool },
    Exit(usize, usize, Exit),
    Stop(usize, Exit),
    Panic(usize),
    Trap(usize, bool),
    Send(usize, usize, u64),
    SendName(usize, String, u64),
    Register(usize, String, usize),
    Unregister(usize, String),
}

#[derive(Clone, Copy, Debug)]
enum How {
    Plain,
    Link,
    Monitor(usize),
}

impl Step {
    fn read(step: &Value) -> Step {
        let number = |at: usize| usize::try_from(step[at].as_u64().expect("a number")).expect("a small one");
        let text = |at: usize| step[at].as_str().expect("a text");
        let flag = |at: usize| step[at].as_bool().expect("a truth value");
        let reason = |at: usize| match text(at) {
            "normal" => Exit::Normal,
            "shutdown" => Exit::shutdown(),
            "kill" => Exit::Kill,
            other => Exit::error(other),
        };
        match text(0) {
            "spawn" => {
                let how = match text(3) {
                    "link" => How::Link,
                    "monitor" => How::Monitor(number(4)),
                    _ => How::Plain,
                };
                let parent = step[2].as_i64().and_then(|parent| usize::try_from(parent).ok());
                Step::Spawn { player: number(1), parent, how, traps: flag(5) }
            }
            "link" => Step::Link(number(1), number(2)),
            "unlink" => Step::Unlink(number(1), number(2)),
            "monitor" => Step::Monitor(number(1), number(2), number(3)),
            "monitorname" => Step::MonitorName(number(1), text(2).into(), number(3)),
            "demonitor" => Step::Demonitor { player: number(1), monitor: number(2), flush: text(3) == "flush" },
            "exit" => Step::Exit(number(1), number(2), reason(3)),
            "stop" => Step::Stop(number(1), reason(2)),
            "panic" => Step::Panic(number(1)),
            "trap" => Step::Trap(number(1), flag(2)),
            "send" => Step::Send(number(1), number(2), number(3) as u64),
            "sendname" => Step::SendName(number(1), text(2).into(), number(3) as u64),
            "register" => Step::Register(number(1), text(2).into(), number(3)),
            "unregister" => Step::Unregister(number(1), text(2).into()),
            other => panic!("no step is called {other}"),
        }
    }

    /// The process that executes the step. `None` is the test itself, which only spawns.
    fn actor(&self) -> Option<usize> {
        match *self {
            Step::Spawn { parent, .. } => parent,
            Step::Link(player, _)
            | Step::Unlink(player, _)
            | Step::Monitor(player, ..)
            | Step::MonitorName(player, ..)
            | Step::Demonitor { player, .. }
            | Step::Exit(player, ..)
            | Step::Stop(player, _)
            | Step::Panic(player)
            | Step::Trap(player, _)
            | Step::Send(player, ..)
            | Step::SendName(player, ..)
            | Step::Register(player, ..)
            | Step::Unregister(player, _) => Some(player),
        }
    }
}

/// The state that all processes of a scenario share.
#[derive(Default)]
struct Stage {
    players: Mutex<Vec<PlayerRef>>,
    log: Mutex<Vec<(usize, String)>>,
}

impl Stage {
    fn enter(&self, number: usize, stub: PlayerRef) {
        let mut players = self.players.lock().unwrap();
        assert_eq!(players.len(), number, "processes are numbered as they come");
        players.push(stub);
    }

    fn player(&self, number: Option<usize>) -> Option<PlayerRef> {
        self.players.lock().unwrap().get(number?).filter(|stub| stub.is_alive()).cloned()
    }

    fn stub(&self, number: usize) -> PlayerRef {
        self.players.lock().unwrap()[number].clone()
    }

    fn who(&self, pid: &Pid) -> String {
        let players = self.players.lock().unwrap();
        let number = players.iter().position(|stub| stub.pid().as_ref() == Some(pid));
        number.map_or_else(|| "test".into(), |number| format!("p{number}"))
    }

    fn log(&self, number: usize, line: impl Into<String>) {
        self.log.lock().unwrap().push((number, line.into()));
    }

    /// The events process by process, then the running processes, then the owners of the names.
    fn report(&self, node: &Node) -> String {
        let mut lines = String::new();
        let (log, players) = (self.log.lock().unwrap(), self.players.lock().unwrap().clone());
        for number in log.iter().map(|(number, _)| *number).collect::<BTreeSet<_>>() {
            for (_, line) in log.iter().filter(|(of, _)| *of == number) {
                let _ = writeln!(lines, "p{number} {line}");
            }
        }
        for (number, stub) in players.iter().enumerate() {
            let _ = writeln!(lines, "p{number} {}", if stub.is_alive() { "alive" } else { "dead" });
        }
        for name in ["green", "red"] {
            let owner = node.named::<PlayerRef>(name).pid();
            let owner = owner.map_or_else(|| "none".into(), |pid| self.who(&pid));
            let _ = writeln!(lines, "{name} -> {owner}");
        }
        lines
    }
}

#[protocol(local)]
enum PlayerMessage {
    Perform {
        step: Step,
    },
    Hear {
        from: usize,
        n: u64,
    },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

type PlayerRef = PlayerMessageRef;

#[actor(protocol = PlayerMessage)]
struct Player {
    number: usize,
    traps: bool,
    /// The process's monitors by the scenario's numbers.
    monitors: HashMap<MonitorRef, usize>,
    scripted: Arc<Stage>,
}

impl Process for Player {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.trap_exit(self.traps);
        loop {
            match cx.receive().await {
                PlayerMessage::Perform { step } => self.perform(cx, step)?,
                PlayerMessage::Hear { from, n } => self.log(format!("MSG p{from} {n}")),
                PlayerMessage::Down(down) => {
                    let monitor = self.monitors[&down.monitor];
                    self.log(format!("DOWN m{monitor} {}", short(&down.reason)));
                }
                PlayerMessage::Exit(signal) => {
                    self.log(format!("EXIT {} {}", self.scripted.who(&signal.from), short(&signal.reason)));
                }
            }
        }
    }
}

impl Player {
    fn new(number: usize, traps: bool, scripted: &Arc<Stage>) -> Player {
        Player { number, traps, monitors: HashMap::new(), scripted: Arc::clone(scripted) }
    }

    fn log(&self, line: impl Into<String>) {
        self.scripted.log(self.number, line);
    }

    fn perform(&mut self, cx: &mut Context<Self>, step: Step) -> Result<(), Exit> {
        let scripted = Arc::clone(&self.scripted);
        match step {
            Step::Spawn { player, how, traps, .. } => {
                let child = Player::new(player, traps, &scripted);
                let stub = match how {
                    How::Plain => child.spawn(),
                    How::Link => child.spawn_link(cx),
                    How::Monitor(monitor) => {
                        let (stub, reference) = child.spawn_monitor(cx);
                        self.monitors.insert(reference, monitor);
                        stub
                    }
                };
                scripted.enter(player, stub);
            }
            Step::Link(_, to) => {
                if self.traps || scripted.stub(to).is_alive() {
                    cx.link(&scripted.stub(to));
                } else {
                    self.log(DIFFERENT[0]);
                }
            }
            Step::Unlink(_, from) => cx.unlink(&scripted.stub(from)),
            Step::Monitor(_, target, monitor) => {
                self.monitors.insert(cx.monitor(&scripted.stub(target)), monitor);
            }
            Step::MonitorName(_, name, monitor) => {
                self.monitors.insert(cx.monitor(&PlayerRef::named(&name)), monitor);
            }
            Step::Demonitor { monitor, flush, .. } => {
                let reference = self.monitors.iter().find(|(_, number)| **number == monitor).map(|(found, _)| *found);
                if let Some(reference) = reference {
                    let live = if flush { cx.demonitor(reference) } else { cx.demonitor_only(reference) };
                    self.log(format!("demonitor m{monitor} {live}"));
                }
            }
            Step::Exit(_, to, reason) => scripted.stub(to).exit(reason),
            Step::Stop(_, reason) => return Err(reason),
            Step::Panic(_) => panic!("panic"),
            Step::Trap(_, trap) => {
                cx.trap_exit(trap);
                self.traps = trap;
            }
            Step::Send(_, to, n) => drop(scripted.stub(to).hear(self.number, n)),
            Step::SendName(_, name, n) => {
                let named = PlayerRef::named(&name);
                match named.pid() {
                    Some(_) => drop(named.hear(self.number, n)),
                    None => self.log(DIFFERENT[1]),
                }
            }
            Step::Register(_, name, who) => match PlayerRef::register(&name, &scripted.stub(who)) {
                Ok(()) => self.log(format!("register {name} true")),
                Err(_) => self.log("error badarg"),
            },
            Step::Unregister(_, name) => match PlayerRef::unregister(&name) {
                Ok(()) => self.log(format!("unregister {name} true")),
                Err(_) => self.log("error badarg"),
            },
        }
        Ok(())
    }
}

/// Formats a reason as the recording does.
fn short(reason: &Exit) -> String {
    match reason {
        Exit::Panic { .. } => "panic".into(),
        Exit::NoProc => "noproc".into(),
        other => other.to_string(),
    }
}
